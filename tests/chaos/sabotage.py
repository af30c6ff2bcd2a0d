"""Ways to make a record fail in the real worker, and to make it good again: nothing of the code is changed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import orjson

from infra.home import Home
from tests.running import command, rows


@contextmanager
def unpseudonymised(home: Home, subjects: Iterable[str]) -> Iterator[None]:
    """Take away what the pseudonyms of *subjects* are made from while the block runs: release fails on their events."""
    names = list(subjects)
    query = "SELECT subject_id::text, wrapped_secret FROM vault.subject WHERE subject_id = ANY(%s::uuid[])"
    kept = rows(home, query, names)
    assert len(kept) == len(names)
    rows(home, "UPDATE vault.subject SET wrapped_secret = NULL WHERE subject_id = ANY(%s::uuid[])", names)
    try:
        yield
    finally:
        for subject, wrapped in kept:
            rows(home, "UPDATE vault.subject SET wrapped_secret = %s WHERE subject_id = %s", wrapped, subject)


def parked(home: Home) -> list[tuple[str, str, int]]:
    """Return id, code and followers of the head of each sequence, as `hub parked list` tells them."""
    told = orjson.loads(command(home, "parked", "list", "--json").stdout)
    return [(each["id"], each["code"], each["behind"]) for each in told["parked"]]


def is_parked(home: Home, count: int) -> bool:
    """Whether so many records are parked."""
    return rows(home, "SELECT count(*) FROM streams.parked") == [(count,)]
