"""The rules of single event types: each refuses what it is for at its path, and nothing that is right."""

from datetime import date
from typing import Any

import pytest

from tests.schemas.events import change, found

BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    ("IdentificationDecided", {"means": []}, "means", "palermo-incomplete"),
    ("IdentificationDecided", {"decision": "NOT_CONFIRMED"}, "ground", "reason-missing"),
    (
        "PersonIdentified",
        {"exploitation_forms_ruled_out": ["SEXUAL"]},
        "exploitation_forms_ruled_out",
        "contradicts-itself",
    ),
    (
        "PersonIdentified",
        {"person.date_of_birth": None, "person.age_band": "48+"},
        "person.group",
        "age-contradicts-group",
    ),
    ("ServiceProvided", {"person.age_band": "9-17"}, "person.group", "age-contradicts-group"),
    ("ReferralAnswered", {"answer": "DECLINED"}, "decline_reason", "reason-missing"),
    ("ReferralAnswered", {"to_agency": "rs-counselling"}, "to_agency", "refers-to-itself"),
    ("ReferralRevoked", {"to_agency": "bg-border-police"}, "to_agency", "refers-to-itself"),
    ("ServiceProvided", {"provided_until": date(2026, 3, 4)}, "provided_until", "ends-before-it-begins"),
    ("ProtectionGranted", {"granted_until": date(2026, 3, 5)}, "granted_until", "ends-before-it-begins"),
    ("ProtectionGranted", {"compensation_amount": 100.0}, "compensation_currency", "currency-missing"),
    ("VerdictDelivered", {"verdict": "ACQUITTED"}, "sentence_months", "sentence-without-conviction"),
    ("VerdictDelivered", {"compensation_currency": None}, "compensation_currency", "currency-missing"),
    ("VerdictDelivered", {"victims_minor": 2}, "victims_minor", "part-exceeds-whole"),
    ("VerdictDelivered", {"fine_amount": -1.0, "fine_currency": "EUR"}, "fine_amount", "negative"),
    ("InvestigationClosed", {"seized_currency": None}, "seized_currency", "currency-missing"),
    ("ExtraditionDecided", {"requested_state": "BGR"}, "requested_state", "same-state"),
    ("ExtraditionDecided", {"decision": "REFUSED"}, "ground", "reason-missing"),
    ("LegalAssistanceAnswered", {"answer": "REFUSED"}, "ground", "reason-missing"),
    ("LegalAssistanceRequested", {"measures": []}, "measures", "too-few-items"),
    ("ControlCampaign", {"enterprises_controlled": 1841}, "enterprises_controlled", "part-exceeds-whole"),
    ("ControlCampaign", {"period_end": date(2025, 12, 31)}, "period_end", "ends-before-it-begins"),
    ("ControlCampaign", {"currency": None}, "currency", "currency-missing"),
    ("LicenceDecided", {"establishment.legal_form": "SOLE_TRADER"}, "establishment.proprietor", "proprietor-missing"),
    ("ConsentGiven", {"person.age_band": "9-17", "person.group": "BOY"}, "given_by", "guardian-missing"),
    ("ConsentGiven", {"recipients": []}, "recipients", "too-few-items"),
    ("IndicatorReturned", {"value": None}, "value", "value-missing"),
    ("IndicatorReturned", {"value_state": "SUPPRESSED"}, "value", "value-not-hidden"),
    ("IndicatorReturned", {"below": 5.0}, "below", "below-without-suppression"),
    ("SurveyReturned", {"positive": 1205}, "positive", "part-exceeds-whole"),
]
RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("IdentificationDecided", {"decision": "NOT_CONFIRMED", "ground": "ELEMENTS_MISSING", "means": []}),
    (
        "PersonIdentified",
        {"exploitation_forms_ruled_out": ["FORCED_LABOUR"], "means_of_control_ruled_out": ["THREATS"]},
    ),
    ("PersonIdentified", {"person.date_of_birth": None, "person.age_band": "UNKNOWN"}),
    ("ReferralAnswered", {"answer": "DECLINED", "decline_reason": "NO_CAPACITY", "person": None}),
    ("VerdictDelivered", {"person": None}),
    ("ProtectionGranted", {"granted_months": 1}),
    ("ConsentGiven", {"person.age_band": "9-17", "person.group": "BOY", "given_by": "GUARDIAN"}),
    ("IndicatorReturned", {"value": None, "value_state": "SUPPRESSED", "below": 5.0}),
    ("IndicatorReturned", {"value": 0.0}),
]


@pytest.mark.parametrize(("name", "changes", "path", "rule"), BROKEN)
def test_each_rule_refuses_what_it_is_for(name: str, changes: dict[str, Any], path: str, rule: str) -> None:
    assert (path, rule) in found(change(name, changes), name)
    assert {each for _, each in found(change(name, changes), name)} == {rule}


@pytest.mark.parametrize(("name", "changes"), RIGHT)
def test_no_rule_refuses_what_is_right(name: str, changes: dict[str, Any]) -> None:
    assert found(change(name, changes), name) == set()
