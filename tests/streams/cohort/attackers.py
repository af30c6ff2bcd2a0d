"""Attackers who read what was released; each returns what they found out, nothing when the rules hold.

They are told the truth beside it (which row became which), so that a success is known for one: more than any real
attacker has.
"""

from collections import Counter
from collections.abc import Callable
from itertools import combinations, pairwise

from streams.cohort.rows import RowId
from tests.streams.cohort.population import Release, classes


def differencing(run: Release) -> list[object]:
    """Subtract every snapshot of every counter from every later one: a difference of 1 to k - 1 persons."""
    snapshots: list[Counter[object]] = [Counter()]
    for batch in (batch for batch in run.batches if batch.tier == "partner"):
        grown = snapshots[-1] + Counter((row.kind, row.label) for row in batch.rows)
        grown["suppressed"] += batch.suppressed
        snapshots.append(grown)
    return [
        cell
        for before, after in combinations(snapshots, 2)
        for cell, count in after.items()
        if 0 < count - before[cell] < run.rule.k
    ]


def own_rows(run: Release, together: int = 1) -> list[object]:
    """Set the rows of one agency aside (of several when *together*): fewer than `net` persons are left."""
    found: list[object] = []
    for now, drafts in run.drafts:
        for label, members in classes(zip(drafts[0].sources, drafts[0].batch.rows, strict=True)).items():
            agencies = {agency for source, _ in members for agency in source.agencies}
            for some in combinations(sorted(agencies), together):
                others = sum(not source.agencies & set(some) for source, _ in members)
                if others < run.rule.net:
                    found.append((now, label, some))
    return found


def sure_of_cells(run: Release) -> list[object]:
    """Read the sensitive cell of a person known to be in a class: all of it says the same. Both tiers, joined.

    Of the open tier also what one agency reads after setting its own rows aside.
    """
    found: list[object] = []
    for now, drafts in run.drafts:
        where = {
            source.id: (shown.kind, shown.label)
            for source, shown in zip(drafts[0].sources, drafts[0].batch.rows, strict=True)
        }
        for draft in drafts:
            joined: dict[object, list[tuple[frozenset[str], tuple[str | None, ...]]]] = {}
            for source, shown in zip(draft.sources, draft.batch.rows, strict=True):
                joined.setdefault(where[source.id], []).append((frozenset(source.agencies), shown.sensitive))
            for label, cells in joined.items():
                asides = [frozenset[str]()]
                if draft.tier.strict:
                    asides += [frozenset({agency}) for agency in frozenset[str]().union(*(told for told, _ in cells))]
                for aside in asides:
                    seen = {sensitive for told, sensitive in cells if not told & aside}
                    if len(seen) == 1 and any(cell is not None for cell in next(iter(seen))):
                        found.append((now, draft.tier.name, label))
    return found


def linked_facts(run: Release) -> list[object]:
    """Follow one person from one kind of fact to another: fewer than k rows of the other kind could be theirs."""
    placed: dict[RowId, list[tuple[object, int]]] = {}
    for now, drafts in run.drafts:
        for label, members in classes(zip(drafts[0].sources, drafts[0].batch.rows, strict=True)).items():
            for source, _ in members:
                placed.setdefault(source.id, []).append(((now, label), len(members)))
    facts: dict[str, list[int]] = {}
    for each, places in placed.items():
        facts.setdefault(each.subject, []).extend(size for _, size in places)
    return [subject for subject, sizes in facts.items() if min(sizes) < run.rule.k]


def joined_tiers(run: Release) -> list[object]:
    """Join the rows of both tiers: the open one says of somebody more than the partner one does."""
    found: list[object] = []
    for now, (first, *later) in run.drafts:
        shown = {source.id: row for source, row in zip(first.sources, first.batch.rows, strict=True)}
        for draft in later:
            for source, row in zip(draft.sources, draft.batch.rows, strict=True):
                own = shown.get(source.id)
                if own is None or any(cell not in {None, *own.sensitive} for cell in row.sensitive):
                    found.append((now, source.id))
    return found


def left_twice(run: Release) -> list[object]:
    """Find a person and kind of fact that left more than once."""
    counts = Counter(source.id for _, drafts in run.drafts for source in drafts[0].sources)
    return [each for each, count in counts.items() if count > 1]


def early(run: Release) -> list[object]:
    """Find a row that left in the tick of its arrival: who knows when somebody was found knows the row."""
    return [
        source.id
        for now, drafts in run.drafts
        for source in drafts[0].sources
        if now - source.arrived < run.rule.embargo
    ]


def late(run: Release) -> list[object]:
    """Find a row that waits beyond its deadline, by the last tick."""
    now = run.state.tick or 0
    return [row.id for row in run.state.pending.values() if now - row.arrived >= run.rule.deadline - 1]


def in_order_of_arrival(run: Release) -> list[object]:
    """Guess of two neighbours of one class that the one above came first: right clearly more often than not."""
    first = pairs = 0
    for _, drafts in run.drafts:
        for draft in drafts:
            for members in classes(zip(draft.sources, draft.batch.rows, strict=True)).values():
                for (one, _), (other, _) in pairwise(members):
                    pairs += 1
                    first += one.place < other.place
    return ["order"] if pairs > 300 and first > 0.6 * pairs else []


ATTACKERS: dict[str, Callable[[Release], list[object]]] = {
    each.__name__: each
    for each in (
        differencing, own_rows, sure_of_cells, linked_facts, joined_tiers, left_twice, early, late, in_order_of_arrival
    )
}  # fmt: skip
