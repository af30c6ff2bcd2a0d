"""The second opinion on everything that is about to leave, immediately before it is committed.

It shares no code with grouping, withholding, suppression and ordering, works on codes and sets instead of packed
integers, and looks at classes as a reader sees them: rows of equal labels, merged. What it finds halts the population.
"""

import hashlib
import hmac
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from streams.cohort.batches import Drafted, PublishedRow
from streams.cohort.parameters import Parameters, Tier
from streams.cohort.rows import Layout, Row, RowId, Tick

Pairs = list[tuple[Row, PublishedRow]]


def problems(
    drafts: Sequence[Drafted],
    *,
    layout: Layout,
    rule: Parameters,
    now: Tick,
    order_key: bytes,
    has_left: Callable[[RowId], bool],
) -> list[str]:
    """Return the codes of the rules that *drafts* break, sorted, each once; empty when all may leave.

    *has_left* tells of a row whether it left before.
    """
    found: set[str] = set()
    if not drafts:
        return []
    first = drafts[0]
    for draft in drafts:
        wanted = {row.id for row in first.sources if row.id.kind not in draft.tier.without_kinds}
        if set(map(_id, draft.sources)) != wanted:
            found.add("tiers-differ")
    if [draft.tier for draft in drafts] != list(rule.tiers):
        found.add("tiers-missing")
    if any(has_left(row.id) for row in first.sources):
        found.add("left-before")
    if any(now - row.arrived < rule.embargo for row in first.sources):
        found.add("embargo")
    fine: dict[RowId, object] = {
        row.id: (shown.kind, shown.label) for row, shown in zip(first.sources, first.batch.rows, strict=True)
    }
    for draft in drafts:
        found.update(_of_tier(draft, fine, layout, rule, now, order_key))
    return sorted(found)


def _id(row: Row) -> RowId:
    return row.id


def _of_tier(
    draft: Drafted,
    fine: dict[RowId, object],
    layout: Layout,
    rule: Parameters,
    now: Tick,
    order_key: bytes,
) -> Iterable[str]:
    batch, tier = draft.batch, draft.tier
    pairs = list(zip(draft.sources, batch.rows, strict=True))
    if 0 < batch.suppressed < rule.k:
        yield "suppressed-step"
    if batch.tick != now + tier.lag or batch.parameters != rule.hash or batch.layout != layout.fingerprint:
        yield "heading"
    if not _is_shuffled(draft.sources, order_key, tier.name, now):
        yield "order"
    as_read: dict[object, Pairs] = defaultdict(list)
    as_grouped: dict[object, Pairs] = defaultdict(list)
    for row, shown in pairs:
        as_read[shown.kind, shown.label].append((row, shown))
        as_grouped[fine.get(row.id)].append((row, shown))
        yield from _of_row(row, shown, layout, tier)
    for members in (*as_read.values(), *as_grouped.values()):
        yield from _of_class(members, rule)
    for members in as_grouped.values():
        names = [name for name in layout.kinds[members[0][0].id.kind] if name not in tier.without]
        guarded = [at for at, name in enumerate(names) if name not in layout.plain]
        yield from _of_cells(members, guarded, strict=tier.strict)


def _of_class(members: Pairs, rule: Parameters) -> Iterable[str]:
    people = {row.id.subject for row, _ in members}
    if len(people) != len(members):
        yield "person-twice"
    if len(people) < rule.k:
        yield "k"
    suppliers = {agency for row, _ in members for agency in row.agencies}
    for agency in suppliers:
        others = {row.id.subject for row, _ in members if agency not in row.agencies}
        if len(others) < rule.net:
            yield "net"
            break


def _of_cells(members: Pairs, guarded: Sequence[int], *, strict: bool) -> Iterable[str]:
    """Yield a code when a class shows the same in a *guarded* column for all, *strict*: or for all but one agency's."""
    for column in guarded:
        groups = [members]
        if strict:
            agencies = {agency for row, _ in members for agency in row.agencies}
            groups += [[pair for pair in members if agency not in pair[0].agencies] for agency in agencies]
        for group in groups:
            counts = Counter(shown.sensitive[column] for _, shown in group)
            if len(counts) == 1 and counts[None] == 0:
                yield "withhold"
                break


def _of_row(row: Row, shown: PublishedRow, layout: Layout, tier: Tier) -> Iterable[str]:
    """Yield a code when what is shown of a row was not told of it and is not coarser either."""
    axes = [(axis, at) for at, axis in enumerate(layout.axes) if axis.name not in tier.without]
    columns = [at for at, name in enumerate(layout.kinds[row.id.kind]) if name not in tier.without]
    if shown.kind != row.id.kind or len(shown.label) != len(axes) or len(shown.sensitive) != len(columns):
        yield "columns"
        return
    for (axis, at), code in zip(axes, shown.label, strict=True):
        node, chain = row.values[at], {axis.codes[row.values[at]]}
        while node:
            node = axis.parents[node]
            chain.add(axis.codes[node])
        if code not in chain:
            yield "untrue-label"
    for at, code in zip(columns, shown.sensitive, strict=True):
        if code is not None and code != row.sensitive[at]:
            yield "untrue-cell"


def _is_shuffled(rows: Sequence[Row], key: bytes, tier: str, now: Tick) -> bool:
    said = [
        hmac.new(key, "\0".join([tier, str(now), row.id.subject, row.id.kind]).encode(), hashlib.sha256).hexdigest()
        for row in rows
    ]
    return all(before <= after for before, after in pairwise(said))
