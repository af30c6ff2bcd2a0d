"""Event ids: version 7, in the order of time, never the same."""

import re
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.event_ids import new_event_id
from connectors.publisher import Publisher
from infra.topology.credentials import Credentials
from schemas.checks import _FORMATS
from schemas.names import PrincipalId


@given(st.integers(0, 2**48 - 1))
def test_an_id_is_a_uuid_of_version_7_with_its_time(now_ms: int) -> None:
    found = uuid.UUID(new_event_id(now_ms))
    assert (found.version, found.variant) == (7, uuid.RFC_4122)
    assert found.int >> 80 == now_ms


@given(st.lists(st.integers(0, 2**48 - 1), unique=True, max_size=20))
def test_ids_sort_as_their_times(times: list[int]) -> None:
    ids = [new_event_id(now_ms) for now_ms in times]
    assert sorted(ids) == sorted(ids, key=time_of)


def time_of(event_id: str) -> int:
    return uuid.UUID(event_id).int >> 80


def test_ids_of_one_moment_differ() -> None:
    assert len({new_event_id(1) for _ in range(1000)}) == 1000


def test_without_a_time_the_system_gives_it() -> None:
    assert abs(time_of(new_event_id()) - time_of(new_event_id())) < 60_000


class Fixed(Publisher):
    """A publisher that is connected to nothing."""

    def __init__(self, password: str = "a password") -> None:  # noqa: S107 - of nobody
        self.agency = "rs-police"
        self._credentials = Credentials(
            principal=PrincipalId("rs-police"), password=password, bootstrap="", ca_file=Path(), access_url=""
        )


def test_a_publisher_fills_in_what_it_knows_and_changes_nothing_else() -> None:
    moment = "2026-11-24T12:00:00Z"
    given_event = {"event_type": "X", "envelope": {"purpose": "PROTECT", "occurred_at": moment}, "extra": 1}
    done = Fixed().completed(given_event)
    envelope = done["envelope"]
    assert isinstance(envelope, dict)
    assert uuid.UUID(envelope.pop("event_id")).version == 8
    assert envelope == {"agency": "rs-police", "recorded_at": moment, "occurred_at": moment, "purpose": "PROTECT"}
    assert given_event["envelope"] == {"purpose": "PROTECT", "occurred_at": moment}


def test_the_same_text_without_an_id_is_the_same_event_and_any_other_is_not() -> None:
    written = {"event_type": "X", "envelope": {"purpose": "PROTECT"}, "person": {"full_name": "Invented"}}
    other = {**written, "person": {"full_name": "Invented Other"}}

    assert Fixed().completed(written) == Fixed().completed(dict(reversed(list(written.items()))))
    assert id_of(Fixed().completed(written)) != id_of(Fixed().completed(other))


def test_an_id_tells_nobody_the_content_without_the_key() -> None:
    written = {"event_type": "X", "envelope": {}}

    assert id_of(Fixed("one password").completed(written)) != id_of(Fixed("another").completed(written))


def id_of(event: dict[str, object]) -> object:
    envelope = event["envelope"]
    assert isinstance(envelope, dict)
    return envelope["event_id"]


@pytest.mark.parametrize("name", ["agency", "event_id", "recorded_at"])
def test_a_publisher_keeps_what_is_given_even_when_it_is_wrong(name: str) -> None:
    done = Fixed().completed({"envelope": {name: "given"}})
    assert isinstance(done["envelope"], dict)
    assert done["envelope"][name] == "given"


@pytest.mark.parametrize("envelope", [None, 5, "x", []])
def test_an_envelope_that_is_none_is_left_to_the_validation(envelope: object) -> None:
    assert Fixed().completed({"envelope": envelope}) == {"envelope": envelope}
    assert Fixed().completed({}) == {}


def test_ids_are_those_that_the_contracts_ask_for() -> None:
    assert re.fullmatch(_FORMATS["uuid"][0], new_event_id())
