"""The ladders on which a value is generalised before it may leave on a non-personal channel.

A ladder is a tree: its levels go from the finest to `*` (everything), and the code of a value on one level says which
code it has on every coarser one. It is published data (`schemas/ladders`), never made from the values at hand.

 1  A value enters at the level that it has: an age of 23 at 20-24, a citizenship of which only the region of the
    world is known at that region. Asked for a finer level than it has, it stays what it is: a code names its own
    level, and nothing comes out finer than it went in.
 2  A value that is wider than a step but does not fit into one enters at the smallest step that holds all of it.
 3  What is not known or not reported stays so, None, on every level but `*`, on which all are one.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import sha256
from types import MappingProxyType

from schemas.calendar_steps import age_at, on_calendar
from schemas.errors import MisuseError, RejectedError
from schemas.ladder_data import EVERYTHING, LadderFile, ladder_files, tables_of, years_of

__all__ = [
    "EVERYTHING",
    "Ladder",
    "NotOnLadderError",
    "UnknownLadderError",
    "UnknownLevelError",
    "age_at",
    "ladder",
    "ladders",
]

OLDEST = 130
"""Years; nobody is older."""
MOST = MappingProxyType({"age": OLDEST, "days": 47_500, "months": 1_560})
"""Greatest number that a ladder of bands takes, by what it takes: as long as the oldest have lived."""

Step = Callable[[object], str | None]
"""Returns the code of a value on one level, None where nothing is known; raises NotOnLadderError."""


class UnknownLadderError(MisuseError):
    """No ladder has this name."""

    code = "unknown-ladder"


class UnknownLevelError(MisuseError):
    """The ladder has no level of this name."""

    code = "unknown-level"


class NotOnLadderError(RejectedError):
    """A value is none that the ladder takes: nothing coarser can be said of it."""

    code = "not-on-ladder"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ladder:
    """The steps by which a value is generalised; two ladders are the same when their fingerprints are."""

    name: str
    title: str
    takes: str
    """What goes in beside the codes: `codes` nothing, `age` whole years, `days` and `months` so many, `date` dates and
    aware datetimes."""
    note: str
    levels: tuple[str, ...]
    """Names of the levels, finest first; the last one is `*`."""
    sources: Mapping[str, str]
    """The published list or release that each level but `*` was taken from."""
    code_lists: tuple[str, ...]
    """The code lists whose fields may name this ladder."""
    fingerprint: str
    """SHA-256 of all that the ladder does, hexadecimal: a channel that was compiled with another one is another."""
    _steps: Mapping[str, Step] = field(repr=False)
    _tables: Mapping[str, Mapping[str, str | None]] = field(repr=False)

    def generalise(self, value: object, level: str) -> str | None:
        """Return the code of *value* on *level*, None when nothing is known of it.

        Takes codes of the code lists and of the ladder itself, and what `takes` says. Raises UnknownLevelError,
        and NotOnLadderError for any other value.
        """
        return self.at(level)(value)

    def generalise_all(self, values: Iterable[object], level: str) -> tuple[str, ...]:
        """Return the codes of several values on *level*, each once, sorted: number and order say no more."""
        step = self.at(level)
        return tuple(sorted({code for value in values if (code := step(value)) is not None}))

    def ruled_out(self, values: Iterable[str], level: str) -> tuple[str, ...]:
        """Return the codes of *level* that are ruled out when *values* are, each once, sorted.

        No labour at all was ruled out only when each of its forms was: what was ruled out does not generalise as what
        was found does. Raises MisuseError for a ladder without a table.
        """
        given = frozenset(values)
        below = [_leaves(self, each) for each in self.levels]
        gone = frozenset[str]().union(*(leaves[code] for leaves in below for code in given & leaves.keys()))
        return tuple(sorted(code for code, leaves in _leaves(self, level).items() if leaves <= gone))

    def at(self, level: str) -> Step:
        """Return the function that takes a value to its code on *level*, to be kept by who calls it often."""
        if (found := self._steps.get(level)) is None:
            raise UnknownLevelError(f"the ladder {self.name} has no such level; they are: {', '.join(self.levels)}")
        return found

    def table(self, level: str) -> Mapping[str, str | None]:
        """Return the code on *level* of every code; raise MisuseError for the calendar, which has no end."""
        self.at(level)
        if not self._tables:
            raise MisuseError(f"the ladder {self.name} has no table; use `at`")
        return self._tables[level]

    def is_as_coarse(self, level: str, minimum: str) -> bool:
        """Return whether *level* is *minimum* or coarser; raise UnknownLevelError when one of them is none."""
        self.at(level)
        self.at(minimum)
        return self.levels.index(level) >= self.levels.index(minimum)


@cache
def ladder(name: str) -> Ladder:
    """Return the ladder *name*; raise UnknownLadderError when there is none."""
    if (found := ladder_files().get(name)) is None:
        raise UnknownLadderError(f"no such ladder; the ladders are: {', '.join(ladder_files())}")
    return build(found)


def build(source: LadderFile) -> Ladder:
    """Return the ladder that *source* says; raise UnfitLadderError when it is no tree over its code lists."""
    return _calendar(source) if source.takes == "date" else _tree(source)


def ladders() -> tuple[Ladder, ...]:
    """Return every ladder, sorted by name."""
    return tuple(map(ladder, ladder_files()))


@cache
def _leaves(of: Ladder, level: str) -> Mapping[str, frozenset[str]]:
    """Return which of the codes that no other one becomes lie below each code of *level*."""
    table = of.table(level)
    inner = {becomes for each in of.levels for code, becomes in of.table(each).items() if becomes != code}
    found: dict[str, set[str]] = {}
    for code in table.keys() - inner:
        if (becomes := table[code]) is not None:
            found.setdefault(becomes, set()).add(code)
    return {code: frozenset(leaves) for code, leaves in found.items()}


def _tree(source: LadderFile) -> Ladder:
    unknown: dict[str, str | None] = dict.fromkeys(sorted(source.not_reported))
    tables = [{**unknown, **table} for table in tables_of(source)]
    tables[-1] |= dict.fromkeys(unknown, EVERYTHING)
    years = _numbers(source) if source.takes in MOST else {}
    steps = {}
    for level, table in zip(source.levels, tables, strict=True):
        known: dict[object, str | None] = {None: EVERYTHING if level == EVERYTHING else None}
        known.update(table)
        known.update({year: table[band] for year, band in years.items()})
        steps[level] = partial(_look_up, known, EVERYTHING if source.any_text else None)
    named = {level: MappingProxyType(table) for level, table in zip(source.levels, tables, strict=True)}
    return _ladder(source, steps, named)


def _calendar(source: LadderFile) -> Ladder:
    return _ladder(source, {level: partial(_on_calendar, level) for level in source.levels}, {})


def _ladder(source: LadderFile, steps: Mapping[str, Step], tables: Mapping[str, Mapping[str, str | None]]) -> Ladder:
    shown = {level: dict(table) for level, table in tables.items()} or _one_year(steps)
    said = {"name": source.name, "levels": source.levels, "codes": shown, "any text": source.any_text}
    return Ladder(
        name=source.name,
        title=source.title,
        takes=source.takes,
        note=source.note,
        levels=source.levels,
        sources=source.sources,
        code_lists=source.code_lists,
        fingerprint=sha256(json.dumps(said, sort_keys=True).encode()).hexdigest(),
        _steps=MappingProxyType(dict(steps)),
        _tables=MappingProxyType(dict(tables)),
    )


def _one_year(steps: Mapping[str, Step]) -> dict[str, list[str | None]]:
    """Return what each day of a leap year becomes, which tells one calendar from another."""
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in range(366)]
    return {level: [step(day) for day in days] for level, step in steps.items()}


def _numbers(source: LadderFile) -> dict[int, str]:
    """Return the band of the finest level for each age, or number of days or months."""
    bands = {band: years_of(band) for band in source.content["levels"][0]["bands"]}
    return {
        year: next(band for band, (first, last) in bands.items() if first <= year <= last)
        for year in range(MOST[source.takes] + 1)
    }


def _look_up(known: Mapping[object, str | None], other_text: str | None, value: object) -> str | None:
    if isinstance(value, str) or value is None or type(value) is int:
        try:
            return known[value]
        except KeyError:
            if other_text is not None and isinstance(value, str):
                return other_text
    raise NotOnLadderError("the value is on no step of the ladder: give a code of the field's code list")


def _on_calendar(level: str, value: object) -> str | None:
    if value is None or value == EVERYTHING:
        return None if value is None and level != EVERYTHING else EVERYTHING
    try:
        code = on_calendar(value, "year" if level == EVERYTHING else level)
    except ValueError:
        raise NotOnLadderError("give a date, a moment with its time zone, or a code of the calendar") from None
    return EVERYTHING if level == EVERYTHING else code
