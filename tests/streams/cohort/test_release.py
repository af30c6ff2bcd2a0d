"""What the log can say, out of order, twice or wrong: each has an outcome that is told, and loses nothing."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.names import SubjectId
from streams.cohort import ticking
from streams.cohort.parameters import OPEN, PARTNER, Parameters
from streams.cohort.records import Arrived, Changed, Fact, Merged, Record, Resumed, Ticked, Told, Withdrawn
from streams.cohort.release import LaddersChangedError, advance
from streams.cohort.rows import RowId, Tick
from streams.cohort.working import InvalidFactError
from tests.streams.cohort.population import AGENCIES, IDENTIFIED, KEYS, LAYOUT, PROTECTED, RULE, A, B, Release, logs


def event(position: int, number: int, *, form: str | None = None) -> Arrived:
    fact = Fact(SubjectId(f"s{number}"), IDENTIFIED, (5, 5), (form,))
    return Arrived(position, AGENCIES[number % 3], (fact,))


def told(run: Release) -> list[Told]:
    return [notice.told for step in run.steps for notice in step.notices]


def filled(run: Release, persons: int) -> Release:
    run.take([Ticked(0, Tick(10), 1), *(event(1 + at, at, form="XYZ"[at % 3]) for at in range(persons))])
    return run


def test_a_class_leaves_for_partners_at_once_and_for_all_six_ticks_later() -> None:
    run = filled(Release(), 6)
    run.take([Ticked(20 + at, Tick(11 + at), 1) for at in range(12)])
    assert [(batch.tier, batch.tick, len(batch.rows)) for batch in run.batches] == [("partner", 12, 6), ("open", 18, 6)]


def test_the_open_tier_has_fewer_columns_of_the_same_classes() -> None:
    tiers = (PARTNER, replace(OPEN, without=("country", "form")))
    run = filled(Release(replace(RULE, tiers=tiers)), 6)
    run.take([Ticked(20 + at, Tick(11 + at), 1) for at in range(12)])
    assert {row.label for row in run.batches[1].rows} == {run.batches[0].rows[0].label[:1]}
    assert {row.sensitive for row in run.batches[1].rows} == {()}


def test_a_stale_tick_and_a_stale_ticker_are_passed_over() -> None:
    run = filled(Release(), 6)
    run.take([Ticked(20, Tick(11), 2), Ticked(21, Tick(11), 2), Ticked(22, Tick(9), 2), Ticked(23, Tick(12), 1)])
    assert told(run) == [Told.STALE_TICK, Told.STALE_TICK, Told.STALE_TICKER]
    assert (run.state.tick, run.batches) == (11, [])


def test_missed_days_are_skipped_and_told() -> None:
    run = filled(Release(), 6)
    run.take([Ticked(20, Tick(40), 1)])
    assert told(run) == [Told.TICKS_MISSED]
    assert len(run.batches) == 1


def test_a_record_that_comes_again_does_nothing() -> None:
    run = filled(Release(), 6)
    before = run.state
    run.take([event(3, 2), Withdrawn(2, SubjectId("s1"))])
    assert run.state == before
    assert told(run) == [Told.SEEN_BEFORE, Told.SEEN_BEFORE]


def test_a_fact_told_by_a_second_agency_counts_for_both_and_keeps_its_first_values() -> None:
    run = Release()
    run.take([event(0, 0), replace(event(1, 0), agency=B), event(2, 0)])
    (waiting,) = run.state.pending.values()
    assert (waiting.agencies, waiting.place.position) == ({A, B}, 0)
    assert told(run) == [Told.FACT_REPEATED, Told.FACT_REPEATED]


def test_a_fact_that_has_left_never_leaves_again() -> None:
    run = filled(Release(), 6)
    run.take([Ticked(20, Tick(12), 1)])
    run.take([event(21, 3, form="OTHER")])
    assert (run.state.pending, told(run)[-1]) == ({}, Told.FACT_REPEATED)


def test_several_persons_of_one_event_are_several_rows() -> None:
    facts = tuple(Fact(SubjectId(f"s{at}"), kind, (5, 5), form) for at in (1, 2) for kind, form in
                  ((IDENTIFIED, ("X",)), (PROTECTED, ())))  # fmt: skip
    run = Release()
    run.take([Arrived(0, A, facts)])
    assert [row.place.number for row in run.state.pending.values()] == [0, 1, 2, 3]


@pytest.mark.parametrize("fact", [
    Fact(SubjectId("s"), IDENTIFIED, (5,), (None,)), Fact(SubjectId("s"), IDENTIFIED, (5, 99), (None,)),
    Fact(SubjectId("s"), IDENTIFIED, (5, -1), (None,)), Fact(SubjectId("s"), PROTECTED, (5, 5), (None,)),
])  # fmt: skip
def test_a_fact_that_does_not_fit_is_refused(fact: Fact) -> None:
    with pytest.raises(InvalidFactError):
        Release().take([Arrived(0, A, (fact,))])


def test_two_subjects_that_are_one_person_have_one_row() -> None:
    run = Release()
    run.take([event(0, 1), event(1, 2), Merged(2, SubjectId("s2"), SubjectId("s1"))])
    (waiting,) = run.state.pending.values()
    assert waiting.id == RowId(SubjectId("s2"), IDENTIFIED)
    assert (waiting.agencies, waiting.place.position) == ({AGENCIES[1], AGENCIES[2]}, 0)


def test_when_one_of_two_merged_subjects_has_left_the_other_never_leaves() -> None:
    run = filled(Release(), 6)
    run.take([Ticked(20, Tick(12), 1), event(21, 50), Merged(22, SubjectId("s50"), SubjectId("s1"))])
    run.take([event(23, 50)])
    assert not run.state.pending


def test_too_few_persons_for_a_whole_deadline_are_suppressed_and_told_without_their_number() -> None:
    run = filled(Release(), 3)
    run.take([Ticked(20 + at, Tick(11 + at), 1) for at in range(5)])
    assert Told.STARVED in told(run)
    assert (run.state.pending, run.batches) == ({}, [])
    assert (run.state.suppressed.told, len(run.state.suppressed.untold)) == (0, 3)


def test_suppressed_persons_are_counted_once_they_could_be_a_class() -> None:
    run = filled(Release(), 3)
    run.take([Ticked(20 + at, Tick(11 + at), 1) for at in range(5)])
    run.take([event(30 + at, 100 + at) for at in range(3)])
    run.take([Ticked(40 + at, Tick(16 + at), 1) for at in range(5)])
    assert [(batch.tier, batch.suppressed, batch.rows) for batch in run.batches] == [("partner", 6, ())]


def test_a_stricter_rule_is_in_force_at_once() -> None:
    run = filled(Release(), 6)
    run.take([Changed(20, replace(RULE, k=9), LAYOUT.fingerprint), Ticked(21, Tick(12), 1)])
    assert (run.batches, told(run)) == ([], [Told.RULE_CHANGED, Told.TICKS_MISSED])


def test_a_weaker_rule_waits_until_nobody_waits_who_was_promised_more() -> None:
    run = filled(Release(replace(RULE, k=9)), 6)
    run.take([Changed(20, RULE, LAYOUT.fingerprint), Ticked(21, Tick(11), 1), Ticked(22, Tick(12), 1)])
    assert (run.state.rule.k, run.batches) == (9, [])
    run.take([event(30 + at, 100 + at) for at in range(4)])
    run.take([Ticked(40 + at, Tick(13 + at), 1) for at in range(8)])
    assert run.state.rule == RULE
    assert told(run).index(Told.RULE_WAITS) < told(run).index(Told.RULE_CHANGED)
    assert all(len(batch.rows) in {0, 9, 10, 4} for batch in run.batches)


def test_a_tier_that_would_show_more_waits_as_a_lower_k_does() -> None:
    weaker = replace(RULE, tiers=(PARTNER, replace(OPEN, strict=False)))
    run = filled(Release(), 6)
    run.take([Changed(20, weaker, LAYOUT.fingerprint)])
    assert run.state.rule.tiers == RULE.tiers


def test_the_hash_of_the_rule_in_force_is_in_every_batch() -> None:
    run = filled(Release(), 6)
    run.take([Changed(20, replace(RULE, k=5), LAYOUT.fingerprint), Ticked(21, Tick(12), 1)])
    assert run.batches[0].parameters == replace(RULE, k=5).hash


def test_a_rule_for_other_ladders_is_refused_and_the_rule_stays() -> None:
    run = filled(Release(), 6)
    run.take([Changed(20, Parameters(), "other")])
    assert (run.state.rule, told(run)) == (RULE, [Told.LADDERS_DIFFER])


def test_with_other_ladders_in_the_program_nothing_is_read() -> None:
    run = filled(Release(), 6)
    other = replace(LAYOUT, population="another")
    with pytest.raises(LaddersChangedError, match="waits under other columns"):
        advance(run.state, [Ticked(20, Tick(12), 1)], layout=other, keys=KEYS, spent=frozenset())


def test_a_broken_rule_halts_keeps_every_row_and_goes_on_when_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = filled(Release(), 6)
    with monkeypatch.context() as broken:
        broken.setattr(ticking.checking, "problems", lambda *_, **__: ["k"])
        run.take([Ticked(20, Tick(12), 1), Ticked(21, Tick(13), 1), event(22, 70)])
    assert (run.state.halted, run.batches, len(run.state.pending)) == ("k", [], 7)
    run.take([Ticked(23, Tick(30), 1), Resumed(24), Ticked(25, Tick(31), 1)])
    assert (run.state.halted, len(run.batches[0].rows), run.state.pending) == ("", 7, {})


def test_one_agency_that_supplies_nearly_all_is_told() -> None:
    run = Release()
    run.take(
        [Ticked(0, Tick(1), 1), *(replace(event(1 + at, at), agency=A) for at in range(9)), Ticked(20, Tick(2), 1)]
    )
    assert Told.CONCENTRATED in told(run)


def test_rows_before_the_first_tick_are_counted_from_it() -> None:
    run = Release()
    run.take([*(event(at, at) for at in range(6)), Ticked(20, Tick(20_000), 1)])
    assert (run.batches, {row.arrived for row in run.state.pending.values()}) == ([], {20_000})


@settings(max_examples=60, deadline=None)
@given(records=logs(), cuts=st.sets(st.integers(0, 120)))
def test_in_whatever_portions_records_come_the_same_leaves(records: list[Record], cuts: set[int]) -> None:
    whole, portions = Release(), Release()
    whole.take(records)
    edges = [0, *sorted(cut for cut in cuts if cut < len(records)), len(records)]
    for start, end in pairwise(edges):
        portions.take(records[start:end])
    assert portions.batches == whole.batches
    assert portions.state == whole.state
    assert portions.spent == whole.spent


@settings(max_examples=60, deadline=None)
@given(records=logs())
def test_nothing_is_lost_everything_told_waits_or_is_spent(records: list[Record]) -> None:
    run = Release()
    run.take(records)
    told_of = {RowId(fact.subject, fact.kind) for each in records if isinstance(each, Arrived) for fact in each.facts}
    left = sum(len(batch.rows) for batch in run.batches if batch.tier == "partner")
    counter = run.state.suppressed
    suppressed = len(told_of) - left - len(run.state.pending)
    assert 0 <= counter.told + len(counter.untold) <= suppressed, "persons are no more than their rows"
    assert bool(suppressed) is bool(counter.told + len(counter.untold))
    assert len(run.spent) + len(run.state.pending) == len(told_of)
