"""Hypothesis strategies for valid events, read from the contracts: a new field is tested from the start."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.catalogue import contract, contracts
from schemas.codelists import code_list
from schemas.field_steps import persons
from schemas.shapes import Array, Field, Record, Scalar, Shape, shape_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The moment at which the generated events are valid."""
NAMES = tuple(known.name for known in contracts())
AGENCIES = ("rs-police", "rs-prosecution", "bg-border-police", "bg-counselling", "rs-labour-inspectorate")
Fix = Callable[[dict[str, Any]], None]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: not text.isspace()
)
REFERENCE = st.from_regex(r"[A-Z]{1,2}-[0-9]{1,8}", fullmatch=True)
LABEL = st.from_regex(r"[A-Za-z][A-Za-z ]{0,30}", fullmatch=True)
CITATION = st.from_regex(r"Criminal Code art\. [0-9]{1,3}[a-z]?", fullmatch=True)
MOMENT = st.datetimes(datetime(1950, 1, 1), datetime(2026, 11, 24), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
DAY = st.dates(date(1950, 1, 1), date(2026, 11, 24))


def valid_events(name: str, *, agency: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid events of the contract *name*, all fields given, as seen at `NOW`."""

    def of_agency(event: dict[str, Any]) -> dict[str, Any]:
        if agency is not None:
            event["envelope"]["agency"] = agency
        return _consistent(name, event)

    return _records(shape_of(contract(name)), ()).map(of_agency)


def any_valid_event() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Return the name of a contract and a valid event of it."""
    return st.sampled_from(NAMES).flatmap(lambda name: valid_events(name).map(lambda event: (name, event)))


def _records(shape: Record, roles: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({entry.name: _values(entry, entry.shape, roles) for entry in shape.fields})


def _values(entry: Field, shape: Shape, roles: tuple[str, ...]) -> st.SearchStrategy[Any]:
    found: st.SearchStrategy[Any]
    if isinstance(shape, Array):
        least = entry.attributes.get("minItems", 0)
        found = st.lists(_values(entry, shape.items, roles), min_size=int(str(least)), max_size=3)
    elif isinstance(shape, Record):
        found = _records(shape, entry.texts("roles"))
    else:
        found = _scalars(entry, shape, roles)
    optional = entry.nullable and not isinstance(shape, Array)
    return st.none() | found if optional else found


def _scalars(entry: Field, shape: Scalar, roles: tuple[str, ...]) -> st.SearchStrategy[Any]:
    codes = entry.text("codes")
    if codes is not None:
        only = roles if entry.name == "role" and roles else entry.texts("allowed")
        return st.sampled_from(only or sorted(code_list(codes).codes))
    formats: Mapping[str | None, st.SearchStrategy[Any]] = {
        "uuid": st.uuids(version=4).map(str),
        "agency": st.sampled_from(AGENCIES),
        "reference": REFERENCE,
        "label": LABEL,
        "code": REFERENCE,
        "citation": CITATION,
    }
    scalars: Mapping[Scalar, st.SearchStrategy[Any]] = {
        Scalar.INT: st.integers(0, 500),
        Scalar.DOUBLE: st.integers(0, 10**6).map(float),
        Scalar.DATE: DAY,
        Scalar.TIMESTAMP: MOMENT,
    }
    form = entry.text("format") or ("reference" if entry.privacy.get("class") == "LINK" else None)
    return formats[form] if form in formats else scalars.get(shape, TEXT)


def _consistent(name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Make the fields of *event*, of the contract *name*, fit one another."""
    envelope = event["envelope"]
    moments = sorted((envelope["occurred_at"], envelope["recorded_at"]))
    envelope["occurred_at"], envelope["recorded_at"] = moments
    for person in persons(contract(name), event).values():
        _set_group(person, moments[0].date())
    for fix in _FIXES.get(name, ()):
        fix(event)
    return event


def _set_group(person: dict[str, Any], day: date) -> None:
    person["age_band"] = None if person["date_of_birth"] is not None else person["age_band"]
    born, band = person["date_of_birth"], person["age_band"]
    if born is not None and born > day:
        born = person["date_of_birth"] = None
    if born is not None or band not in (None, "UNKNOWN"):
        adult = (day - born) > timedelta(days=18 * 365 + 6) if born is not None else band not in ("0-8", "9-17")
        pairs = {"GIRL": "WOMAN", "BOY": "MAN"} if adult else {"WOMAN": "GIRL", "MAN": "BOY"}
        person["group"] = pairs.get(person["group"], person["group"])


def _fix_palermo(event: dict[str, Any]) -> None:
    if event.get("status") == "IDENTIFIED" or event.get("decision") == "CONFIRMED":
        event["acts"] = event["acts"] or ["RECRUITMENT"]
        event["means"] = event["means"] or ["DECEPTION"]
        event["purposes"] = event["purposes"] or ["FORCED_LABOUR"]


def _fix_identification(event: dict[str, Any]) -> None:
    for name in ("exploitation_forms", "means_of_control"):
        event[f"{name}_ruled_out"] = [code for code in event[f"{name}_ruled_out"] if code not in event[name]]
    entered, day = event["entry_date"], event["envelope"]["occurred_at"].date()
    event["entry_date"] = None if entered is None else min(entered, day)


def _fix_addressee(event: dict[str, Any]) -> None:
    if event["to_agency"] == event["envelope"]["agency"]:
        event["to_agency"] = "rs-consular-service"
    if event.get("consent_to_referral") == "NO":
        event["envelope"]["legal_basis"] = ["NATIONAL_LAW"]


def _fix_states(event: dict[str, Any]) -> None:
    if event["requested_state"] == event["requesting_state"]:
        event["requested_state"] = "SRB" if event["requesting_state"] != "SRB" else "BGR"


def _fix_establishment(event: dict[str, Any]) -> None:
    if event["establishment"]["proprietor"] is None:
        event["establishment"]["legal_form"] = "LEGAL_PERSON"


def _fix_indicator(event: dict[str, Any]) -> None:
    told = event["value_state"] in ("EXACT", "ESTIMATED")
    event["value"] = (event["value"] or 0.0) if told else None
    event["below"] = event["below"] if event["value_state"] == "SUPPRESSED" else None


def _fix_consent(event: dict[str, Any]) -> None:
    if event["person"]["group"] in ("GIRL", "BOY") and event["given_by"] == "PERSON":
        event["given_by"] = "GUARDIAN"


def _fix_verdict(event: dict[str, Any]) -> None:
    if event["verdict"] in ("ACQUITTED", "DISCONTINUED"):
        event["sentence_months"] = None


def _ascending(*names: str) -> Fix:
    def fix(event: dict[str, Any]) -> None:
        given = [name for name in names if event[name] is not None]
        event |= dict(zip(given, sorted(event[name] for name in given), strict=True))

    return fix


def _given(name: str, value: str) -> Fix:
    def fix(event: dict[str, Any]) -> None:
        event[name] = event[name] or value

    return fix


_period = _ascending("period_begin", "period_end")
_FIXES: Mapping[str, tuple[Fix, ...]] = {
    "ConsentGiven": (_fix_consent,),
    "ControlCampaign": (
        _period,
        _ascending("enterprises_controlled", "enterprises_registered"),
        _given("currency", "EUR"),
    ),
    "ControlFinding": (
        _fix_establishment,
        _ascending("minors_affected", "workers_affected", "workers_found"),
        _ascending("third_country_nationals", "foreign_workers"),
        _ascending("visited_on", "concluded_on"),
        _given("currency", "EUR"),
    ),
    "ExtraditionDecided": (_fix_states, _given("ground", "OTHER")),
    "ExtraditionRequested": (_fix_states,),
    "IdentificationDecided": (_fix_palermo, _given("ground", "OTHER")),
    "IndicatorReturned": (_period, _fix_indicator),
    "InvestigationClosed": (_given("seized_currency", "EUR"),),
    "InvestigationOpened": (_ascending("victims_minor", "victims_count"),),
    "LegalAssistanceAnswered": (_fix_states, _given("ground", "OTHER")),
    "LegalAssistanceRequested": (_fix_states,),
    "LicenceDecided": (_fix_establishment, _ascending("decided_on", "valid_until")),
    "PersonIdentified": (_fix_palermo, _fix_identification),
    "PersonSurrendered": (_fix_states,),
    "ProtectionGranted": (_ascending("granted_from", "granted_until"), _given("compensation_currency", "EUR")),
    "ReferralAnswered": (_fix_addressee, _given("decline_reason", "OTHER")),
    "ReferralClosed": (_fix_addressee,),
    "ReferralOffered": (_fix_addressee,),
    "ReferralRevoked": (_fix_addressee,),
    "ServiceProvided": (_ascending("provided_from", "provided_until"),),
    "SurveyReturned": (_period, _ascending("positive", "respondents")),
    "VerdictDelivered": (
        _fix_verdict,
        _ascending("victims_minor", "victims_count"),
        *(_given(f"{name}_currency", "EUR") for name in ("fine", "compensation", "confiscated")),
    ),
}
