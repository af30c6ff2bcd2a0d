"""The second opinion finds each rule broken in what the grouping has made rightly."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.cohort.batches import Drafted, PublishedRow, drafted
from streams.cohort.checking import problems
from streams.cohort.grouping import Cohort
from streams.cohort.rows import Row, Tick
from tests.streams.cohort.population import AGENCIES, IDENTIFIED, KEYS, LAYOUT, RULE, A, row

NOW = Tick(4)
ROWS = tuple(row(at, agency=AGENCIES[at % 3], values=(5, 5), form="XYZ"[at // 3 % 3]) for at in range(9))
LABEL = (5, 5)


def made(rows: tuple[Row, ...] = ROWS, label: tuple[int, int] = LABEL, suppressed: int = 0) -> list[Drafted]:
    return drafted([Cohort(IDENTIFIED, label, rows)], suppressed, LAYOUT, RULE, NOW, KEYS.order)


def found(drafts: list[Drafted], *, left: frozenset[object] = frozenset()) -> list[str]:
    return problems(drafts, layout=LAYOUT, rule=RULE, now=NOW, order_key=KEYS.order, has_left=lambda each: each in left)


def shown_as(drafts: list[Drafted], change: Callable[[PublishedRow], PublishedRow], tier: int = 0) -> list[Drafted]:
    """Return *drafts* with every row of one tier changed."""
    draft = drafts[tier]
    batch = replace(draft.batch, rows=tuple(map(change, draft.batch.rows)))
    return [*drafts[:tier], replace(draft, batch=batch), *drafts[tier + 1 :]]


def test_what_was_made_rightly_may_leave() -> None:
    assert found(made(suppressed=RULE.k)) == []
    assert found([]) == []


BROKEN: dict[str, list[Drafted]] = {
    "k": made(ROWS[:3]),
    "net": made(tuple(replace(each, agencies=frozenset({A})) for each in ROWS)),
    "person-twice": made((*ROWS, replace(ROWS[0], sensitive=("Q",)))),
    "embargo": made((replace(ROWS[0], arrived=NOW), *ROWS[1:])),
    "suppressed-step": made(suppressed=1),
    "untrue-label": made(label=(5, 6)),
    "withhold": shown_as(
        made(tuple(replace(each, sensitive=("X",)) for each in ROWS)), lambda each: replace(each, sensitive=("X",))
    ),
    "untrue-cell": shown_as(made(), lambda each: replace(each, sensitive=("Q",))),
    "columns": shown_as(made(), lambda each: replace(each, label=each.label[:1])),
    "order": [replace(each, sources=each.sources[::-1], batch=replace(each.batch, rows=each.batch.rows[::-1]))
              for each in made()],
    "heading": [replace(each, batch=replace(each.batch, tick=NOW)) for each in made()],
    "tiers-missing": made()[:1],
    "tiers-differ": [made()[0], made(ROWS[:8])[1]],
}  # fmt: skip


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_rule_is_found(code: str) -> None:
    assert code in found(BROKEN[code])


def test_a_row_that_left_before_is_found() -> None:
    assert found(made(), left=frozenset({ROWS[3].id})) == ["left-before"]


def test_what_is_the_same_once_one_agency_sets_its_rows_aside_is_found_in_the_open_tier_only() -> None:
    rows = tuple(replace(each, sensitive=("Y" if A in each.agencies else "X",)) for each in ROWS)
    drafts = made(rows)
    assert found(drafts) == []
    told = {each.id: each.sensitive for each in rows}
    opened = drafts[1]
    shown = tuple(
        replace(each, sensitive=told[source.id]) for source, each in zip(opened.sources, opened.batch.rows, strict=True)
    )
    assert found([drafts[0], replace(opened, batch=replace(opened.batch, rows=shown))]) == ["withhold"]


def test_the_check_shares_no_code_with_what_it_checks() -> None:
    from streams.cohort import checking, grouping, ordering, suppression, withholding

    others = {each.__name__ for each in (grouping, ordering, suppression, withholding)}
    used = {getattr(value, "__module__", None) for value in vars(checking).values()}
    assert not used & others
