"""Whether an event keeps its contract: all problems at once, each with its path, its rule and what to do.

Rule 1: the checks of a contract are compiled once into closures; an event then walks no schema.
Rule 2: paths are put together only for what is wrong.
Rule 3: no problem ever holds a value of the event, nor a field name that the sender made up.
Rule 4: pure. The present moment is an argument.
"""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from functools import cache

from schemas.catalogue import Contract
from schemas.checks import CLEAN, MISSING, Check, Finding, Findings, Limits, list_check, value_check
from schemas.errors import MisuseError, Problem
from schemas.person_rules import Rule
from schemas.rules import rules_for
from schemas.shapes import Array, Field, Record, Shape, shape_of

NEAR_MAX = 5
"""For so many unknown fields at most a name of the contract is looked for that is like them."""


def problems(record: Mapping[str, object], contract: Contract, now: datetime) -> tuple[Problem, ...]:
    """Return all that is wrong with *record*, an event of *contract*, as seen at *now*; nothing when valid.

    *record* has the shape that fastavro reads and writes: dates are `date`, timestamps aware `datetime`.
    A field that has a default may be left out. Raises MisuseError when *now* has no time zone.
    """
    if now.tzinfo is None:
        raise MisuseError("give `now` with a time zone, such as datetime.now(UTC)")
    limits = Limits.at(now)
    structure, rules = _compiled(contract)
    found = [*structure(record, limits)]
    if isinstance(record, dict):
        for rule in rules:
            found += rule(record, limits)
    return tuple(Problem(path.removeprefix(".") or "$", name, advice) for path, name, advice in found)


@cache
def _compiled(contract: Contract) -> tuple[Check, tuple[Rule, ...]]:
    shape = shape_of(contract)
    return _record_check(shape, ()), rules_for(contract.name, shape)


def _record_check(shape: Record, roles: tuple[str, ...]) -> Check:
    """Compile the check of a record; *roles* are those that a person may have in this place."""
    checks = tuple(
        (entry.name, entry.mandatory, entry.nullable, _shape_check(entry, entry.shape, roles)) for entry in shape.fields
    )
    names = frozenset(entry.name for entry in shape.fields)

    def check(value: object, limits: Limits) -> Findings:
        if not isinstance(value, dict):  # what is read from JSON or Avro is one; an abstract class is slow to ask for
            return (("", "type", "give an object with the fields of the contract"),)
        found: list[Finding] = []
        missing = 0
        for name, mandatory, nullable, inner in checks:
            item = value.get(name, MISSING)
            if item is None:
                if not nullable:
                    found.append((f".{name}", *_NULL[mandatory]))
            elif item is MISSING:
                missing += 1
                if mandatory:
                    found.append((f".{name}", "mandatory", "give the field: it is mandatory"))
            elif wrong := inner(item, limits):
                found += [(f".{name}{path}", rule, advice) for path, rule, advice in wrong]
        if len(value) + missing != len(checks):
            found.append(_unknown_fields(value, names))
        return found or CLEAN

    return check


_NULL = {
    True: ("mandatory", "give the field a value: it is mandatory"),
    False: ("null", "leave the field out or give it a value: null is not one"),
}


def _unknown_fields(value: Mapping[str, object], names: frozenset[str]) -> Finding:
    """Count the fields that are not in the contract; their names stay unsaid: one could be a person's."""
    unknown = [name for name in value if name not in names]
    near = {found for name in unknown[:NEAR_MAX] for found in get_close_matches(str(name), names, 1)}
    meant = f"; did you mean {', '.join(sorted(near))}?" if near else ""
    advice = f"remove or rename what the contract does not have: {len(unknown)} field(s){meant}"
    return ("", "unknown-field", advice)


def _shape_check(entry: Field, shape: Shape, roles: tuple[str, ...]) -> Check:
    if isinstance(shape, Array):
        return list_check(entry, _shape_check(entry, shape.items, roles))
    if isinstance(shape, Record):
        return _record_check(shape, entry.texts("roles"))
    return value_check(entry, shape, roles)
