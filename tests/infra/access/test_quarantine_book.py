"""What became of a refused record: what was accepted after it settles it, and is stronger than giving it up."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from infra.access.quarantine_book import fate_of
from infra.access.quarantine_log import Held

offsets = st.none() | st.integers(0, 20)


def held(source_offset: int) -> Held:
    return Held(
        offset=5,
        source_topic="in.rs-police",
        source_partition=0,
        source_offset=source_offset,
        received_at=dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        event_id=None,
        event_type=None,
        problems=(),
        sealed=None,
    )


@given(st.integers(0, 20), offsets, offsets, st.none() | st.just("why"))
def test_a_record_is_settled_by_the_first_event_accepted_after_it_else_by_a_reason(
    source: int, seen: int | None, told: int | None, reason: str | None
) -> None:
    found = fate_of(held(source), seen, told, reason)
    later = {each for each in (seen, told) if each is not None and each > source}
    assert found.accepted_offset == min(later, default=None)
    assert found.state == ("resubmitted" if later else "open" if reason is None else "discarded")
    assert found.reason == reason
