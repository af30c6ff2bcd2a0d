"""Changes to one event in JSON form, at the paths that problems name. Pure."""

import copy
import json
import re
from collections.abc import Mapping
from typing import cast

from schemas.errors import MisuseError

_STEP = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[0-9]{1,6}\])*)", re.ASCII)


class ChangeError(MisuseError):
    """A change that cannot be made: no `path=value`, or a path that the event does not have."""

    code = "change"


def changed(event: Mapping[str, object], path: str, value: object) -> dict[str, object]:
    """Return *event* with *value* at *path*, such as `person.citizenships[0]`; a value of None takes the field out.

    Raises ChangeError when what is above the last step is not there.
    """
    found = copy.deepcopy(dict(event))
    *above, last = steps_of(path)
    holder: object = found
    for step in above:
        holder = _at(holder, step)
    if isinstance(last, int) and isinstance(holder, list):
        if last > len(holder):
            raise ChangeError(f"the list has no place for `{path}`: its next number is {len(holder)}")
        holder[last : last + 1] = [] if value is None else [value]
    elif isinstance(last, str) and isinstance(holder, dict):
        if value is None:
            holder.pop(last, None)
        else:
            holder[last] = value
    else:
        raise ChangeError(f"the event has nothing at `{path}`; paths are those of `hub quarantine show`")
    return found


def steps_of(path: str) -> list[str | int]:
    """Return the names and numbers of *path*; raise ChangeError."""
    found: list[str | int] = []
    for part in path.split("."):
        step = _STEP.fullmatch(part)
        if step is None:
            raise ChangeError("give a path as problems name it, such as person.citizenships[0]")
        found += [step[1], *(int(number) for number in re.findall(r"[0-9]+", step[2]))]
    return found


def change_in(text: str) -> tuple[str, object]:
    """Return path and value of `path=value`; the value is JSON where it reads as JSON, else text."""
    path, equals, value = text.partition("=")
    if not equals:
        raise ChangeError("give each change as path=value, such as status=PRESUMED")
    try:
        return path, json.loads(value)
    except ValueError:
        return path, value


def _at(holder: object, step: str | int) -> object:
    try:
        return cast("dict[str | int, object]", holder)[step]
    except (KeyError, IndexError, TypeError):
        raise ChangeError("the event has no such path; paths are those of `hub quarantine show`") from None
