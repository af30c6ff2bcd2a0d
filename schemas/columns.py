"""How a column gets its value from an event: compiled once to functions over dictionaries."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from schemas.channel_rules import Column, Publishable
from schemas.codelists import code_list
from schemas.errors import MisuseError
from schemas.generalising import MOST, Ladder, NotOnLadderError, age_at, ladder
from schemas.reading import day_of
from schemas.shapes import Array, Scalar

Read = Callable[[Mapping[str, object], Mapping[str, object]], object]
"""Returns the value of a column for an event and the person of the row; None where nothing is reported."""
SINCE: Mapping[str, Callable[[dt.date, dt.date], int]] = {"age": age_at, "stay": lambda begun, day: (day - begun).days}
"""Ladders on which a date leaves as how long it was on the day of the event, and how long that is."""
NOTHING_SAID = frozenset({"NOT_REPORTED", "SUPPRESSED", "UNKNOWN"})
"""Codes that leave as nothing: what was not asked looks like what was withheld."""


def value_of(column: Column, persons: str | None) -> Read:
    """Return the function of *column*: the first of its fields that says something."""
    reads = [_source(source, persons, single=column.single) for source in column.sources]
    if len(reads) == 1:
        return reads[0]

    def first(event: Mapping[str, object], person: Mapping[str, object]) -> object:
        for read in reads:
            if (value := read(event, person)) is not None:
                return value
        return None

    return first


def _source(source: Publishable, persons: str | None, *, single: bool) -> Read:
    of_person = persons is not None and source.path.startswith(f"{persons}.")
    way = source.path.removeprefix(f"{persons}.").split(".") if of_person else source.path.split(".")
    convert = _conversion(source, single=single)
    if source.field.shape is Scalar.DATE and source.field.privacy.get("ladder") in SINCE:
        return _since(way[-1], source, of_person=of_person)
    if len(way) == 1:
        name = way[0]
        if of_person:
            return lambda _event, person: convert(person.get(name))
        return lambda event, _person: convert(event.get(name))

    def walk(event: Mapping[str, object], person: Mapping[str, object]) -> object:
        value: object = person if of_person else event
        for name in way:
            value = value.get(name) if isinstance(value, Mapping) else None
        return convert(value)

    return walk


def _since(name: str, source: Publishable, *, of_person: bool) -> Read:
    """Return how long it was, on the day of the event, since a day: an age in years or a stay in days, on its step."""
    ladder_name = str(source.field.privacy["ladder"])
    step, length = ladder(ladder_name).at(str(source.level)), SINCE[ladder_name]

    def since(event: Mapping[str, object], person: Mapping[str, object]) -> object:
        begun, day = (person if of_person else event).get(name), day_of(event)
        if not isinstance(begun, dt.date) or day is None or begun > day:
            return None
        return _stepped(step, length(begun, day))

    return since


def _conversion(source: Publishable, *, single: bool) -> Callable[[object], object]:
    several = isinstance(source.field.shape, Array)
    if source.level is not None:
        own = ladder(str(source.field.privacy["ladder"]))
        known = _known_codes(source) if own.name == "all-or-nothing" else None
        if several and single:
            return lambda value: _single(own, str(source.level), value)
        step = _quick(own, str(source.level), known)
        return _of_list(step) if several else step
    codes = _known_codes(source)
    if codes is None:
        return lambda value: value  # about nobody: the rules let no other field without codes pass
    table = {code: code for code in codes}
    return _of_list(table.get) if several else _look_up(table)


def _known_codes(source: Publishable) -> frozenset[str] | None:
    name = source.field.text("codes")
    return None if name is None else frozenset(code_list(name).codes) - NOTHING_SAID


def _look_up(table: Mapping[str, str]) -> Callable[[object], object]:
    return lambda value: table.get(value) if isinstance(value, str) else None


def _quick(own: Ladder, level: str, known: frozenset[str] | None) -> Callable[[object], object]:
    """Return the step of *own* as one look into a table where it has one; codes that are not *known* are none."""
    if own.takes in MOST:
        return lambda value: _stepped(own.at(level), value)
    try:
        table = dict(own.table(level))
    except MisuseError:  # the calendar has no table
        return lambda value: _stepped(own.at(level), value)
    if known is not None:
        return lambda value: value if value in known else None
    return lambda value: table.get(value) if isinstance(value, str) else None


def _of_list(step: Callable[[str], object]) -> Callable[[object], object]:
    def convert(value: object) -> object:
        if not isinstance(value, list):
            return None
        return sorted({str(code) for each in value if (code := step(each)) is not None}) or None

    return convert


def _single(own: Ladder, level: str, value: object) -> object:
    """Return the finest step from *level* on, on which all of *value* are one; None when there is none but `*`."""
    values: Sequence[object] = value if isinstance(value, list) else ()
    for coarser in own.levels[own.levels.index(level) : -1]:
        codes = {_stepped(own.at(coarser), each) for each in values}
        if len(codes) == 1:
            return codes.pop()
    return None


def _stepped(step: Callable[[object], str | None], value: object) -> str | None:
    try:
        return step(value)
    except NotOnLadderError:
        return None
