"""Rules over several fields of one event. Each is one function; `rules_for` compiles those of a contract.

A rule says nothing about a field that is missing or of the wrong type: the checks of values have done so.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta

from schemas.checks import CLEAN, FIRST_MOMENT, LAST_DEADLINE, Finding, Findings, Limits
from schemas.privacy_classes import PERSON
from schemas.shapes import Array, Record

ADULT_AGE_YEARS = 18
"""Palermo Protocol art. 3(d)."""
A_DAY = timedelta(days=1)
"""Leeway between a date in local time and a moment in UTC."""

Rule = Callable[[Mapping[str, object], Limits], Iterable[Finding]]
PersonRule = Callable[[Mapping[str, object], date | None], Findings]


def rules_for(contract_name: str, shape: Record) -> tuple[Rule, ...]:
    """Return the rules that events of the contract *contract_name* with this *shape* have to keep."""
    return (_envelope, _persons_rule(shape), *RULES.get(contract_name, ()))


def _envelope(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Refuse an event that was recorded before it happened, or that corrects itself."""
    envelope = _record(event, "envelope")
    occurred_at, recorded_at = _moment(envelope, "occurred_at"), _moment(envelope, "recorded_at")
    found: list[Finding] = []
    if occurred_at and recorded_at and recorded_at < occurred_at:
        advice = "give a moment that is not before `occurred_at`"
        found.append((".envelope.recorded_at", "recorded-before-occurred", advice))
    corrects = envelope.get("corrects")
    if corrects is not None and corrects == envelope.get("event_id"):
        found.append((".envelope.corrects", "corrects-itself", "name the earlier event, or leave the field out"))
    return found or CLEAN


def _persons_rule(shape: Record) -> Rule:
    """Compile the rules that every person of an event keeps."""
    paths = tuple(_person_paths(shape, ()))

    def rule(event: Mapping[str, object], _limits: Limits) -> Iterable[Finding]:
        occurred_at = _moment(_record(event, "envelope"), "occurred_at")
        day = occurred_at.astimezone(UTC).date() if occurred_at else None
        found: list[Finding] = []
        for steps in paths:
            for path, person in _at(event, steps, ""):
                for check in PERSON_RULES:
                    if wrong := check(person, day):
                        found += [(f"{path}{below}", name, advice) for below, name, advice in wrong]
        return found

    return rule


