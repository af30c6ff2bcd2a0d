"""Consent as a ground: nothing without the consent itself, of every person, for this recipient, purpose and agency."""

from typing import Any

import pytest

from schemas.names import AgencyId, SubjectId
from streams.release.decide import Release
from streams.release.told import EVERYTHING
from tests.streams.release.test_decide import NOW, SELEC, consent, decided, person, reason

ON_CONSENT = {"legal_bases": frozenset({"GDPR:6.1.a"})}


def test_a_ground_of_consent_is_nothing_without_the_consent() -> None:
    assert reason(ON_CONSENT) == "no-consent"
    assert isinstance(decided(ON_CONSENT, [consent()]), Release)


@pytest.mark.parametrize(
    "changes",
    [
        {"recipient": SELEC},
        {"purpose": "PROTECT"},
        {"until": NOW},
        {"subject": SubjectId("other")},
        {"agency": AgencyId("bg-police")},
        {"categories": EVERYTHING - {"HEALTH"}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_consent_for_something_else_does_not_count(changes: dict[str, Any]) -> None:
    assert reason(ON_CONSENT, [consent(**changes)]) == "no-consent"


def test_consent_of_one_person_is_not_that_of_another() -> None:
    two = {**ON_CONSENT, "persons": (person("victims[0]"), person("victims[1]"))}
    one = consent(subject=SubjectId("subject-victims[0]"))
    assert reason(two, [one]) == "no-consent"
    assert isinstance(decided(two, [one, consent(subject=SubjectId("subject-victims[1]"))]), Release)


def test_consent_in_the_event_counts_for_its_addressee_alone() -> None:
    carried = {**ON_CONSENT, "consent_given": True}
    assert reason(carried) == "no-consent"
    assert isinstance(decided({**carried, "addressees": frozenset({"europol"})}), Release)


def test_consent_for_an_event_about_nobody_is_no_consent() -> None:
    assert reason({**ON_CONSENT, "persons": ()}, [consent()]) == "no-consent"
