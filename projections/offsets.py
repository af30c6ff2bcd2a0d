"""Where a build as of a past time ends: the offsets that a file names, or those of a moment."""

import datetime as dt
import json
from collections.abc import Collection, Mapping
from pathlib import Path

from projections.logs import Partition, Vector
from schemas.errors import MisuseError


class OffsetsError(MisuseError):
    """The offsets or the time for a build as of then cannot be used."""

    code = "offsets"


def moment_of(text: str) -> dt.datetime:
    """Return the moment that *text* (ISO 8601) names, in UTC when it names no zone; raise OffsetsError."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise OffsetsError("--at takes a moment such as 2026-03-01T12:00:00Z") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


def vector_in(file: Path, bounds: Mapping[Partition, tuple[int, int]]) -> Vector:
    """Return the offsets in *file*, `{"ledger": {"0": 120, …}, …}`; raise OffsetsError.

    Every partition of *bounds* that holds records has to be named: one that was forgotten would look like an empty one.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        vector = {(str(topic), int(n)): int(end) for topic, several in content.items() for n, end in several.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        raise OffsetsError('the file must hold JSON such as {"ledger": {"0": 120, "1": 98}}') from None
    _expect(not (vector.keys() - bounds.keys()), "is not read by the projection", vector.keys() - bounds.keys())
    empty = {place for place, (begin, end) in bounds.items() if begin == end}
    missing = bounds.keys() - vector.keys() - empty
    _expect(not missing, "is not in the file", missing)
    outside = {place for place, at in vector.items() if not bounds[place][0] <= at <= bounds[place][1]}
    _expect(not outside, "does not reach from its beginning to the offset", outside)
    return vector


def _expect(holds: object, what: str, places: Collection[Partition]) -> None:
    if not holds:
        topic, number = min(places)
        raise OffsetsError(f"{topic}-{number} {what}" + (f", and {len(places) - 1} more" if len(places) > 1 else ""))
