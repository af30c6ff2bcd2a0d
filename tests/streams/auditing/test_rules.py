"""Audits as rules: every reason has words, a decision made again stands, a draft is told from what was."""

import dataclasses
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.control import CONSENTS, ControlState
from infra.topology.agreements import Agreement
from schemas.names import AgencyId, PartnerId, SubjectId
from streams.auditing.drafts import Difference, compare, moment_of, with_draft
from streams.auditing.explaining import WORDS, explained
from streams.auditing.replaying import Verdict, replayed
from streams.auditing.versions import changes
from streams.release import decide as rules
from streams.release.basis import basis_of, considered
from streams.release.decide import RULES_VERSION, Facts, PersonFacts, Release, decide

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
EUROPOL = PartnerId("europol")
AGREEMENT = Agreement(
    id="a",
    version=1,
    title="t",
    basis="b",
    agencies=(AgencyId("rs-police"),),
    partner=EUROPOL,
    event_types=("PersonIdentified",),
    purposes=("INVESTIGATE",),
    roles=("VICTIM",),
    view="pseudonymous",
    legal_bases=("LED:8",),
    valid_from=dt.date(2020, 1, 1),
    valid_until=dt.date(2030, 12, 31),
    retention_days=30,
    onward_sharing=False,
)
FACTS = Facts(
    event_id="0199c0de-0000-7000-8000-000000000001",
    event_type="PersonIdentified",
    agency=AgencyId("rs-police"),
    purpose="INVESTIGATE",
    legal_bases=frozenset({"LED:8"}),
    handling="H0",
    tlp="GREEN",
    persons=(PersonFacts(path="person", subject=SubjectId("s"), role="VICTIM", restricted=False),),
)
CHANGES: list[dict[str, Any]] = [
    {},
    {"handling": "H2"},
    {"handling": "H3"},
    {"tlp": "RED"},
    {"purpose": "PROSECUTE", "handling": "H1"},
    {"event_type": "FollowUpRecorded"},
    {"legal_bases": frozenset({"GDPR:6.1.a"})},
    {"erased": True},
    {"valid_until": NOW},
]


def control(*agreements: Agreement) -> ControlState:
    return ControlState(agreements=agreements, offset=3, offsets={"control.agreements": 3, CONSENTS: 1})


def recorded(facts: Facts, state: ControlState) -> dict[str, Any]:
    asked = considered(facts, EUROPOL, state)
    decision = decide(facts, EUROPOL, asked.agreements, asked.consents, NOW, asked.approvals)
    return {
        "event_id": facts.event_id,
        "audience": EUROPOL,
        "outcome": "RELEASED" if isinstance(decision, Release) else "WITHHELD",
        "reasons": list(decision.reasons),
        "view": decision.view if isinstance(decision, Release) else None,
        "agreement": decision.agreement.id if isinstance(decision, Release) else None,
        "agreement_version": decision.agreement.version if isinstance(decision, Release) else None,
        "decided_at": NOW,
        "basis": basis_of(facts, EUROPOL, asked),
        "rules": RULES_VERSION,
    }


def test_every_reason_of_the_rules_has_plain_words() -> None:
    source = Path(rules.__file__).read_text("utf-8")
    told = set(re.findall(r'(?:return|reasons=\(|\["|else \[)\s*"?([a-z]+(?:-[a-z]+)+)"', source)) | {
        "agreed",
        "approved",
        "erased",
    }
    assert len(told) > 15
    assert told <= WORDS.keys(), sorted(told - WORDS.keys())


def test_an_explanation_says_what_each_agreement_comes_to_and_what_would_change_it() -> None:
    other = dataclasses.replace(AGREEMENT, id="b", purposes=("PROTECT",))
    state = control(AGREEMENT, other)
    found = explained(FACTS, EUROPOL, considered(FACTS, EUROPOL, state), NOW)
    assert (found.outcome, found.view) == ("RELEASED", "pseudonymous")
    assert [(step.agreement, step.passes, step.reasons) for step in found.steps] == [
        ("a", True, ("agreed",)),
        ("b", False, ("purpose-not-agreed",)),
    ]
    held = dataclasses.replace(FACTS, handling="H2")
    withheld = explained(held, EUROPOL, considered(held, EUROPOL, state), NOW)
    assert withheld.outcome == "WITHHELD"
    assert "hub approval give" in withheld.sentences()[0]


