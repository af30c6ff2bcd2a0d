# ruff: noqa: INP001 - beside a program, not in a package
"""In which form each field of an event travels on each channel."""

from collections.abc import Iterator, Mapping

from schemas.catalogue import Contract
from schemas.derive import Channel, NamedTypes, array_items, derive, fields_of, privacy_of
from schemas.field_steps import WITH_IDENTITY
from schemas.registry import AvroSchema

CHANNELS = tuple(channel for channel in Channel if channel is not Channel.SOURCE)


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
            assert inner is not None, "a container holds records"
            yield from walk(inner, f"{name}." if items is None else f"{name}[].")

    return walk(schema, "")


def travel(contract: Contract) -> Mapping[str, tuple[str, ...]]:
    """Return, for each path of `leaves`, its form on each of CHANNELS; empty where the field does not exist."""
    carried = [dict(leaves(derive(contract, channel).schema)) for channel in CHANNELS]
    return {
        path: tuple(
            _form(str(privacy_of(field)["class"]), channel) if path in there else ""
            for channel, there in zip(CHANNELS, carried, strict=True)
        )
        for path, field in leaves(contract.schema)
    }


def subjects(field: AvroSchema) -> str:
    """Return whom *field* is about, as the schema names them; nothing when it is about nobody."""
    subject = privacy_of(field).get("subject", "")
    return ", ".join(map(str, subject)) if isinstance(subject, list) else str(subject)


def _form(kind: str, channel: Channel) -> str:
    if kind == "ENTITY":
        return "by form" if channel in WITH_IDENTITY else "company"
    return "clear" if kind in ("OPERATIONAL", "PUBLIC") else "sealed"
