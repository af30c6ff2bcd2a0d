"""The table of a data protection officer: each field, its meaning, whose it is, in which form it travels where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.catalogue import Contract
from schemas.derive import Channel, NamedTypes, array_items, derive, fields_of, privacy_of
from schemas.field_steps import WITH_IDENTITY
from schemas.privacy_classes import SELF
from schemas.registry import AvroSchema

CHANNELS = tuple(channel for channel in Channel if channel is not Channel.SOURCE)
"""The personal channels, each with a schema of its own for each event type."""

Forms = Mapping[str, Mapping[str, str]]
"""By channel, then by path of a field, in which form it travels there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One field that holds a value, or one record that is sealed as a whole."""

    event_type: str
    path: str
    """Such as `suspects[].group`; `[]` marks a list of records."""
    meaning: str
    privacy_class: str
    subjects: tuple[str, ...]
    """Whose key seals it: paths of persons, `agency`; nothing for what is about nobody."""
    ladder: str | None
    minimum: str | None
    """The finest level of the ladder that a non-personal channel may carry."""
    forms: Mapping[str, str]
    """By channel `sealed`, `clear`, `by form`, `company`, or a level of the ladder; only where the field exists."""


def privacy_table(contract: Contract, non_personal: Forms | None = None) -> tuple[Row, ...]:
    """Return a row for each field of *contract*, in order.

    *non_personal* has, by channel, the level on which each path leaves there; the personal channels are added here.
    """
    forms: dict[str, Mapping[str, str]] = {str(channel): _forms_on(contract, channel) for channel in CHANNELS}
    forms |= non_personal or {}
    return tuple(
        Row(
            event_type=contract.name,
            path=path,
            meaning=str(field.get("doc", "")),
            privacy_class=str(privacy_of(field)["class"]),
            subjects=tuple(_whose(subject, path) for subject in _subjects(field)),
            ladder=_text(privacy_of(field).get("ladder")),
            minimum=_text(privacy_of(field).get("minimum")),
            forms={channel: there[path] for channel, there in forms.items() if path in there},
        )
        for path, field in leaves(contract.schema)
    )


def leaves(schema: AvroSchema) -> Iterator[tuple[str, AvroSchema]]:
    """Yield every field of *schema* that holds a value, with its path; `[]` marks a list of records."""
    types = NamedTypes(schema)

    def walk(record: AvroSchema, above: str) -> Iterator[tuple[str, AvroSchema]]:
        for field in fields_of(record):
            name = f"{above}{field['name']}"
            if privacy_of(field)["class"] != "CONTAINER":
                yield name, field
                continue
            items = array_items(field["type"])
            inner = types.record(field["type"] if items is None else items)
            if inner is None:
                raise TypeError(f"{name}: a container holds records")
            yield from walk(inner, f"{name}." if items is None else f"{name}[].")

    return walk(schema, "")


def as_object(row: Row) -> dict[str, object]:
    """Return *row* for scripts."""
    return {
        "event_type": row.event_type,
        "path": row.path,
        "meaning": row.meaning,
        "class": row.privacy_class,
        "subjects": list(row.subjects),
        "ladder": row.ladder,
        "minimum": row.minimum,
        "forms": dict(row.forms),
    }


def _forms_on(contract: Contract, channel: Channel) -> Mapping[str, str]:
    there = {path for path, _ in leaves(derive(contract, channel).schema)}
    kinds = {path: str(privacy_of(field)["class"]) for path, field in leaves(contract.schema)}
    return {path: _form(kind, channel) for path, kind in kinds.items() if path in there}


def _form(kind: str, channel: Channel) -> str:
    if kind == "ENTITY":
        return "by form" if channel in WITH_IDENTITY else "company"
    return "clear" if kind in ("OPERATIONAL", "PUBLIC") else "sealed"


def _subjects(field: AvroSchema) -> tuple[str, ...]:
    found = privacy_of(field).get("subject")
    return tuple(map(str, found)) if isinstance(found, list) else () if found is None else (str(found),)


def _whose(subject: str, path: str) -> str:
    """Return the path of the person that *subject* is, seen from the event."""
    return path.rpartition(".")[0] if subject == SELF else subject


def _text(said: object) -> str | None:
    return None if said is None else str(said)
