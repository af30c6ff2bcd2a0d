"""Where exports take released rows from: a small protocol, and the one function that opens what a home has."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from infra.home import Home
from projections.indicators.figures import K, Period, Row
from schemas.errors import MisuseError

TIERS = ("partner", "open")
"""Audiences: vetted agencies and liaison points, and the public."""


class UnknownTierError(MisuseError):
    """No tier has this name."""

    code = "unknown-tier"


class Source(Protocol):
    """What left on the non-personal channels, as one state of the log: all of its answers belong together."""

    def rows(self, tier: str) -> Sequence[Row]:
        """Return every row of `anon.<tier>` from the first; its tick is that of its batch, the same on every tier."""

    def facts(self, tier: str) -> Sequence[Row]:
        """Return every row of `facts.<tier>` from the first."""

    def periods(self) -> Sequence[Period]:
        """Return the periods of figures from the first, those only whose rows have left on every tier."""

    @property
    def k(self) -> int:
        """Return the least number of persons by which a counter may move: the highest of all populations."""

    def position(self) -> Mapping[str, int]:
        """Return by topic the offset of the first record that is not part of this state."""

    def parameters(self) -> Mapping[str, object]:
        """Return what is in force: `k` and `net` in persons, `embargo` and `deadline` in days, and `hash` (SHA-256)."""


def open_source(home: Home) -> Source:
    """Return what *home* has released; raise UnavailableError when it has no released rows to read."""
    from projections.indicators.reading import released_rows

    return released_rows(home)


def least(source: Source) -> int:
    """Return the least number of persons by which a counter moves; never less than the design's own."""
    return max(K, source.k)


def tier_of(name: str) -> str:
    """Return *name* when a tier has it; raise UnknownTierError otherwise."""
    if name not in TIERS:
        raise UnknownTierError(f"a tier is {' or '.join(TIERS)}")
    return name
