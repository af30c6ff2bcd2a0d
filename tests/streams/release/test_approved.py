"""What approvals open, and what they do not; and that nothing which is taken away ever opens anything."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.approvals import Approval
from streams.release.decide import Release, Withhold, decide
from tests.streams.release.test_decide import AGREEMENT, EUROPOL, FACTS, NOW, PARTNERS, SELEC, approval, cases


def approved(handling: str, *approvals: Approval) -> Any:
    return decide(dataclasses.replace(FACTS, handling=handling), EUROPOL, [AGREEMENT], (), NOW, approvals)


def test_the_owner_alone_permits_h2() -> None:
    assert approved("H2", approval()).reasons == ("agreed", "approved")
    for stranger in ("bg-police/1", "hub-operator/1", "rs-police-2/1"):
        assert approved("H2", approval(stranger)) == Withhold(reasons=("needs-permission-of-owner",))


def test_h3_is_released_by_an_officer_of_the_owner_and_one_of_the_operator() -> None:
    assert isinstance(approved("H3", approval(), approval("hub-operator/1")), Release)
    for too_few in ([approval()], [approval("hub-operator/1")], [approval(), approval("rs-police/2")]):
        assert approved("H3", *too_few) == Withhold(reasons=("held-for-manual-release",))


@pytest.mark.parametrize(
    "changes",
    [{"event_id": "e2"}, {"audience": SELEC}, {"valid_until": NOW}, {"approved_at": NOW + dt.timedelta(seconds=1)}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_approval_of_something_else_does_not_count(changes: dict[str, Any]) -> None:
    assert isinstance(approved("H2", approval(**changes)), Withhold)
    both = [approval(**changes), approval("hub-operator/1", **changes)]
    assert isinstance(approved("H3", *both), Withhold)


def test_an_approval_opens_nothing_that_no_agreement_covers() -> None:
    facts = dataclasses.replace(FACTS, handling="H2", event_type="ControlFinding")
    assert decide(facts, EUROPOL, [AGREEMENT], (), NOW, [approval()]) == Withhold(reasons=("event-type-not-agreed",))


approval_strategy = st.builds(
    approval,
    st.sampled_from(["rs-police/1", "bg-police/1", "hub-operator/1", "", "/"]),
    event_id=st.sampled_from(["e1", "e2", ""]),
    audience=st.sampled_from(PARTNERS),
    valid_until=st.sampled_from([NOW, NOW + dt.timedelta(1)]),
)


@given(cases, st.lists(approval_strategy, max_size=3), st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_nothing_that_is_taken_away_ever_opens_anything(case: Any, approvals: Any, data: Any) -> None:
    facts, audience, agreements, consents = case
    facts = dataclasses.replace(facts, event_id="e1", handling=data.draw(st.sampled_from(["H0", "H2", "H3"])))
    asked = {"agreements": agreements, "consents": consents, "approvals": approvals}
    found = decide(facts, audience, **asked, now=NOW)
    assert decide(facts, audience, **asked, now=NOW) == found
    if isinstance(found, Release):
        return
    for name, several in asked.items():
        fewer = {**asked, name: [each for each in several if data.draw(st.booleans())]}
        assert isinstance(decide(facts, audience, **fewer, now=NOW), Withhold)
