"""JSON lines, or one JSON document, as rows: every object is a row, nested objects become columns with dots."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import orjson

from connectors.events_file import Line, read_events
from connectors.importing.headers import HUB_COLUMNS, nearest
from connectors.importing.lines import UNDECODABLE, Lines
from connectors.importing.rows import COLUMNS_MAX, Cell, Fault, Row

_DEEPEST = 20
_UNDECODABLE = Fault("", "undecodable", "the row is not text in the declared encoding: write it again as UTF-8")


class JsonRows:
    """A file of JSON objects, read one by one."""

    def __init__(self, path: Path, *, known: Collection[str], optional: Collection[str], encoding: str) -> None:
        self._lines = Lines(path, encoding)
        self.repairs: Counter[str] = self._lines.repairs
        self.total = self._lines.total
        self.remarks: list[str] = []
        self.delimiter = ","
        self.columns = (*known, *(name for name in HUB_COLUMNS if name not in known))
        self._last = ""
        self._own = len(known)
        self._needed = [name for name in known if name not in optional]

    @property
    def done(self) -> int:
        """Bytes that were read."""
        return self._lines.done

    def __iter__(self) -> Iterator[Row]:
        """Yield every object; what is none comes with its fault."""
        for number, line in enumerate(read_events(self._remembered()), 1):
            yield self._row(number, line)

    def _remembered(self) -> Iterator[str]:
        for text in self._lines:
            self._last = text
            yield text

    def _row(self, number: int, line: Line) -> Row:
        if line.event is None:
            if UNDECODABLE in self._last:
                return Row(number, (), _UNDECODABLE, self._last.replace(UNDECODABLE, "").rstrip())
            advice = line.problem.advice if line.problem else "write one JSON object for each row"
            return Row(number, (), Fault("", "not-json", advice), self._last.rstrip())
        found = dict(flat(line.event))
        text = orjson.dumps(line.event).decode()
        unknown = [name for name in found if name not in self.columns]
        if unknown:
            return Row(number, (), self._unknown(unknown), text)
        for name in self._needed:
            if name not in found:
                return Row(
                    number, (), Fault(name, "missing-key", "give the key, with null when there is no value"), text
                )
        return Row(number, [found.get(name) for name in self.columns])

    def _unknown(self, names: list[str]) -> Fault:
        if len(names) > COLUMNS_MAX:
            return Fault("", "too-many-keys", f"an object has at most {COLUMNS_MAX:,} keys")
        like = nearest(names[0], self.columns[: self._own])
        advice = f"is it `{like}`?" if like else "map them, or list them under `ignored`"
        return Fault("", "unknown-key", f"{len(names)} keys are not in the mapping; {advice}")


def flat(value: Mapping[str, object], above: str = "", depth: int = 0) -> Iterator[tuple[str, Cell]]:
    """Yield the keys of a JSON object and their values; nested objects have keys with dots."""
    for name, inner in value.items():
        path = f"{above}{name}"
        if isinstance(inner, dict) and depth < _DEEPEST:
            yield from flat(inner, f"{path}.", depth + 1)
        elif inner is None or isinstance(inner, (str, int, float, bool, list)):
            yield path, inner
        else:
            yield path, orjson.dumps(inner).decode()
