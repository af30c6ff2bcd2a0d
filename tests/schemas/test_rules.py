"""Each rule refuses what it is for, alone and at its path, and nothing that is right."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.schemas.events import change, found
from tests.schemas.strategies import NOW

BROKEN: list[tuple[str, str, dict[str, Any], str, str]] = [
    (
        "recorded before it happened",
        "PersonIdentified",
        {"envelope.recorded_at": datetime(2026, 3, 1, tzinfo=NOW.tzinfo)},
        "envelope.recorded_at",
        "recorded-before-occurred",
    ),
    (
        "an event that corrects itself",
        "PersonIdentified",
        {"envelope.corrects": "0199c0de-0000-7000-8000-000000000001"},
        "envelope.corrects",
        "corrects-itself",
    ),
    (
        "an event id that is no UUID",
        "PersonIdentified",
        {"envelope.event_id": "1"},
        "envelope.event_id",
        "not-a-uuid",
    ),
    (
        "the nil UUID",
        "PersonIdentified",
        {"envelope.event_id": "00000000-0000-0000-0000-000000000000"},
        "envelope.event_id",
        "not-a-uuid",
    ),
    (
        "an agency with capitals",
        "PersonIdentified",
        {"envelope.agency": "RS-Police"},
        "envelope.agency",
        "not-an-agency",
    ),
    (
        "no legal basis",
        "PersonIdentified",
        {"envelope.legal_basis": []},
        "envelope.legal_basis",
        "too-few-items",
    ),
    (
        "an officer's name as reference",
        "PersonIdentified",
        {"envelope.officer_ref": "Ana Invented"},
        "envelope.officer_ref",
        "not-a-reference",
    ),
    ("a text of blanks", "PersonIdentified", {"place": "  "}, "place", "empty"),
    ("a long text", "PersonIdentified", {"place": "x" * 501}, "place", "too-long"),
    ("a long narrative", "PersonIdentified", {"narrative": "x" * 10_001}, "narrative", "too-long"),
    ("NUL in a text", "PersonIdentified", {"place": "a\0"}, "place", "invalid-character"),
    ("half a surrogate pair", "PersonIdentified", {"place": "\udfff"}, "place", "invalid-unicode"),
    ("a long list", "PersonIdentified", {"acts": ["RECRUITMENT"] * 201}, "acts", "too-many-items"),
    ("null for a mandatory field", "PersonIdentified", {"status": None}, "status", "mandatory"),
    ("null for a list", "PersonIdentified", {"acts": None}, "acts", "null"),
    (
        "a restricted flag without answer",
        "PersonIdentified",
        {"person.restricted": "NOT_REPORTED"},
        "person.restricted",
        "code-not-allowed",
    ),
    (
        "a suspect identified as victim",
        "PersonIdentified",
        {"person.role": "SUSPECT"},
        "person.role",
        "wrong-role",
    ),
    (
        "a name as reference",
        "PersonIdentified",
        {"person.person_ref": "Invented"},
        "person.person_ref",
        "reference-is-a-name",
    ),
    (
        "a name inside a reference",
        "PersonIdentified",
        {"person.person_ref": "2026-MARINOVA-7"},
        "person.person_ref",
        "reference-is-a-name",
    ),
    *(
        (
            f"a reference that {says}",
            "PersonIdentified",
            {f"person.{name}": value for name, value in changes.items()},
            "person.person_ref",
            rule,
        )
        for says, changes, rule in [
            ("is a word", {"person_ref": "PETROVIC", "full_name": None}, "reference-is-a-name"),
            ("runs names together", {"person_ref": "anamarinova7", "full_name": "Ana Marinova"}, "reference-is-a-name"),
            ("is in another script", {"person_ref": "Маринова-7", "full_name": "Ana Marinova"}, "reference-is-a-name"),
            ("leaves accents out", {"person_ref": "Djordjevic-7", "full_name": "Đorđević"}, "reference-is-a-name"),
            ("is spelt as in a passport", {"person_ref": "zhivkova1", "full_name": "Живкова"}, "reference-is-a-name"),
            ("is an alias", {"person_ref": "Lola-1", "aliases": ["Lola"]}, "reference-is-a-name"),
            (
                "holds the birth date",
                {"person_ref": "P-20090514-1", "date_of_birth": date(2009, 5, 14)},
                "reference-is-a-birth-date",
            ),
            (
                "holds it in short",
                {"person_ref": "P-140509", "date_of_birth": date(2009, 5, 14)},
                "reference-is-a-birth-date",
            ),
            (
                "is the passport",
                {
                    "person_ref": "X-123456789",
                    "identity_documents": [{"kind": "PASSPORT", "number": "123 456 789", "issuing_country": "SRB"}],
                },
                "reference-is-a-number",
            ),
            ("is a JMBG", {"person_ref": "0101006500006"}, "reference-is-a-number"),
            ("is an EGN", {"person_ref": "754101-0019"}, "reference-is-a-number"),
            ("is an address", {"person_ref": "a1@post.test"}, "reference-is-a-contact"),
            ("is a telephone", {"person_ref": "+381-64-1234567"}, "reference-is-a-contact"),
        ]
    ),
    (
        "an officer's name with a dot",
        "PersonIdentified",
        {"envelope.officer_ref": "ana.invented"},
        "envelope.officer_ref",
        "reference-is-a-name",
    ),
    (
        "a case that is an address",
        "PersonIdentified",
        {"envelope.case_ref": "ana@invented.example"},
        "envelope.case_ref",
        "reference-is-a-contact",
    ),
    (
        "a reference with a space",
        "PersonIdentified",
        {"person.person_ref": "A B"},
        "person.person_ref",
        "not-a-reference",
    ),
    (
        "a girl of 20",
        "PersonIdentified",
        {"person.date_of_birth": date(2006, 1, 1)},
        "person.group",
        "age-contradicts-group",
    ),
    ("a woman of 16", "PersonIdentified", {"person.group": "WOMAN"}, "person.group", "age-contradicts-group"),
    (
        "a birth after the event",
        "PersonIdentified",
        {"person.date_of_birth": date(2026, 6, 1)},
        "person.date_of_birth",
        "born-after-event",
    ),
    (
        "entry after identification",
        "PersonIdentified",
        {"entry_date": date(2026, 3, 5)},
        "entry_date",
        "entry-after-event",
    ),
    (
        "a formal identification without act",
        "PersonIdentified",
        {"status": "IDENTIFIED", "acts": []},
        "acts",
        "palermo-incomplete",
    ),
    (
        "a formally identified man without means",
        "PersonIdentified",
        {"status": "IDENTIFIED", "person.group": "MAN", "person.date_of_birth": None},
        "means",
        "palermo-incomplete",
    ),
    ("a referral to oneself", "ReferralOffered", {"to_agency": "rs-police"}, "to_agency", "refers-to-itself"),
    (
        "a deadline in 2300",
        "ReferralOffered",
        {"answer_due_at": datetime(2300, 1, 1, tzinfo=NOW.tzinfo)},
        "answer_due_at",
        "too-late",
    ),
    (
        "extradition from a state to itself",
        "ExtraditionRequested",
        {"requested_state": "BGR"},
        "requested_state",
        "same-state",
    ),
    ("no offence", "ExtraditionRequested", {"offences": []}, "offences", "too-few-items"),
    (
        "a victim among the suspects",
        "InvestigationOpened",
        {"suspects.0.role": "VICTIM"},
        "suspects[0].role",
        "wrong-role",
    ),
    (
        "a sole trader without proprietor",
        "ControlFinding",
        {"establishment.proprietor": None},
        "establishment.proprietor",
        "proprietor-missing",
    ),
    (
        "an unknown legal form without proprietor",
        "ControlFinding",
        {"establishment.proprietor": None, "establishment.legal_form": "UNKNOWN"},
        "establishment.proprietor",
        "proprietor-missing",
    ),
    (
        "more affected than found",
        "ControlFinding",
        {"workers_affected": 15},
        "workers_affected",
        "part-exceeds-whole",
    ),
    ("a truth value as a count", "ControlFinding", {"workers_found": True}, "workers_found", "type"),
]


@pytest.mark.parametrize(
    ("name", "changes", "path", "rule"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_each_rule_refuses_what_it_is_for(name: str, changes: dict[str, Any], path: str, rule: str) -> None:
    assert found(change(name, changes), name) == {(path, rule)}


RIGHT: list[tuple[str, str, dict[str, Any]]] = [
    ("a formally identified girl without means", "PersonIdentified", {"status": "IDENTIFIED", "means": []}),
    ("a clock five minutes ahead", "PersonIdentified", {"envelope.recorded_at": NOW + timedelta(minutes=5)}),
    ("an event without a case", "PersonIdentified", {"envelope.case_ref": None}),
    ("the day of the 18th birthday", "PersonIdentified", {"person.date_of_birth": date(2008, 3, 2)}),
    ("a leap day as birthday", "PersonIdentified", {"person.date_of_birth": date(2012, 2, 29)}),
    ("a reference beside a name", "PersonIdentified", {"person.person_ref": "N-000412"}),
    ("a number that no registry gave", "PersonIdentified", {"person.person_ref": "2026000123"}),
    ("a reference of one letter and one digit", "PersonIdentified", {"person.person_ref": "a1"}),
    ("a short word that is in many names", "PersonIdentified", {"person.person_ref": "BG-2026-17"}),
    ("a program instead of an officer", "PersonIdentified", {"envelope.officer_ref": "import"}),
    ("a day that is not hers", "PersonIdentified", {"person.person_ref": "P-20260302-1"}),
    (
        "a company without proprietor",
        "ControlFinding",
        {"establishment.proprietor": None, "establishment.legal_form": "LEGAL_PERSON"},
    ),
    ("a deadline to come", "ReferralOffered", {"answer_due_at": NOW + timedelta(days=3)}),
]


@pytest.mark.parametrize(("name", "changes"), [case[1:] for case in RIGHT], ids=[case[0] for case in RIGHT])
def test_no_rule_refuses_what_is_right(name: str, changes: dict[str, Any]) -> None:
    assert found(change(name, changes), name) == set()
