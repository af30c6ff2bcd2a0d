"""Where a value of a mapping goes: a field of a contract, found by its path, with what it may hold."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.importing.spec import Event, Rule, Spec
from schemas.catalogue import contract
from schemas.codelists import code_list
from schemas.shapes import Array, Field, Record, Scalar, shape_of

FILLED_IN = frozenset({"envelope.event_id", "envelope.agency", "envelope.recorded_at"})
"""What every import gives itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One field that a rule fills."""

    path: str
    scalar: Scalar
    is_list: bool
    is_mandatory: bool
    codes: str | None
    accepted: frozenset[str] | None
    """Codes that the field may hold, None when it is not coded."""


def target(shape: Record, path: str, roles: tuple[str, ...] = ()) -> Target | str:
    """Return the field at *path* of *shape*, or what is wrong with the path.

    *roles* are those that a person may have when *shape* is one.
    """
    found = _walk(shape, path.split("."), roles)
    if isinstance(found, str):
        return found
    entry, roles = found
    inner = entry.shape.items if isinstance(entry.shape, Array) else entry.shape
    if not isinstance(inner, Scalar):
        return "names a record: give its fields, or list its entries under `records`"
    return Target(
        path=path,
        scalar=inner,
        is_list=isinstance(entry.shape, Array),
        is_mandatory=entry.mandatory,
        codes=entry.text("codes"),
        accepted=_accepted(entry, roles),
    )


def record_list(shape: Record, path: str) -> tuple[Record, tuple[str, ...]] | str:
    """Return the record that the list at *path* of *shape* holds and its roles, or what is wrong with the path."""
    found = _walk(shape, path.split("."), ())
    if isinstance(found, str):
        return found
    entry, _ = found
    if isinstance(entry.shape, Array) and isinstance(entry.shape.items, Record):
        return entry.shape.items, entry.texts("roles")
    return "is no list of records"


def fields_of(spec: Spec, event: Event) -> Mapping[str, Rule]:
    """Return the rules of *event* by path, those of every event included where it has such a field."""
    shape = shape_of(contract(event.type))
    shared = {path: rule for path, rule in spec.fields.items() if not isinstance(target(shape, path), str)}
    return {**shared, **event.fields}


def unfilled(shape: Record, given: set[str], lists: set[str], above: str = "") -> list[str]:
    """Return the paths of mandatory fields of *shape* that *given* (fields) and *lists* (of records) leave empty."""
    found: list[str] = []
    for entry in shape.fields:
        path = f"{above}{entry.name}"
        below = {other for other in given | lists if other.startswith(f"{path}.")}
        if isinstance(entry.shape, Record):
            if below:
                found += unfilled(entry.shape, given, lists, f"{path}.")
            elif entry.mandatory:
                found.append(path)
        elif entry.mandatory and path not in given | lists | FILLED_IN:
            found.append(path)
    return found


def _walk(shape: Record, steps: list[str], roles: tuple[str, ...]) -> tuple[Field, tuple[str, ...]] | str:
    """Return the field at *steps*, and the roles that the field allows whose record it is in."""
    for place, step in enumerate(steps):
        entry = next((each for each in shape.fields if each.name == step), None)
        if entry is None:
            return "is no field of the event type"
        if place == len(steps) - 1:
            return entry, roles
        if not isinstance(entry.shape, Record):
            return "goes through a list or a value: list its entries under `records`"
        shape, roles = entry.shape, entry.texts("roles")
    return "is empty"


def _accepted(entry: Field, roles: tuple[str, ...]) -> frozenset[str] | None:
    codes = entry.text("codes")
    if codes is None:
        return None
    allowed = roles if entry.name == "role" and roles else entry.texts("allowed")
    return frozenset(allowed) or frozenset(code_list(codes).codes)
