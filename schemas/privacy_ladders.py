"""Checks of the linter on ladders: that there is one, that its steps take the values, and how fine it may get."""

from collections.abc import Iterator
from typing import cast

from schemas.codelists import code_list_names
from schemas.compatibility import fields_in, type_name
from schemas.errors import Problem
from schemas.ladder_data import LadderFile, ladder_files
from schemas.privacy_classes import LADDER_CLASSES, LADDERS
from schemas.privacy_place import Place
from schemas.registry import AvroSchema
from schemas.shapes import Array, Scalar

_TAKES = {"date": {Scalar.DATE, Scalar.TIMESTAMP}, "age": {Scalar.DATE, Scalar.INT}}


def missing_ladder(place: Place) -> str | None:
    """Find a value that cannot leave generalised because nobody said how."""
    if place.privacy_class in LADDER_CLASSES and "ladder" not in place.field.privacy:
        return "name the ladder on which the value is generalised; `all-or-nothing` when there is no other"
    return None


def unknown_ladder(place: Place) -> str | None:
    """Find a ladder that is not there."""
    ladder = place.field.privacy.get("ladder")
    return None if ladder is None or ladder in LADDERS else f"use one of: {', '.join(LADDERS)}"


def unfit_for_ladder(place: Place) -> str | None:
    """Find a field whose values are on no step of its ladder."""
    if (ladder := _ladder(place)) is None:
        return None
    value = place.field.shape.items if isinstance(place.field.shape, Array) else place.field.shape
    codes = place.field.text("codes")
    if codes is None:
        fits = value in _TAKES.get(ladder.takes, ()) or (ladder.any_text and value is Scalar.STRING)
    else:
        fits = codes in ladder.code_lists or codes not in code_list_names()
    return None if fits else f"the ladder takes {_taken(ladder)}: choose another one, or add the codes to it"


def missing_minimum(place: Place) -> str | None:
    """Find a ladder without the finest level that may ever leave."""
    if "ladder" in place.field.privacy and "minimum" not in place.field.privacy:
        return "name the finest level of the ladder that a non-personal channel may carry; `*` when none may"
    return None


def needless_minimum(place: Place) -> str | None:
    """Find a level without a ladder."""
    if "minimum" in place.field.privacy and "ladder" not in place.field.privacy:
        return "remove it, or name the ladder that it is a level of"
    return None


def unknown_minimum(place: Place) -> str | None:
    """Find a level that the ladder does not have."""
    minimum, ladder = place.field.privacy.get("minimum"), _ladder(place)
    if minimum is None or ladder is None or minimum in ladder.levels:
        return None
    return f"use a level of the ladder {ladder.name}: {'; '.join(ladder.levels)}"


def finer_than(old: AvroSchema, new: AvroSchema) -> Iterator[Problem]:
    """Yield each field of *new* that may leave on a finer level than *old*, under which values were given, let it."""
    before = fields_in(old)
    for path, entry in fields_in(new).items():
        was, now = (cast("AvroSchema", each.get("privacy") or {}) for each in (before.get(path, {}), entry))
        if "minimum" not in was or type_name(before[path]["type"]) != type_name(entry["type"]):
            continue
        levels = LADDERS.get(str(was.get("ladder")), ())
        if was.get("ladder") != now.get("ladder"):
            yield Problem(path, "ladder-changed", _KEEP)
        elif now.get("minimum") in levels and levels.index(str(now["minimum"])) < levels.index(str(was["minimum"])):
            yield Problem(path, "minimum-lowered", _KEEP)


_KEEP = "agencies gave the value under the ladder and level that it had: keep these, or add a new field"


def _ladder(place: Place) -> LadderFile | None:
    return ladder_files().get(str(place.field.privacy.get("ladder")))


def _taken(ladder: LadderFile) -> str:
    lists = [f"codes of {', '.join(ladder.code_lists)}"] if ladder.code_lists else []
    others = {"date": ["dates and moments"], "age": ["dates of birth and whole years"]}.get(ladder.takes, [])
    return " and ".join([*others, *lists, *(["text"] if ladder.any_text else [])])
