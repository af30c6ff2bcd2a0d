"""A proposal of a mapping for a file that none was written for: what is sure, what is likely, what a person decides."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from connectors.importing.evidence import by_name, by_values, code_named, flag_texts, is_flag, tells_sex
from connectors.importing.sampling import Sample
from connectors.importing.targets import FILLED_IN
from schemas.catalogue import contract, contracts
from schemas.shapes import Array, Field, Record, Scalar, shape_of

SURE, LIKELY, WORTH_SAYING = 0.8, 0.6, 0.35
_BY_NAME, _BY_VALUE = 0.55, 0.45
_NAMELESS, _NAMELESS_MAX = 0.3, 0.55
"""Texts alone say little: most columns hold texts that fit several fields."""
_CERTAIN = 0.85
_NAMED = 0.5
DECIDES = frozenset({"person.restricted", "person.role", "trafficked_from", "identified_by"})
"""Fields that a person decides about unless the column bears their very name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One column and the field that it may fill."""

    column: str
    path: str
    confidence: float
    rule: dict[str, object]
    why: str
    open: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """How sure it is, as people say it."""
        return "sure" if self.confidence >= SURE else "likely" if self.confidence >= LIKELY else "unsure"


@dataclass(slots=True, kw_only=True)
class Proposal:
    """What to do with each column of a file."""

    event_type: str
    matches: dict[str, Match] = field(default_factory=dict)
    """Column -> what is sure or likely."""
    unsure: dict[str, Match | None] = field(default_factory=dict)
    """Column -> the best guess, None when there is none."""
    flags: dict[str, dict[str, str]] = field(default_factory=dict)
    """Path of a list -> column -> code."""
    yes: set[str] = field(default_factory=set)
    no: set[str] = field(default_factory=set)
    hints: dict[str, str] = field(default_factory=dict)
    """Column -> what is known of it, though no rule could be made."""

    @property
    def score(self) -> float:
        """How much of the file the event type can say."""
        return sum(match.confidence for match in self.matches.values()) + sum(map(len, self.flags.values()))


def propose(sample: Sample, event_type: str | None = None) -> list[Proposal]:
    """Return proposals for *sample*, the best event type first; with *event_type* the one for it."""
    names = [event_type] if event_type else [known.name for known in contracts()]
    return sorted((_proposal(sample, name) for name in names), key=lambda found: found.score, reverse=True)


def fields_for(event_type: str) -> dict[str, Field]:
    """Return the fields of *event_type* that a column can fill, by path."""
    return dict(_fields(shape_of(contract(event_type)), ""))


def _proposal(sample: Sample, event_type: str) -> Proposal:
    found = Proposal(event_type=event_type)
    fields = fields_for(event_type)
    candidates: list[Match] = []
    for column, texts in sample.texts.items():
        if is_flag(texts) and (place := _flag_place(column, fields)):
            path, code = place
            if isinstance(fields[path].shape, Array):
                found.flags.setdefault(path, {})[column] = code
                yes, no = flag_texts(texts)
                found.yes.update(yes)
                found.no.update(no)
            else:
                found.hints[column] = f"stands for `{code}` of `{path}`: write `cases`"
            continue
        candidates += [_match(column, path, entry, sample) for path, entry in fields.items()]
    _settle(found, candidates, [*sample.texts])
    if "person.group" in fields:
        with_age = "with the age it gives `person.group`: write `cases`, or `group_of` with a date of birth"
        found.hints |= {column: with_age for column in found.unsure if tells_sex(column)}
    return found


def _settle(found: Proposal, candidates: list[Match], columns: list[str]) -> None:
    """Give each field to its best column; what is not sure enough, or comes too late, is left to a person."""
    taken: dict[str, str] = dict.fromkeys(found.flags, "columns of yes and no")
    placed = {column for columns_of in found.flags.values() for column in columns_of}
    best: dict[str, Match] = {}
    for match in sorted(candidates, key=lambda each: each.confidence, reverse=True):
        if match.column in placed:
            continue
        if match.confidence >= WORTH_SAYING:
            best.setdefault(match.column, match)
        if match.confidence >= LIKELY and match.path not in taken and not _has_many_open(match):
            taken[match.path] = match.column
            found.matches[match.column] = match
            placed.add(match.column)
    found.unsure = {column: best.get(column) for column in columns if column not in placed}


def _has_many_open(match: Match) -> bool:
    table = match.rule.get("map")
    return isinstance(table, dict) and len(match.open) > max(len(table), 1)


def _match(column: str, path: str, entry: Field, sample: Sample) -> Match:
    texts = sample.texts[column]
    name, why_name = by_name(column, path, entry)
    value = by_values(texts, entry)
    is_certain = name == 1.0 and value.share > 0
    confidence = (
        0.0 if value.share == 0 else max(_BY_NAME * name + _BY_VALUE * value.share, _CERTAIN if is_certain else 0.0)
    )
    if path in DECIDES and not is_certain:  # wrong, it would expose somebody or tell another story
        confidence = min(confidence, LIKELY - 0.01) if name >= _NAMED else 0.0
    forms = value.rule.get("date")
    if isinstance(forms, list) and len(forms) > 1:  # a day and a month that could be the other way round
        confidence = min(confidence, LIKELY - 0.01)
    if isinstance(entry.shape, Array) and any(";" in text for text in texts) and not value.rule and value.share < 1:
        confidence = min(confidence, LIKELY - 0.01)
    return Match(
        column=column,
        path=path,
        confidence=confidence,
        rule=dict(value.rule),
        why=f"{why_name}; {value.why}",
        open=value.open,
    )


def _flag_place(column: str, fields: dict[str, Field]) -> tuple[str, str] | None:
    found = [
        (path, code)
        for path, entry in fields.items()
        if not path.endswith("_ruled_out") and (code := code_named(column, entry))
    ]
    return found[0] if found else None


def _fields(record: Record, above: str) -> Iterator[tuple[str, Field]]:
    for entry in record.fields:
        path = f"{above}{entry.name}"
        if isinstance(entry.shape, Record):
            yield from _fields(entry.shape, f"{path}.")
        elif path not in FILLED_IN and isinstance(
            entry.shape.items if isinstance(entry.shape, Array) else entry.shape, Scalar
        ):
            yield path, entry
