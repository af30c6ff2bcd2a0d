"""What the rules are told of an event: no name and no text, and unknown counts as protected."""

from typing import Any

import pytest

from schemas.catalogue import contract, contracts
from schemas.field_steps import persons
from schemas.names import SubjectId
from schemas.opening import ERASED
from streams.release.decide import Facts, facts_of
from tests.schemas.events import event

TYPES = [known.name for known in contracts()]


def facts_from(name: str, **changes: Any) -> Facts:
    record = event(name)
    people = persons(contract(name), record)
    for path, found in people.items():
        found.update(changes, subject=f"subject-{path}")
    return facts_of(name, record, people, {"SRB": frozenset({"rs-prosecution"})})


@pytest.mark.parametrize("name", TYPES)
def test_the_facts_of_an_event_hold_no_name_and_no_text(name: str) -> None:
    found = facts_from(name, full_name="Canary Name", person_ref="canary-ref")
    assert "anary" not in repr(found)
    assert found.event_type == name


def test_a_restricted_note_that_is_not_known_counts_as_one() -> None:
    assert all(person.restricted for person in facts_from("PersonIdentified", restricted="NOT_REPORTED").persons)
    assert not any(person.restricted for person in facts_from("PersonIdentified", restricted="NO").persons)


@pytest.mark.parametrize("field", ["role", "restricted"])
def test_a_person_whose_key_is_gone_makes_the_event_erased(field: str) -> None:
    assert facts_from("PersonIdentified", **{field: ERASED}).erased
    assert not facts_from("PersonIdentified").erased


def test_a_referral_is_addressed_to_whom_it_asks_and_a_request_to_the_requested_state() -> None:
    referral = facts_from("ReferralOffered")
    assert referral.addressees == {event("ReferralOffered")["to_agency"]}
    request = event("ExtraditionRequested") | {"requested_state": "SRB"}
    of_country = {"SRB": frozenset({"rs-prosecution"}), "BGR": frozenset({"bg-police"})}
    answer = event("ExtraditionDecided") | {"requesting_state": "BGR", "requested_state": "SRB"}
    assert facts_of("ExtraditionDecided", answer, {}, of_country).addressees == {"bg-police"}
    assert facts_of("ExtraditionRequested", request, {}, of_country).addressees == {"rs-prosecution"}
    assert facts_of("ExtraditionRequested", request | {"requested_state": "FRA"}, {}, of_country).addressees == set()


def test_a_person_whom_an_earlier_event_restricted_stays_restricted() -> None:
    record = event("PersonIdentified")
    record["person"] |= {"subject": "s", "restricted": "NO"}
    found = facts_of("PersonIdentified", record, persons(contract("PersonIdentified"), record), {}, {SubjectId("s")})

    assert found.persons[0].restricted