@given(st.sampled_from(CHANGES), st.sampled_from(CHANGES))
def test_a_decision_made_again_stands_and_one_that_says_otherwise_is_found(
    change: dict[str, Any], other: dict[str, Any]
) -> None:
    facts, state = dataclasses.replace(FACTS, **change), control(AGREEMENT)
    decision = recorded(facts, state)
    assert replayed(decision, facts, state).verdict is Verdict.SAME
    forged = {**decision, "outcome": "WITHHELD" if decision["outcome"] == "RELEASED" else "RELEASED"}
    expected = Verdict.FACTS_CHANGED if facts.erased else Verdict.OTHER
    assert replayed(forged, facts, state).verdict is expected
    assert replayed({**decision, "rules": RULES_VERSION - 1}, facts, state).verdict is Verdict.OTHER_RULES
    if other != change:
        assert replayed(decision, dataclasses.replace(FACTS, **other), state).verdict is not Verdict.SAME


@pytest.mark.parametrize("told", [{"view": "personal"}, {"agreement": "b"}, {"agreement_version": 2}])
def test_a_decision_that_names_another_view_or_agreement_does_not_stand(told: dict[str, Any]) -> None:
    decision, state = recorded(FACTS, control(AGREEMENT)), control(AGREEMENT)
    assert replayed(decision | told, FACTS, state).verdict is Verdict.OTHER


def test_a_restricted_note_that_came_later_is_told_from_a_decision_that_was_altered() -> None:
    state = control(AGREEMENT)
    suspect = PersonFacts(path="suspects[0]", subject=SubjectId("t"), role="SUSPECT", restricted=False)
    before = dataclasses.replace(FACTS, persons=(*FACTS.persons, suspect))
    after = dataclasses.replace(
        before, persons=tuple(dataclasses.replace(each, restricted=True) for each in before.persons)
    )
    decision = recorded(before, state)
    assert replayed(decision, after, state).verdict is Verdict.FACTS_CHANGED
    assert replayed(recorded(after, state), after, state).verdict is Verdict.SAME
    for forged in (decision | {"outcome": "WITHHELD"}, recorded(after, state) | {"basis": "0" * 64}):
        assert replayed(forged, after, state).verdict is Verdict.OTHER, "a note is no excuse"


def test_a_decision_by_another_version_of_an_agreement_does_not_stand() -> None:
    decision = recorded(FACTS, control(AGREEMENT))
    newer = control(dataclasses.replace(AGREEMENT, version=2))
    assert replayed(decision, FACTS, newer).verdict is Verdict.OTHER


def difference(draft: Agreement, *agreements: Agreement, **change: Any) -> Difference:
    found = Difference(partner=str(draft.partner))
    compare(found, [dataclasses.replace(FACTS, **change)], control(*agreements), draft, NOW)
    return found


def test_a_draft_shows_what_its_partner_would_newly_see_no_longer_see_and_see_otherwise() -> None:
    assert difference(AGREEMENT).newly_visible == {"PersonIdentified": 1}
    assert difference(AGREEMENT).persons_newly_visible == {"s"}
    narrower = dataclasses.replace(AGREEMENT, version=2, purposes=("PROTECT",))
    assert difference(narrower, AGREEMENT).newly_hidden == {"PersonIdentified": 1}
    assert difference(narrower, AGREEMENT).still_hidden == {}
    assert difference(narrower).still_hidden == {"purpose-not-agreed": 1}
    personal = dataclasses.replace(AGREEMENT, version=2, view="personal")
    assert difference(personal, AGREEMENT).seen_otherwise == {"PersonIdentified": 1}
    same = difference(dataclasses.replace(AGREEMENT, version=2), AGREEMENT)
    assert (same.newly_visible, same.newly_hidden, same.seen_otherwise) == ({}, {}, {})


def test_a_draft_that_begins_later_is_decided_as_on_its_first_day() -> None:
    draft = dataclasses.replace(AGREEMENT, valid_from=dt.date(2028, 1, 1))
    assert moment_of(AGREEMENT, NOW) == NOW
    found = Difference(partner=str(EUROPOL))
    compare(found, [FACTS], control(), draft, moment_of(draft, NOW))
    assert found.newly_visible == {"PersonIdentified": 1}


def test_what_changed_between_two_versions_is_told_term_by_term() -> None:
    other = dataclasses.replace(
        AGREEMENT,
        version=2,
        purposes=("PROTECT", "INVESTIGATE"),
        roles=("SUSPECT",),
        handling=("H0", "H1"),
        view="personal",
    )
    assert [each.plain() for each in changes(AGREEMENT, other)] == [
        "purposes: +PROTECT",
        "roles: -VICTIM +SUSPECT",
        "view: pseudonymous -> personal",
        "handling: all -> H0, H1",
    ]
    assert changes(AGREEMENT, dataclasses.replace(AGREEMENT, version=2)) == []


def test_a_draft_takes_the_place_of_the_agreement_of_its_id() -> None:
    draft = dataclasses.replace(AGREEMENT, version=2)
    assert with_draft([AGREEMENT], draft) == (draft,)
    assert with_draft([dataclasses.replace(AGREEMENT, id="b")], draft)[1] == draft
