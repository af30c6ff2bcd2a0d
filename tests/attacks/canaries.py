"""Events with a value in every personal field that occurs nowhere else: the canaries."""

import copy
import datetime as dt
import random
from collections.abc import Callable, Mapping
from typing import Any

from schemas.catalogue import Contract
from schemas.codelists import code_list
from schemas.derive import SEALED
from schemas.examples import example
from schemas.json_form import from_json
from schemas.shapes import Array, Field, Record, Scalar, Shape, shape_of
from schemas.validation import problems
from tests.publishing import people

CONSONANTS = "GHJKLMNPQRSTVWXZ"
"""None is a digit of hexadecimal numbers, and no two of them make a name."""
FAR = dt.date(7000, 1, 1)
TEXTS = ("IDENTITY", "CONTACT", "NARRATIVE")

Canaries = dict[str, object]
"""Values by event type and path."""


class Planter:
    """Makes canaries; the same *seed* makes the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same again for the same seed
        self.made: Canaries = {}

    def token(self) -> str:
        """Return letters and digits that occur nowhere else, not even the first six of them."""
        draw = self._random.choice
        return "".join(draw(CONSONANTS) + draw("0123456789") for _ in range(9))

    def planted(self, contract: Contract, event: Mapping[str, Any], *, valid_at: dt.datetime | None) -> dict[str, Any]:
        """Return *event* with a canary in every personal field.

        With *valid_at* the event stays valid at that moment: codes are not replaced, nor numbers and dates that have
        to fit others. Without, every schema still takes it.
        """
        made = copy.deepcopy(dict(event))

        def is_valid() -> bool:
            return valid_at is None or not problems(made, contract, valid_at)

        self._record(shape_of(contract), made, contract.name, is_valid, valid_at, personal=False)
        return made

    def _record(
        self, shape: Record, record: dict[str, Any], path: str, is_valid: Callable[[], bool], at: dt.datetime | None,
        *, personal: bool,
    ) -> None:  # fmt: skip
        for entry in shape.fields:
            kind, here = str(entry.privacy.get("class")), f"{path}.{entry.name}"
            own = personal or kind in SEALED or kind == "ENTITY"
            inner, value = entry.shape, record.get(entry.name)
            if isinstance(inner, Array) and isinstance(inner.items, Record):
                for number, item in enumerate(value or ()):
                    self._record(inner.items, item, f"{here}[{number}]", is_valid, at, personal=own)
            elif isinstance(inner, Record):
                if value is not None:
                    self._record(inner, value, here, is_valid, at, personal=own)
            elif own and not (at and entry.text("codes")):
                self._put(entry, inner, record, here, is_valid, at)

    def _put(
        self, entry: Field, shape: Shape, record: dict[str, Any], path: str, is_valid: Callable[[], bool],
        at: dt.datetime | None,
    ) -> None:  # fmt: skip
        before = record.get(entry.name)
        scalar = shape.items if isinstance(shape, Array) else shape
        assert isinstance(scalar, Scalar)
        value = self._value(entry, scalar, at)
        while value in self.made.values():
            value = self._value(entry, scalar, at)
        record[entry.name] = [value] if isinstance(shape, Array) else value
        if not is_valid():
            record[entry.name] = before
        else:
            self.made[path] = value

    def _value(self, entry: Field, scalar: Scalar, at: dt.datetime | None) -> object:
        number = self._random.randrange
        if scalar is Scalar.STRING:
            text = self.token()
            return f"{text} Žanåé" if str(entry.privacy.get("class")) in TEXTS and not entry.text("format") else text
        if scalar is Scalar.DATE:
            return dt.date(1901, 1, 1) + dt.timedelta(number(9000)) if at else FAR + dt.timedelta(number(900_000))
        if scalar is Scalar.TIMESTAMP:
            began = dt.datetime(1931, 1, 1, tzinfo=dt.UTC) if at else dt.datetime(5000, 1, 1, tzinfo=dt.UTC)
            return began + dt.timedelta(seconds=number(10**8, 9 * 10**8), milliseconds=number(1, 999))
        if scalar is Scalar.DOUBLE:
            return float(number(10**14, 10**15))
        return number(1_100_000_000, 2**31 - 1)


def complete(name: str, contract: Contract) -> dict[str, Any]:
    """Return the example of *name* with a document and a contact for each person, its establishment a sole trader's.

    What the example does not give is null until something is planted there.
    """
    record, wrong = from_json(example(name), contract)
    assert not wrong
    event: dict[str, Any] = copy.deepcopy(record)
    if "establishment" in event:
        event["establishment"] |= {"legal_form": "SOLE_TRADER"}
        if event["establishment"].get("proprietor") is None:
            event["establishment"]["proprietor"] = copy.deepcopy(_a_person())
    _fill(shape_of(contract), event)
    return event


def _a_person() -> dict[str, Any]:
    from schemas.catalogue import contract

    record, _ = from_json(example("SuspectArrested"), contract("SuspectArrested"))
    return next(people(record))


def _fill(shape: Record, record: dict[str, Any]) -> None:
    """Give lists of records an entry, and optional records a value, where *record* has none."""
    for entry in shape.fields:
        inner = entry.shape.items if isinstance(entry.shape, Array) else entry.shape
        if not isinstance(inner, Record):
            record.setdefault(entry.name, None if entry.nullable else [] if isinstance(entry.shape, Array) else None)
            continue
        if inner.name in ("IdentityDocument", "Contact"):
            one = {"kind": "PASSPORT", "number": "x", "issuing_country": "SRB"}
            record[entry.name] = [one if inner.name == "IdentityDocument" else {"kind": "PHONE", "value": "x"}]
        value = record.get(entry.name)
        for item in value if isinstance(value, list) else [value] if value else []:
            _fill(inner, item)


def skeleton(shape: Record, roles: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return a record of *shape* in which every list has an entry and nothing is null; its values say nothing."""
    return {entry.name: _bone(entry, entry.shape, roles) for entry in shape.fields}


def _bone(entry: Field, shape: Shape, roles: tuple[str, ...]) -> Any:
    if isinstance(shape, Array):
        return [_bone(entry, shape.items, roles)]
    if isinstance(shape, Record):
        return skeleton(shape, entry.texts("roles"))
    if entry.name == "legal_form":
        return "SOLE_TRADER"
    if (codes := entry.text("codes")) is not None:
        return (roles if entry.name == "role" and roles else entry.texts("allowed") or sorted(code_list(codes).codes))[
            0
        ]
    fixed = {Scalar.STRING: "x", Scalar.DATE: dt.date(2020, 1, 1), Scalar.DOUBLE: 1.0, Scalar.BOOLEAN: True}
    return fixed.get(shape, dt.datetime(2020, 1, 1, tzinfo=dt.UTC) if shape is Scalar.TIMESTAMP else 1)
