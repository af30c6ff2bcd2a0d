"""What every export says of itself: what the numbers mean, how they were protected, and from which state of the log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

from projections.exporting.source import Source, least
from projections.indicators.carried import tiers_of
from projections.indicators.catalogue import FILES, Catalogue
from projections.indicators.describing import fold_in_words
from projections.indicators.entries import Indicator
from projections.indicators.figures import NOT_BROKEN_DOWN, NOT_REPORTED, SEVERAL, State

STATES: Mapping[State, str] = {
    State.FULL: "A value that covers every record.",
    State.PARTIAL: (
        "A value, at least so many: some records do not say whether they count, or some are not broken down because "
        "too few persons would be told."
    ),
    State.WAITING: (
        "No value: nobody, or fewer than k persons, which looks the same. They are counted in a later period where "
        "that is possible. It is never to be read as zero."
    ),
    State.SUPPRESSED: "No value: the source or the rule of the tier hides it. It is never to be read as zero.",
    State.MISSING: "No value: no record tells it; `reason` says why. It is never to be read as zero.",
}
CODES: Mapping[str, str] = {
    NOT_REPORTED: "The record does not say it.",
    SEVERAL: "The record says several codes, and the person is counted under none of them.",
    NOT_BROKEN_DOWN: "What is left: too few of a part to be told, so that parts always add up to the whole.",
}
STEPS = (
    "Each figure is a step: what its period adds. It is never changed later; a correction is part of a later period. "
    "A counter of persons moves by nobody or by at least k."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogState:
    """The state of the log and of the rules that an export was made from."""

    tier: str
    k: int
    net: int | None
    embargo_days: int | None
    deadline_days: int | None
    parameters_hash: str
    log_position: Mapping[str, int]
    first: str
    last: str
    """Labels of the first and last period that can be told."""

    @property
    def position(self) -> str:
        """The position as one text, topics in alphabetical order."""
        return " ".join(f"{topic}:{offset}" for topic, offset in sorted(self.log_position.items()))


def state_of(source: Source, tier: str) -> LogState:
    """Return what *source* says of the state that it shows."""
    said, periods = source.parameters(), source.periods()
    return LogState(
        tier=tier,
        k=least(source),
        net=_number(said.get("net")),
        embargo_days=_number(said.get("embargo")),
        deadline_days=_number(said.get("deadline")),
        parameters_hash=str(said.get("hash", "")),
        log_position=dict(sorted(source.position().items())),
        first=periods[0].label if periods else "",
        last=periods[-1].label if periods else "",
    )


def head(title: str, state: LogState, columns: Mapping[str, str], rows: int) -> dict[str, object]:
    """Return what is said of any export with *rows* rows of *columns*, whose meaning is given."""
    return {
        "title": title,
        "tier": state.tier,
        "k": state.k,
        "net": state.net,
        "embargo_days": state.embargo_days,
        "deadline_days": state.deadline_days,
        "parameters_hash": state.parameters_hash,
        "log_position": dict(state.log_position),
        "first_period": state.first,
        "last_period": state.last,
        "rows": rows,
        "columns": dict(columns),
    }


def of_figures(
    catalogue: Catalogue, chosen: Sequence[Indicator], state: LogState, columns: Mapping[str, str], rows: int
) -> dict[str, object]:
    """Return the metadata of an export of figures of the indicators *chosen*."""
    return {
        **head("Indicators of trafficking in human beings", state, columns, rows),
        "catalogue_hash": catalogue_hash(),
        "steps": STEPS,
        "states": {str(each): text for each, text in STATES.items()},
        "codes": dict(CODES),
        "indicators": {entry.id: described(catalogue, entry) for entry in chosen},
    }


def described(catalogue: Catalogue, entry: Indicator) -> dict[str, object]:
    """Return what an export says of one indicator."""
    own = catalogue.measured(entry)
    return {
        "wording": entry.wording,
        "definition": entry.definition,
        "unit": entry.unit,
        "framework": entry.framework,
        "section": entry.printed_as or entry.section,
        "source": str(own.source),
        "folded_from": fold_in_words(own),
        "numerator": entry.numerator or own.numerator,
        "denominator": entry.denominator or own.denominator,
        "period": own.period,
        "by": list(own.by),
        "tiers": list(tiers_of(own)),
        "caveat": entry.caveat or own.caveat,
        "verified": entry.verified,
    }


def catalogue_hash() -> str:
    """Return the SHA-256 of the files of the catalogue, hexadecimal."""
    folder = files("projections.indicators") / "data"
    return sha256(b"\0".join((folder / f"{name}.toml").read_bytes() for name in FILES)).hexdigest()


def as_json(metadata: Mapping[str, object]) -> bytes:
    """Return *metadata* as JSON for people and programs: the same content gives the same bytes."""
    return (json.dumps(metadata, indent=2, ensure_ascii=False) + "\n").encode()


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
