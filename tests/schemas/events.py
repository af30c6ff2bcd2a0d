"""Events to break: the examples as records, changed at a path, and what validation says of them."""

import copy
from typing import Any

from schemas.catalogue import contract
from schemas.examples import example
from schemas.json_form import from_json
from schemas.validation import problems
from tests.schemas.strategies import NOW


def event(name: str = "PersonIdentified") -> dict[str, Any]:
    """Return the example of *name* as a record."""
    record, wrong = from_json(example(name), contract(name))
    assert not wrong
    return record


def found(record: Any, name: str = "PersonIdentified") -> set[tuple[str, str]]:
    """Return path and rule of every problem of *record* as seen at `NOW`."""
    return {(problem.path, problem.rule) for problem in problems(record, contract(name), NOW)}


def change(name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the example of *name* with the value at each path of *changes* replaced."""
    record = copy.deepcopy(event(name))
    for path, value in changes.items():
        *above, last = path.split(".")
        holder: Any = record
        for step in above:
            holder = holder[int(step)] if step.isdigit() else holder[step]
        holder[int(last) if last.isdigit() else last] = value
    return record
