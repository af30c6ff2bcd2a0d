"""The upcasters: pure functions that say in the words of the next version what an event of an older one says.

Schema resolution (a field more, a field less) needs none. Write one when the meaning moved: codes were merged, one
field became two, a unit changed. An upcaster steps from one version that landed to the next, is never changed once
the next has landed, and leaves alone what it cannot read: a value may be missing, sealed or erased.
"""

from collections.abc import Callable, Mapping
from typing import cast

Record = dict[str, object]
Upcaster = Callable[[Record], Record]

UPCASTERS: Mapping[str, Mapping[str, Upcaster]] = {}
"""By event type, and by the fingerprint of the version from which it steps."""


def recoded(path: str, merge: Mapping[str, str]) -> Upcaster:
    """Return the upcaster that gives the code or list of codes at *path* (such as `person.role`) new names.

    Codes that become the same stand once, where the first of them stood. A code that *merge* does not have stays.
    """
    *above, name = path.split(".")

    def upcast(record: Record) -> Record:
        return _changed(record, above, name, lambda value: _merged(value, merge))

    return upcast


def moved(source: str, target: str) -> Upcaster:
    """Return the upcaster that gives the field *source* of the event the new name *target*."""

    def upcast(record: Record) -> Record:
        if source not in record:
            return record
        return {target if name == source else name: value for name, value in record.items()}

    return upcast


def in_turn(*steps: Upcaster) -> Upcaster:
    """Return the upcaster that does *steps* one after the other."""

    def upcast(record: Record) -> Record:
        for step in steps:
            record = step(record)
        return record

    return upcast


def _merged(value: object, merge: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return merge.get(value, value)
    if isinstance(value, list):
        return list(dict.fromkeys(merge.get(code, code) for code in value))
    return value


def _changed(record: Record, above: list[str], name: str, change: Callable[[object], object]) -> Record:
    """Return a copy of *record* with the value *name* below the fields *above* changed; lists are walked."""
    if not above:
        return {**record, name: change(record[name])} if name in record else record
    first, *rest = above
    inner = record.get(first)
    if isinstance(inner, dict):
        return {**record, first: _changed(inner, rest, name, change)}
    if isinstance(inner, list):
        items = [_changed(cast("Record", i), rest, name, change) if isinstance(i, dict) else i for i in inner]
        return {**record, first: items}
    return record