def _person_paths(shape: Record, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the path of every field of *shape* that holds a person or a list of them."""
    for entry in shape.fields:
        inner = entry.shape.items if isinstance(entry.shape, Array) else entry.shape
        if isinstance(inner, Record):
            here = (*above, entry.name)
            if inner.name == PERSON:
                yield here
            else:
                yield from _person_paths(inner, here)


def _at(value: object, steps: tuple[str, ...], path: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield what is at *steps* below *value*, each entry of a list on its own."""
    if isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _at(entry, steps, f"{path}[{index}]")
    elif isinstance(value, Mapping):
        if not steps:
            yield path, value
        else:
            yield from _at(value.get(steps[0]), steps[1:], f"{path}.{steps[0]}")


def _age_fits_group(person: Mapping[str, object], day: date | None) -> Findings:
    """Refuse a birth after the event, a girl or boy of 18 or more, a woman or man under 18 (C.1.4)."""
    born, group = person.get("date_of_birth"), person.get("group")
    if day is None or not isinstance(born, date) or isinstance(born, datetime):
        return CLEAN
    if born > day + A_DAY:
        return ((".date_of_birth", "born-after-event", "give a date before the event, or leave the field out"),)
    adult_from = _birthday(born, ADULT_AGE_YEARS)
    child_too_old = group in ("GIRL", "BOY") and adult_from < day
    adult_too_young = group in ("WOMAN", "MAN") and adult_from > day + A_DAY
    if child_too_old or adult_too_young:
        advice = "correct `group` or `date_of_birth`: a girl or boy is under 18 when the event happened"
        return ((".group", "age-contradicts-group", advice),)
    return CLEAN


def _birthday(born: date, years: int) -> date:
    try:
        return born.replace(year=born.year + years)
    except ValueError:  # born on 29 February
        return date(born.year + years, 3, 1)


_WORDS = re.compile(r"[^\W\d_]+")
_SHORTEST_PART = 3


def _reference_is_no_name(person: Mapping[str, object], _day: date | None) -> Findings:
    """Refuse a reference that holds a part of the name: it travels where the name must not (a tripwire)."""
    reference, name, aliases = person.get("person_ref"), person.get("full_name"), person.get("aliases")
    if not isinstance(reference, str) or not (name or aliases):
        return CLEAN
    names = [name, *aliases] if isinstance(aliases, list) else [name]
    words = {word for text in names if isinstance(text, str) for word in _WORDS.findall(text.casefold())}
    folded = reference.casefold()
    parts = {part for part in _WORDS.findall(folded) if len(part) >= _SHORTEST_PART}
    if folded in words or parts & words:
        advice = "give a reference that holds no part of the person's name"
        return ((".person_ref", "reference-is-a-name", advice),)
    return CLEAN


def _palermo(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Ask a formal identification for act and purpose, for an adult means too (Palermo art. 3(a), (c))."""
    if event.get("status") != "IDENTIFIED":
        return CLEAN
    adult = _record(event, "person").get("group") in ("WOMAN", "MAN")
    needed = ("acts", "means", "purposes") if adult else ("acts", "purposes")
    advice = "a formal identification needs at least one; for a girl or boy no means are needed"
    return [(f".{name}", "palermo-incomplete", advice) for name in needed if event.get(name, []) == []]


def _entry_before_identification(event: Mapping[str, object], _limits: Limits) -> Findings:
    entered = event.get("entry_date")
    occurred_at = _moment(_record(event, "envelope"), "occurred_at")
    if not isinstance(entered, date) or isinstance(entered, datetime) or occurred_at is None:
        return CLEAN
    if entered > occurred_at.astimezone(UTC).date() + A_DAY:
        return ((".entry_date", "entry-after-event", "give the day of entry before the identification"),)
    return CLEAN


def _other_agency(event: Mapping[str, object], _limits: Limits) -> Findings:
    to_agency = event.get("to_agency")
    if to_agency is not None and to_agency == _record(event, "envelope").get("agency"):
        return ((".to_agency", "refers-to-itself", "name the agency that shall answer"),)
    return CLEAN


def _consent_carries_basis(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Refuse consent as a legal ground beside the record that it was refused (guidelines C.1.4)."""
    bases = _record(event, "envelope").get("legal_basis")
    named = isinstance(bases, list) and bool({"GDPR:6.1.a", "GDPR:9.2.a"} & {b for b in bases if isinstance(b, str)})
    if named and event.get("consent_to_referral") == "NO":
        advice = "name the ground that holds without consent, or do not refer against the person's will"
        return ((".envelope.legal_basis", "consent-was-refused", advice),)
    return CLEAN


def _two_states(event: Mapping[str, object], _limits: Limits) -> Findings:
    requested = event.get("requested_state")
    if requested is not None and requested == event.get("requesting_state"):
        return ((".requested_state", "same-state", "name the state that is asked to surrender"),)
    return CLEAN


def _proprietor(event: Mapping[str, object], _limits: Limits) -> Findings:
    """Ask for the person behind a sole trader, whose key seals its name (design section 8)."""
    establishment = _record(event, "establishment")
    if establishment.get("legal_form") in ("SOLE_TRADER", "UNKNOWN") and establishment.get("proprietor") is None:
        advice = "give the proprietor: what is not a legal person is protected like a person"
        return ((".establishment.proprietor", "proprietor-missing", advice),)
    return CLEAN


def _parts_of_whole(event: Mapping[str, object], _limits: Limits) -> Findings:
    found: list[Finding] = []
    for part, whole in (("workers_affected", "workers_found"), ("minors_affected", "workers_affected")):
        few, many = _count(event, part), _count(event, whole)
        if few is not None and many is not None and few > many:
            found.append((f".{part}", "part-exceeds-whole", f"give a number that is not above `{whole}`"))
    return found or CLEAN


def _record(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(value: Mapping[str, object], name: str) -> int | None:
    found = value.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _moment(value: Mapping[str, object], name: str) -> datetime | None:
    """Return the moment *name*; None also outside the range in which one may reckon with it."""
    found = value.get(name)
    if not isinstance(found, datetime) or found.tzinfo is None:
        return None
    return found if FIRST_MOMENT <= found <= LAST_DEADLINE else None


PERSON_RULES: tuple[PersonRule, ...] = (_age_fits_group, _reference_is_no_name)
"""Kept by every person in an event."""
RULES: Mapping[str, tuple[Rule, ...]] = {
    "ControlFinding": (_proprietor, _parts_of_whole),
    "ExtraditionRequested": (_two_states,),
    "PersonIdentified": (_palermo, _entry_before_identification),
    "ReferralOffered": (_other_agency, _consent_carries_basis),
}
"""Kept by the events of one contract, beside those that every event keeps."""
