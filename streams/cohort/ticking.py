"""What happens at a tick: group, draft, check, and only then let go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from streams.cohort import checking
from streams.cohort.batches import Drafted, drafted
from streams.cohort.grouping import Cohort, grouped
from streams.cohort.parameters import Parameters, concentrated
from streams.cohort.records import Told
from streams.cohort.rows import Row, Tick
from streams.cohort.state import LedgerEntry

if TYPE_CHECKING:
    from streams.cohort.working import Work

Check = Callable[..., list[str]]


def released(work: Work, now: Tick) -> None:
    """Let leave what may at *now*; a broken rule halts the population, and every row is kept."""
    _watch(work, now)
    if work.state.halted:
        work.tell(Told.HALTED, work.state.halted)
        return
    _weaken(work)
    rule = work.state.rule
    cohorts, dropped = _grouped(work, now, rule)
    counter, moved = work.state.suppressed.with_more(dropped, work.mark_of_person).step(rule)
    drafts = drafted(cohorts, moved, work.layout, rule, now, work.order_key)
    broken = checking.problems(
        drafts, layout=work.layout, rule=rule, now=now, order_key=work.order_key, has_left=work.is_spent
    )
    if broken:
        work.state = replace(work.state, halted=",".join(broken))
        work.tell(Told.HALTED, work.state.halted)
        return
    work.state = replace(work.state, suppressed=counter)
    if dropped:
        work.tell(Told.STARVED)
    _let_go(work, cohorts, dropped, drafts, now)


def _grouped(work: Work, now: Tick, rule: Parameters) -> tuple[list[Cohort], list[Row]]:
    cohorts: list[Cohort] = []
    dropped: list[Row] = []
    for kind in sorted(work.layout.kinds):
        rows = [row for row in work.pending.values() if row.id.kind == kind]
        leaving, suppressed = grouped(rows, work.layout.axes, rule, now)
        cohorts += leaving
        dropped += suppressed
    return cohorts, dropped


def _let_go(
    work: Work, cohorts: Sequence[Cohort], dropped: Sequence[Row], drafts: Sequence[Drafted], now: Tick
) -> None:
    left = [row for cohort in cohorts for row in cohort.rows]
    for row in (*left, *dropped):
        del work.pending[row.id]
    work.spend(row.id for row in (*left, *dropped))
    batches = sorted(
        (*work.state.embargoed, *(draft.batch for draft in drafts)), key=lambda batch: (batch.tick, batch.tier)
    )
    work.leaving += [batch for batch in batches if batch.tick <= now]
    work.state = replace(work.state, embargoed=tuple(batch for batch in batches if batch.tick > now))
    if drafts:
        axes = work.layout.axes
        work.entries.append(
            LedgerEntry(
                tick=now,
                batches=tuple((draft.batch.tier, draft.batch.id, draft.batch.digest) for draft in drafts),
                classes=tuple(
                    (
                        cohort.kind,
                        tuple(axis.codes[node] for axis, node in zip(axes, cohort.label, strict=True)),
                        len(cohort.rows),
                    )
                    for cohort in cohorts
                ),
                marks=tuple(sorted(work.mark(row.id) for row in left)),
                oldest_pending=min((row.place for row in work.pending.values()), default=None),
                parameters=work.state.rule.hash,
                layout=work.state.layout,
            )
        )


def _weaken(work: Work) -> None:
    """Let a weaker rule come into force once nothing waits that was promised more."""
    awaited = work.state.awaited
    if awaited is not None and all(row.place > awaited.since for row in work.pending.values()):
        work.state = replace(work.state, rule=awaited.parameters, awaited=None)
        work.tell(Told.RULE_CHANGED)


def _watch(work: Work, now: Tick) -> None:
    """Forget arrivals that are older than a deadline; tell when most of the rest come from one agency."""
    work.recent = {tick: each for tick, each in work.recent.items() if tick > now - work.state.rule.deadline}
    supplied = sum((Counter(each) for each in work.recent.values()), Counter())
    if sum(supplied.values()) >= work.state.rule.k and concentrated(supplied):
        work.tell(Told.CONCENTRATED)
