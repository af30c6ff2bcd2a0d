"""Hypothesis strategies for valid events, read from the contracts: a new field is tested from the start."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from schemas.catalogue import contract, contracts
from schemas.codelists import code_list
from schemas.shapes import Array, Field, Record, Scalar, Shape, shape_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The moment at which the generated events are valid."""
NAMES = tuple(known.name for known in contracts())
AGENCIES = ("rs-police", "rs-prosecution", "bg-border-police", "bg-counselling", "rs-labour-inspectorate")
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: not text.isspace()
)
REFERENCE = st.from_regex(r"[A-Z]{1,2}-[0-9]{1,8}", fullmatch=True)
MOMENT = st.datetimes(datetime(1950, 1, 1), datetime(2026, 11, 24), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
)
DAY = st.dates(date(1950, 1, 1), date(2026, 11, 24))


def valid_events(name: str, *, agency: str | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Return valid events of the contract *name*, all fields given, as seen at `NOW`."""

    def of_agency(event: dict[str, Any]) -> dict[str, Any]:
        if agency is not None:
            event["envelope"]["agency"] = agency
        return _consistent(event)

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
    }
    scalars: Mapping[Scalar, st.SearchStrategy[Any]] = {
        Scalar.INT: st.integers(0, 500),
        Scalar.DATE: DAY,
        Scalar.TIMESTAMP: MOMENT,
    }
    form = entry.text("format")
    return formats[form] if form in formats else scalars.get(shape, TEXT)


def _consistent(event: dict[str, Any]) -> dict[str, Any]:
    """Make the fields of *event* fit one another."""
    envelope = event["envelope"]
    moments = sorted((envelope["occurred_at"], envelope["recorded_at"]))
    envelope["occurred_at"], envelope["recorded_at"] = moments
    for person in _persons(event):
        _set_group(person, moments[0].date())
    fix = _FIXES.get(frozenset(event) & _FIXED_BY)
    if fix is not None:
        fix(event)
    return event


def _persons(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    establishment = event.get("establishment") or {}
    several = [
        event.get("person"),
        establishment.get("proprietor"),
        *event.get("suspects", ()),
        *event.get("victims", ()),
    ]
    return [person for person in several if person is not None]


def _set_group(person: dict[str, Any], day: date) -> None:
    born = person["date_of_birth"]
    if born is not None and born > day:
        born = person["date_of_birth"] = None
    if born is None:
        return
    adult = (day - born) > timedelta(days=18 * 365 + 6)
    pairs = {"GIRL": "WOMAN", "BOY": "MAN"} if adult else {"WOMAN": "GIRL", "MAN": "BOY"}
    person["group"] = pairs.get(person["group"], person["group"])


def _fix_identification(event: dict[str, Any]) -> None:
    if event["status"] == "IDENTIFIED":
        event["acts"] = event["acts"] or ["RECRUITMENT"]
        event["means"] = event["means"] or ["DECEPTION"]
        event["purposes"] = event["purposes"] or ["FORCED_LABOUR"]
    entered, day = event["entry_date"], event["envelope"]["occurred_at"].date()
    event["entry_date"] = None if entered is None else min(entered, day)


def _fix_referral(event: dict[str, Any]) -> None:
    if event["to_agency"] == event["envelope"]["agency"]:
        event["to_agency"] = "rs-consular-service"
    if event["consent_to_referral"] == "NO":
        event["envelope"]["legal_basis"] = ["NATIONAL_LAW"]


def _fix_extradition(event: dict[str, Any]) -> None:
    if event["requested_state"] == event["requesting_state"]:
        event["requested_state"] = "SRB" if event["requesting_state"] != "SRB" else "BGR"


def _fix_control(event: dict[str, Any]) -> None:
    if event["establishment"]["proprietor"] is None:
        event["establishment"]["legal_form"] = "LEGAL_PERSON"
    counts = ("minors_affected", "workers_affected", "workers_found")
    given = [name for name in counts if event[name] is not None]
    event |= dict(zip(given, sorted(event[name] for name in given), strict=True))


_FIXES: Mapping[frozenset[str], Callable[[dict[str, Any]], None]] = {
    frozenset({"identified_by"}): _fix_identification,
    frozenset({"to_agency"}): _fix_referral,
    frozenset({"requesting_state"}): _fix_extradition,
    frozenset({"establishment"}): _fix_control,
}
_FIXED_BY = frozenset({"identified_by", "to_agency", "requesting_state", "establishment"})
