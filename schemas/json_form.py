"""Events as people write them: JSON, dates YYYY-MM-DD, moments in ISO 8601, bytes in base64, optional fields left out.

    {"event_type": "PersonIdentified", "envelope": {...}, "person": {...}, ...}

What cannot be converted is left as it is, and `validation.problems` names it. No value enters a problem.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache

from schemas.catalogue import Contract, UnknownContractError, contract, contracts
from schemas.codec import Record
from schemas.errors import InvalidEventError, Problem
from schemas.registry import AvroSchema
from schemas.shapes import NO_DEFAULT, Array, Scalar, Shape, shape_of
from schemas.shapes import Record as RecordShape
from schemas.validation import problems

EVENT_TYPE = "event_type"
"""The key of the JSON form that names the contract."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_Convert = Callable[[object], object]


def read_event(obj: object, now: datetime) -> tuple[Contract, Record]:
    """Return the contract that the JSON object *obj* names and its event as a record, valid at *now*.

    Raises InvalidEventError with all problems at once.
    """
    if not isinstance(obj, Mapping):
        raise InvalidEventError([_NOT_AN_OBJECT])
    name = obj.get(EVENT_TYPE)
    try:
        found = contract(name if isinstance(name, str) else "")
    except UnknownContractError:
        names = ", ".join(known.name for known in contracts())
        raise InvalidEventError([Problem(EVENT_TYPE, "unknown-event-type", f"give one of: {names}")]) from None
    record, wrong = from_json(obj, found)
    wrong += problems(record, found, now)
    if wrong:
        raise InvalidEventError(wrong)
    return found, record


def from_json(obj: Mapping[str, object], contract: Contract) -> tuple[Record, tuple[Problem, ...]]:
    """Return the record that the JSON object *obj* writes down, with defaults, and what its form lacks.

    The problems are those of the form alone (not an object, another `event_type`); give the record to
    `validation.problems` for all others. `date` and `datetime` objects are taken as they are.
    """
    if not isinstance(obj, Mapping):
        return {}, (_NOT_AN_OBJECT,)
    found: tuple[Problem, ...] = ()
    if obj.get(EVENT_TYPE, contract.name) != contract.name:
        found = (Problem(EVENT_TYPE, "wrong-event-type", f"give {contract.name}, or leave it out"),)
    content = {name: value for name, value in obj.items() if name != EVENT_TYPE}
    return _converter(contract)(content), found


def to_json(record: Mapping[str, object], schema: AvroSchema) -> dict[str, object]:
    """Return *record*, which has the record *schema*, in JSON form; bytes become base64.

    A value that an opened feed holds for a destroyed key becomes `{"erased": true}`.
    """
    name = str(schema["name"]).rsplit(".", 1)[-1]
    return {EVENT_TYPE: name, **{key: _plain(value) for key, value in record.items()}}


_NOT_AN_OBJECT = Problem("$", "type", "give one JSON object for each event")


def _plain(value: object) -> object:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case _:
            return {"erased": True}


@cache
def _converter(contract: Contract) -> Callable[[Mapping[str, object]], Record]:
    return _record_converter(shape_of(contract))


def _record_converter(shape: RecordShape) -> Callable[[Mapping[str, object]], Record]:
    converters = {entry.name: _shape_converter(entry.shape) for entry in shape.fields}
    with_default = [entry for entry in shape.fields if entry.default is not NO_DEFAULT]
    defaults = {entry.name: entry.default for entry in with_default}
    lists = tuple(name for name, default in defaults.items() if isinstance(default, list))
    null_is_absent = frozenset(entry.name for entry in with_default if not entry.nullable)

    def convert(value: Mapping[str, object]) -> Record:
        record = defaults.copy()
        for name in lists:  # each record has its own
            record[name] = []
        for name, item in value.items():
            if item is None:
                if name not in null_is_absent:
                    record[name] = None
            else:
                converter = converters.get(name)
                record[name] = item if converter is None else converter(item)
        return record

    return convert


def _shape_converter(shape: Shape) -> _Convert | None:
    """Return what converts values of *shape*, None when there is nothing to do."""
    if isinstance(shape, RecordShape):
        inner = _record_converter(shape)
        return lambda value: inner(value) if isinstance(value, Mapping) else value
    if isinstance(shape, Array):
        return _list_converter(_shape_converter(shape.items))
    return {Scalar.DATE: _day, Scalar.TIMESTAMP: _moment, Scalar.BYTES: _bytes}.get(shape)


def _list_converter(item: _Convert | None) -> _Convert:
    def convert(value: object) -> object:
        if not isinstance(value, (list, tuple)):
            return value
        return list(value) if item is None else [item(entry) for entry in value]

    return convert


def _day(value: object) -> object:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            return value
    return value


def _bytes(value: object) -> object:
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except ValueError:
            return value
    return value


def _moment(value: object) -> object:
    """Return the moment to the millisecond, as it is after a way over the wire."""
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        try:
            value = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.replace(microsecond=value.microsecond // 1000 * 1000)
    return value
