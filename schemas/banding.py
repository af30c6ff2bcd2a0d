"""Bands that a rule of a channel puts a number or a date on: a ladder of the rule, beside the one of the field.

A date then leaves as how long it was on the day of the event. The schemas of events stay as they are: what agencies
gave under the ladder of a field leaves no finer than that ladder lets it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from schemas.errors import Problem
from schemas.generalising import EVERYTHING, ladder
from schemas.ladder_data import ladder_files, years_of
from schemas.shapes import Field, Scalar

Columns = Mapping[str, Mapping[str, Any]]
"""The rules of columns by their names, as the file of a channel has them."""
_TAKEN: Mapping[object, str] = {(Scalar.DATE, "days since 1970-01-01"): "days", (Scalar.INT, "months"): "months"}
"""What a ladder of bands takes of a field, by shape and unit."""
_LEAST_DAYS: Mapping[object, float] = {
    "day": 1,
    "week": 10,
    "month": 28,
    "quarter": 90,
    "year": 365,
    EVERYTHING: float("inf"),
}
"""How many a band spans at least, by the finest step on which the date itself may leave."""


def banded(field: Field, said: Mapping[str, Any]) -> Field:
    """Return *field* on the ladder of bands that the rule *said* names; as it is where that is none."""
    if said.get("bands") not in ladder_files():
        return field
    privacy = {**field.privacy, "ladder": said["bands"], "minimum": ladder(said["bands"]).levels[0]}
    return replace(field, attributes={**field.attributes, "privacy": privacy})


def level_of(field: Field, said: Mapping[str, Any], number: int) -> str | None:
    """Return the level on which *field*, the *number*-th of a column, leaves by the rule *said*.

    A stand-in, such as a region for the country, leaves on its own minimum. None for a field without a ladder.
    """
    field = banded(field, said)
    if "ladder" not in field.privacy:
        return None
    level, minimum = said.get("level"), field.privacy.get("minimum")
    levels = ladder(str(field.privacy["ladder"])).levels
    if number and level in levels and minimum in levels:
        return str(max(level, minimum, key=levels.index))
    return level


def problems_of_bands(columns: Columns, field_at: Callable[[str], Field | None]) -> Iterator[Problem]:
    """Yield what is wrong with the bands of *columns*: unknown, unfit for a field, or finer than it may be."""
    for name, said in columns.items():
        if "bands" not in said:
            continue
        if (bands := ladder_files().get(said["bands"])) is None:
            yield Problem(name, "unknown-bands", f"use one of: {', '.join(ladder_files())}")
            continue
        least = min(map(_width, bands.content["levels"][0].get("bands", ("0-0",))))
        for path in said["from"]:
            if (field := field_at(path)) is None:
                continue
            if bands.takes != _TAKEN.get((field.shape, field.text("unit"))):
                yield Problem(path, "unfit-bands", "put the days since a date, or a whole number of months, in bands")
            elif least < _LEAST_DAYS.get(field.privacy.get("minimum"), 0):
                yield Problem(path, "narrow-bands", "no band is narrower than the step on which the date may leave")


def _width(band: str) -> float:
    first, last = years_of(band)
    return last - first + 1
