"""The small rules: withholding, steps, order, presets, admission."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import MisuseError
from streams.cohort.axes import Axis, axis_of
from streams.cohort.ordering import shuffled
from streams.cohort.parameters import Parameters, ThinStreamError, Tier, admit, concentrated, needed_deadline
from streams.cohort.rows import Kind, RowId, Tick
from streams.cohort.suppression import Steps
from streams.cohort.withholding import is_withheld
from tests.streams.cohort.population import AGENCIES, RULE, A, B, forms, row, told_by

cells = st.lists(st.tuples(forms, told_by), min_size=1, max_size=12)


@given(cells)
def test_what_is_the_same_for_all_is_withheld_and_nothing_else(given_cells: list[tuple[str, frozenset[str]]]) -> None:
    values = {value for value, _ in given_cells}
    assert is_withheld(given_cells, strict=False) == (len(values) == 1 and None not in values)  # type: ignore[arg-type]


@given(cells)
def test_strictly_withheld_is_what_one_agency_could_make_the_same(
    given_cells: list[tuple[str, frozenset[str]]],
) -> None:
    left = [{value for value, told in given_cells if agency not in told} for agency in (*AGENCIES, "nobody")]
    could = any(len(values) == 1 and None not in values for values in left)
    assert is_withheld(given_cells, strict=True) == could  # type: ignore[arg-type]


@given(st.lists(st.integers(0, 9), max_size=30))
def test_a_counter_of_suppressed_moves_by_nothing_or_by_a_class(added: list[int]) -> None:
    counter, told = Steps(), 0
    for at, count in enumerate(added):
        rows = [row(at * 10 + each, agency=AGENCIES[each % 3]) for each in range(count)]
        counter, moved = counter.with_more(rows, str.encode).step(RULE)
        assert moved == 0 or moved >= RULE.k
        told += moved
        assert counter.told == told
    assert counter.told + len(counter.untold) == sum(added)


def test_persons_of_one_agency_alone_never_move_the_counter() -> None:
    rows = [row(at, agency=A) for at in range(50)]
    counter, moved = Steps().with_more(rows, str.encode).step(RULE)
    assert (moved, len(counter.untold)) == (0, 50)


def test_several_kinds_of_one_person_are_one_person_to_the_counter() -> None:
    one = row(1, agency=A)
    rows = [replace(one, id=RowId(one.id.subject, Kind(f"kind {at}")), agencies=frozenset({A, B})) for at in range(30)]
    counter, moved = Steps().with_more(rows, str.encode).step(RULE)
    assert (moved, len(counter.untold)) == (0, 1)


@given(st.permutations(range(12)))
def test_the_order_of_a_batch_does_not_depend_on_the_order_it_was_made_in(order: list[int]) -> None:
    rows = [row(at) for at in order]
    assert shuffled(rows, lambda each: each.id, b"k" * 32, "open", Tick(3)) == shuffled(
        [row(at) for at in range(12)], lambda each: each.id, b"k" * 32, "open", Tick(3)
    )


def test_each_tier_tick_and_key_has_an_order_of_its_own() -> None:
    rows = [row(at) for at in range(12)]
    given_to = [(b"k", "open", 3), (b"x", "open", 3), (b"k", "partner", 3), (b"k", "open", 4)]
    orders = {tuple(shuffled(rows, lambda each: each.id, key, tier, Tick(tick))) for key, tier, tick in given_to}
    assert len(orders) == 4


def test_a_stream_of_134_a_day_is_admitted_and_one_of_7_is_told_its_deadline() -> None:
    admit(Parameters(), 97_750, 730)
    with pytest.raises(ThinStreamError, match="it has to be 90"):
        admit(Parameters(), 685, 100)
    assert Parameters.for_volume(685, 100).deadline == 90


def test_a_stream_that_no_deadline_fits_is_told_to_pool_or_to_narrow_its_columns() -> None:
    with pytest.raises(ThinStreamError, match="narrow set of columns"):
        needed_deadline(137, 100, 11)


@given(st.integers(1, 2000), st.integers(1, 100))
def test_a_preset_is_admitted_and_no_shorter_one_would_be(persons: int, ticks: int) -> None:
    try:
        rule = Parameters.for_volume(persons, ticks)
    except ThinStreamError:
        return
    admit(rule, persons, ticks)
    for shorter in (each for each in (14, 21, 30, 60, 90, 180) if each < rule.deadline):
        with pytest.raises(ThinStreamError):
            admit(replace(rule, deadline=shorter), persons, ticks)


def test_the_alarm_is_above_85_percent() -> None:
    assert concentrated({A: 86, B: 14})
    assert not concentrated({A: 85, B: 15})
    assert not concentrated({})


@pytest.mark.parametrize(
    "change",
    [
        {"k": 1}, {"net": 12}, {"embargo": 14}, {"tiers": ()}, {"tiers": (Tier("open", lag=1),)},
        {"tiers": (Tier("partner", strict=True), Tier("open", lag=6))}, {"tiers": (Tier("open"), Tier("open"))},
    ],
)  # fmt: skip
def test_a_rule_that_protects_nobody_cannot_be_made(change: dict[str, object]) -> None:
    with pytest.raises(MisuseError):
        replace(Parameters(), **change)  # type: ignore[arg-type]


def test_every_parameter_is_in_the_hash() -> None:
    changes = [
        {"k": 12},
        {"net": 4},
        {"embargo": 2},
        {"deadline": 9},
        {"hold": 1},
        {"penalty": 1},
        {"tiers": (Tier("x"),)},
    ]
    assert len({Parameters().hash, *(replace(Parameters(), **each).hash for each in changes)}) == 8  # type: ignore[arg-type]


def test_every_published_ladder_with_a_table_is_an_axis() -> None:
    from schemas.generalising import ladders

    for ladder in (each for each in ladders() if each.takes != "date"):
        axis = axis_of(ladder.name, ladder, ladder.levels[0])
        for code in {code for code in ladder.table(ladder.levels[0]).values() if code is not None}:
            shown = [axis.codes[node] for node in axis.paths[axis.node_of[code]]]
            said = [ladder.generalise(code, level) for level in reversed(ladder.levels)]
            assert [each for at, each in enumerate(said) if at == 0 or each != said[at - 1]] == shown


def test_codes_in_a_circle_are_no_axis() -> None:
    with pytest.raises(MisuseError, match="no tree"):
        Axis.of("x", {"a": "b", "b": "a"})
