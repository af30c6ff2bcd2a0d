"""An event that goes in the place of a refused one goes under its id, or not at all."""

import pytest

from connectors.quarantine.desk import Details, State
from connectors.quarantine.ids import QuarantineId, QuarantineIdError
from connectors.quarantine.resubmitting import REUSED, in_place_of
from schemas.errors import MisuseError

ID, OTHER = "01a217f5-0ffe-74ed-8189-5e8c0af99086", "01a217f5-0ffe-74ed-8189-5e8c0af99087"


def entry(event_id: str | None = ID, state: State = "open", rule: str = "unknown-code") -> Details:
    return Details(
        id=QuarantineId("rs-police", 17),
        received_at="2026-01-05T08:00:00+00:00",
        event_id=event_id,
        event_type="PersonIdentified",
        rules=(rule,),
        state=state,
        problems=(),
        source_offset=3,
        accepted_offset=None,
        reason=None,
    )


def test_an_event_without_an_id_gets_that_of_the_refused_one() -> None:
    assert in_place_of(entry(), {"envelope": {"x": 1}}) == {"envelope": {"x": 1, "event_id": ID}}
    assert in_place_of(entry(), {"envelope": {"event_id": ID.upper()}}) == {"envelope": {"event_id": ID.upper()}}


def test_an_event_of_another_id_is_refused_unless_the_id_was_the_problem() -> None:
    with pytest.raises(MisuseError, match="another id"):
        in_place_of(entry(), {"envelope": {"event_id": OTHER}})
    assert in_place_of(entry(rule=REUSED), {"envelope": {"event_id": OTHER}}) == {"envelope": {"event_id": OTHER}}
    assert in_place_of(entry(event_id=None), {"envelope": {"event_id": OTHER}}) == {"envelope": {"event_id": OTHER}}


def test_what_was_discarded_is_not_sent_again_and_no_envelope_is_left_to_the_publisher() -> None:
    with pytest.raises(MisuseError, match="discarded"):
        in_place_of(entry(state="discarded"), {"envelope": {}})
    assert in_place_of(entry(), {"envelope": 17}) == {"envelope": 17}


@pytest.mark.parametrize("text", ["rs-police@17", "rs-police@0"])
def test_an_id_reads_as_it_is_written(text: str) -> None:
    assert str(QuarantineId.read(text)) == text


@pytest.mark.parametrize("text", ["", "canary", "canary@", "canary@-1", "canary@01", "a@1@2", "a@1\n", "A@1"])
def test_what_is_no_id_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(QuarantineIdError) as caught:
        QuarantineId.read(text)
    assert not text or text not in str(caught.value)
