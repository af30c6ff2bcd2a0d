"""What leaves at a tick: for each tier a batch made of the same classes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from streams.cohort.grouping import Cohort
from streams.cohort.ordering import shuffled
from streams.cohort.parameters import Parameters, Tier
from streams.cohort.rows import Kind, Layout, Row, Tick
from streams.cohort.withholding import is_withheld


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """All that anybody sees of one person and kind of fact."""

    kind: Kind
    label: tuple[str | None, ...]
    """A code of each axis that the tier has; None for "not reported", `*` for everything."""
    sensitive: tuple[str | None, ...]
    """A code of each sensitive column of the kind that the tier has; None for "not reported" and for withheld."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one tier gets at one tick. It bears no time but the tick."""

    id: str
    tier: str
    tick: Tick
    """When it leaves: that of the grouping plus the lag of the tier."""
    parameters: str
    layout: str
    rows: tuple[PublishedRow, ...]
    suppressed: int
    """By how many persons the counter of the suppressed moves: 0 or at least k."""
    without: tuple[str, ...] = ()
    """Columns that the tier did not get when the batch was made: what the places of its rows mean."""

    @property
    def digest(self) -> str:
        """Return the SHA-256 of all that it shows, hexadecimal."""
        rows = [[row.kind, row.label, row.sensitive] for row in self.rows]
        content = [self.id, self.tier, self.tick, self.parameters, self.layout, rows, self.suppressed]
        return sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Drafted:
    """A batch before the check, each of its rows beside the one that it was made of."""

    batch: Batch
    tier: Tier
    sources: tuple[Row, ...]


def drafted(
    cohorts: Sequence[Cohort], suppressed: int, layout: Layout, rule: Parameters, now: Tick, order_key: bytes
) -> list[Drafted]:
    """Return the batch of each tier, of rows in shuffled order; none when nothing happened."""
    if not cohorts and not suppressed:
        return []
    return [_drafted(tier, cohorts, suppressed, layout, rule, now, order_key) for tier in rule.tiers]


def _drafted(
    tier: Tier,
    cohorts: Sequence[Cohort],
    suppressed: int,
    layout: Layout,
    rule: Parameters,
    now: Tick,
    order_key: bytes,
) -> Drafted:
    kept = [at for at, axis in enumerate(layout.axes) if axis.name not in tier.without]
    pairs: list[tuple[Row, PublishedRow]] = []
    for cohort in (each for each in cohorts if each.kind not in tier.without_kinds):
        label = tuple(layout.axes[at].codes[cohort.label[at]] for at in kept)
        pairs += _shown(cohort, label, tier, layout)
    pairs = shuffled(pairs, lambda pair: pair[0].id, order_key, tier.name, now)
    tick = Tick(now + tier.lag)
    batch = Batch(
        id=sha256(f"{layout.population}|{tier.name}|{tick}|{rule.hash}".encode()).hexdigest()[:32],
        tier=tier.name,
        tick=tick,
        parameters=rule.hash,
        layout=layout.fingerprint,
        rows=tuple(shown for _, shown in pairs),
        suppressed=suppressed,
        without=tier.without,
    )
    return Drafted(batch, tier, tuple(row for row, _ in pairs))


def _shown(cohort: Cohort, label: tuple[str | None, ...], tier: Tier, layout: Layout) -> list[tuple[Row, PublishedRow]]:
    """Return the rows of *cohort* as *tier* sees them.

    Withheld is decided on the class of the grouping, never on a wider one that fewer columns make of it: beside the
    first tier that would tell what the first one withholds.
    """
    names = layout.kinds[cohort.kind]
    columns = [at for at, name in enumerate(names) if name not in tier.without]
    told = [at for at in columns if names[at] in layout.plain or not _withheld(cohort, at, tier)]
    return [
        (
            row,
            PublishedRow(cohort.kind, label, tuple(row.sensitive[at] if at in told else None for at in columns)),
        )
        for row in cohort.rows
    ]


def _withheld(cohort: Cohort, at: int, tier: Tier) -> bool:
    return is_withheld([(row.sensitive[at], row.agencies) for row in cohort.rows], strict=tier.strict)
