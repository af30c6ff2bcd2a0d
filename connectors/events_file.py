"""Files of events: JSON lines, or one JSON document (an object, or an array of objects)."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import orjson

from schemas.errors import Problem

DOCUMENT_CHARS_MAX = 64_000_000
NOT_JSON = Problem("$", "not-json", "write one JSON object on each line, or one JSON document with an array of objects")
NOT_AN_OBJECT = Problem("$", "type", "give one JSON object for each event")
NOT_UTF8 = Problem(
    "$", "invalid-unicode", "save the file as UTF-8, and nothing else: Windows-1250 and UTF-16 are not read"
)
HALF_A_PAIR = Problem("$", "invalid-unicode", "a text holds half of a surrogate pair: write the character whole")
GIVEN_TWICE = Problem("$", "duplicate-field", "a field is given twice in one object: keep one of the two")
BROKEN_DOCUMENT = Problem(
    "$", "not-json", "the document is broken or cut off; write it again, or one object on each line"
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a file an event is written."""

    unit: str
    """What `number` counts: a line, or a record of an Avro file."""
    number: int
    """From 1; every event of an array has the line on which the array begins."""
    index: int | None = None
    """Counts the events of an array from 1."""

    def __str__(self) -> str:
        return f"{self.unit} {self.number}" if self.index is None else f"event {self.index}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One event of a file, or what is wrong with its line."""

    number: int
    event: dict[str, object] | None
    problem: Problem | None = None
    index: int | None = None
    unit: str = "line"

    @property
    def place(self) -> Place:
        """Where in the file it is."""
        return Place(self.unit, self.number, self.index)


def read_events(source: Iterable[str]) -> Iterator[Line]:
    """Yield the events of *source* one by one; a line that is no JSON object is yielded with its problem.

    Lines are read as they come. Only a document that begins over several lines is read whole, up to
    `DOCUMENT_CHARS_MAX`; a byte order mark at the start is passed over.
    """
    lines = enumerate(source, 1)
    first = True
    for number, text in lines:
        line = text.removeprefix("\ufeff") if number == 1 else text
        if not line.strip():
            continue
        if first and not _is_json(line):
            yield from _document(number, line, lines)
            return
        first = False
        yield from _one(line, number)


def _document(start: int, first: str, following: Iterator[tuple[int, str]]) -> Iterator[Line]:
    """Yield what is in a file whose first line is not JSON by itself: a document, or lines with a broken one."""
    read, chars = [(start, first)], len(first)
    while chars < DOCUMENT_CHARS_MAX and (entry := next(following, None)) is not None:
        read.append(entry)
        chars += len(entry[1])
    try:
        found = orjson.loads("".join(text for _, text in read))
    except orjson.JSONDecodeError:
        if not any(_is_json(text) for _, text in read[1:] if text.strip().startswith(("{", "["))):
            # One document, not a line for each of its own.
            yield Line(number=start, event=None, problem=_why("".join(text for _, text in read), BROKEN_DOCUMENT))
            return
        for number, text in chain(read, following):
            if text.strip():
                yield from _one(text, number)
        return
    if _given_twice("".join(text for _, text in read), found):
        yield Line(number=start, event=None, problem=GIVEN_TWICE)
    else:
        yield from _objects(found, start)
    for number, text in following:
        if text.strip():
            yield Line(number=number, event=None, problem=NOT_JSON)


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _one(line: str, number: int) -> Iterator[Line]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        yield Line(number=number, event=None, problem=_why(line, NOT_JSON))
        return
    if _given_twice(line, found):
        yield Line(number=number, event=None, problem=GIVEN_TWICE)
    else:
        yield from _objects(found, number)


_OTHER_BYTES = re.compile("[\udc80-\udcff]")
"""What is left of bytes that are not UTF-8."""


def _why(text: str, otherwise: Problem) -> Problem:
    """Return why *text* is no JSON."""
    if _OTHER_BYTES.search(text):
        return NOT_UTF8
    try:
        json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return otherwise
    return HALF_A_PAIR  # the one thing that Python's own parser takes


def _no_number(_name: str) -> None:
    raise ValueError  # NaN and Infinity are not JSON


def _given_twice(text: str, found: object) -> bool:
    """Whether an object in *text*, read as *found*, has a field twice: orjson keeps the last and says nothing.

    Written anew it then has fewer colons. Only a text whose colons differ is read again, slowly.
    """
    if text.count(":") == orjson.dumps(found).count(b":"):
        return False
    try:
        json.loads(text, object_pairs_hook=_once)
    except _TwiceError:
        return True
    except RecursionError:
        return False  # no contract is so deep: it is refused for that
    return False


class _TwiceError(Exception):
    pass


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError
    return found


def _objects(found: object, number: int) -> Iterator[Line]:
    for index, event in enumerate(found if isinstance(found, list) else [found], 1):
        place = index if isinstance(found, list) else None
        if isinstance(event, dict):
            yield Line(number=number, event=event, index=place)
        else:
            yield Line(number=number, event=None, problem=NOT_AN_OBJECT, index=place)
