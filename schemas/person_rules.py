"""Rules that every person of an event keeps, wherever in the event the person is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

from schemas.checks import CLEAN, Finding, Findings, Limits
from schemas.codelists import code_list
from schemas.privacy_classes import PERSON
from schemas.reading import A_DAY, day_in, day_of
from schemas.references import holds_day, holds_name, holds_number, may_be_a_name
from schemas.shapes import Array, Record

ADULT_AGE_YEARS = 18
"""Palermo Protocol art. 3(d)."""

Rule = Callable[[Mapping[str, object], Limits], Iterable[Finding]]
PersonRule = Callable[[Mapping[str, object], date | None], Findings]


def persons_rule(shape: Record) -> Rule:
    """Compile the rules that every person of an event of *shape* keeps."""
    paths = tuple(_person_paths(shape, ()))

    def rule(event: Mapping[str, object], _limits: Limits) -> Iterable[Finding]:
        day = day_of(event)
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
    elif isinstance(value, dict):
        if not steps:
            yield path, value
        else:
            yield from _at(value.get(steps[0]), steps[1:], f"{path}.{steps[0]}")


def _age_fits_group(person: Mapping[str, object], day: date | None) -> Findings:
    """Refuse a birth after the event, a girl or boy of 18 or more, a woman or man under 18 (C.1.4)."""
    born, group = day_in(person, "date_of_birth"), person.get("group")
    if day is None or born is None:
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


def _bands(glotip: str) -> frozenset[str]:
    entries = code_list("age_band").codes.values()
    return frozenset(entry.code for entry in entries if entry.crosswalk.get("GLOTIP") == glotip)


_MINOR_BANDS, _ADULT_BANDS = _bands("0 to 17 years"), _bands("18 years or over")


def _age_band_fits_group(person: Mapping[str, object], _day: date | None) -> Findings:
    """Refuse a girl or boy in an adult's band of age, a woman or man in a minor's."""
    band, group = person.get("age_band"), person.get("group")
    if not isinstance(band, str):
        return CLEAN
    if (band in _ADULT_BANDS and group in ("GIRL", "BOY")) or (band in _MINOR_BANDS and group in ("WOMAN", "MAN")):
        advice = "correct `group` or `age_band`: a girl or boy is under 18 when the event happened"
        return ((".group", "age-contradicts-group", advice),)
    return CLEAN


def _reference_tells_nothing(person: Mapping[str, object], _day: date | None) -> Findings:
    """Refuse a reference that tells who the person is: it travels where name and number must not (a tripwire)."""
    reference = person.get("person_ref")
    if not isinstance(reference, str) or reference.split() != [reference]:
        return CLEAN  # the check of its form says so
    if may_be_a_name(reference):
        advice = "give a reference with a digit, such as a file number: a word alone may be a name"
        return ((".person_ref", "reference-is-a-name", advice),)
    if holds_name(reference, _texts(person, "full_name", "aliases")):
        advice = "give a reference that holds no part of the person's name"
        return ((".person_ref", "reference-is-a-name", advice),)
    born = day_in(person, "date_of_birth")
    if born is not None and holds_day(reference, born):
        advice = "give a reference that does not hold the date of birth"
        return ((".person_ref", "reference-is-a-birth-date", advice),)
    if holds_number(reference, _numbers(person)):
        advice = "give a reference that holds no number of a document and no contact"
        return ((".person_ref", "reference-is-a-number", advice),)
    return CLEAN


def _texts(person: Mapping[str, object], *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = person.get(name)
        found += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
    return found


def _numbers(person: Mapping[str, object]) -> list[str]:
    """Return the numbers of the person's documents and what the contacts say."""
    found: list[str] = []
    for name, inner in (("identity_documents", "number"), ("contacts", "value")):
        entries = person.get(name)
        if isinstance(entries, list):
            found += [str(each[inner]) for each in entries if isinstance(each, dict) and each.get(inner)]
    return found


PERSON_RULES: tuple[PersonRule, ...] = (_age_fits_group, _age_band_fits_group, _reference_tells_nothing)
"""Kept by every person in an event."""
