"""Rows of non-personal channels change with no person: not with what no rule names, not inside one finest step."""

import copy
import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import Contract
from schemas.channel_rules import NonPersonal
from schemas.compiler import Compiled, issued
from schemas.generalising import MOST, age_at, ladder
from tests.attacks.test_noninterference import EXAMPLES
from tests.schemas.rows import encoded_rows
from tests.schemas.sealed import events

ISSUED: Mapping[str, list[Compiled]] = {
    name: [each for each in issued() if each.contract.name == name]
    for name in {each.contract.name for each in issued()}
}


@cache
def alike(name: str, level: str, code: str) -> tuple[str, ...]:
    """Return the codes that are one with *code* on *level* of the ladder *name*, itself included."""
    table = ladder(name).table(level)
    return tuple(sorted(other for other, step in table.items() if step == table.get(code) and step is not None)) or (
        code,
    )


def twin_of(compiled: Compiled, event: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Return *event* with other values inside the finest step of each column, and another person altogether."""
    twin = copy.deepcopy(event)
    own = (compiled.kind.persons or "").removesuffix("[]")
    people = twin[own] if isinstance(twin.get(own), list) else [twin[own]] if twin.get(own) else []
    for column in compiled.kind.columns:
        for source in column.sources:
            name, steps = source.path.rsplit(".", 1)[-1], source.field.privacy.get("ladder")
            for holder in people if source.path.startswith(f"{own}") and "." in source.path else [twin]:
                if steps in ("stay", "sentence"):
                    holder[name] = _of_same_band(str(steps), holder.get(name), event, data)
                elif steps not in (None, "age", "date") and name in holder and source.level is not None:
                    holder[name] = _moved(str(steps), source.level, holder[name], data, single=column.single)
    day = twin["envelope"]["occurred_at"].astimezone(dt.UTC).date()
    for person in people:
        if (born := person.get("date_of_birth")) is not None:
            other = born + dt.timedelta(days=data.draw(st.integers(-900, 900)))
            if other <= day and born <= day and _band(other, day) == _band(born, day):
                person["date_of_birth"] = other
        person |= {"person_ref": f"X-{data.draw(st.integers(1, 10**6))}", "full_name": data.draw(st.text(max_size=60))}
        person |= {"aliases": data.draw(st.lists(st.text(max_size=9), max_size=4)), "contacts": []}
    twin["envelope"] |= {"officer_ref": f"O-{data.draw(st.integers(1, 99))}", "case_ref": None}
    return twin


def _band(born: dt.date, day: dt.date) -> object:
    return ladder("age").generalise(age_at(born, day), "5 years")


def _of_same_band(name: str, value: Any, event: dict[str, Any], data: st.DataObject) -> Any:
    """Return another day of entry, or another number of months, that lies in the band of *value*."""
    day = event["envelope"]["occurred_at"].astimezone(dt.UTC).date()
    number = (day - value).days if isinstance(value, dt.date) else value
    bands = ladder(name)
    if number is None or not 0 <= number <= MOST[bands.takes]:
        return value
    band, most = bands.generalise(number, bands.levels[0]), MOST[bands.takes]
    alike_days = [each for each in range(min(most, 2_000)) if bands.generalise(each, bands.levels[0]) == band]
    other = data.draw(st.sampled_from(alike_days or [number]))
    return day - dt.timedelta(days=other) if isinstance(value, dt.date) else other


def _moved(name: str, level: str, value: Any, data: st.DataObject, *, single: bool) -> Any:
    if isinstance(value, list):
        moved = [data.draw(st.sampled_from(alike(name, level, code))) for code in value]
        return moved if single else data.draw(st.permutations(moved + moved[:1]))
    return value if value is None else data.draw(st.sampled_from(alike(name, level, value)))


@given(events(), st.data())
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_another_person_inside_the_same_steps_gives_the_same_bytes(case: tuple[Contract, Any], data: Any) -> None:
    found, event = case
    for compiled in ISSUED.get(found.name, []):
        if compiled.channel.kind == "anon":
            assert encoded_rows(compiled, twin_of(compiled, event, data)) == encoded_rows(compiled, event)


def test_the_comparison_sees_a_person_in_the_next_step() -> None:
    from tests.publishing import invented

    for compiled in ISSUED["PersonIdentified"]:
        event = invented("PersonIdentified", "rs-police")
        other = copy.deepcopy(event)
        other["person"]["group"] = "BOY" if event["person"]["group"] != "BOY" else "GIRL"
        assert encoded_rows(compiled, event) != encoded_rows(compiled, other)


@pytest.mark.parametrize("channel", NonPersonal)
def test_every_non_personal_channel_is_compared(channel: NonPersonal) -> None:
    assert any(each.channel is channel for several in ISSUED.values() for each in several)
