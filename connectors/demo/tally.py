"""What the demonstration counts, from the outside: what was sent, what was answered, what arrived. Pure."""

import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from connectors.demo.cohorts import Classes
from connectors.demo.searching import Searched


@dataclass(slots=True)
class Tally:
    """Counts of one run of the demonstration."""

    run: int
    by_agency: Counter[str] = field(default_factory=Counter)
    by_family: Counter[str] = field(default_factory=Counter)
    """Of the events of the scenario; the mistakes of careless clients are of none."""
    outcomes: Counter[str] = field(default_factory=Counter)
    refused_by_rule: Counter[str] = field(default_factory=Counter)
    expected_rules: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    feeds: Counter[str] = field(default_factory=Counter)
    feed_repeats: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    repeats: int = 0
    """Events that the scenario sent again on purpose."""
    ledger: int = 0
    anonymous: Mapping[str, Classes] = field(default_factory=dict)
    projections: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    searched: Searched | None = None
    """What the search for personal values in clear has found; None before it."""

    @property
    def published(self) -> int:
        """Records that the broker has acknowledged."""
        return self.by_agency.total()

    def faults(self) -> list[str]:
        """Return what does not add up; nothing when the run is sound."""
        outcomes = self.outcomes
        found = list(self.unexpected)
        if self.published != outcomes["ACCEPTED"] + outcomes["REFUSED"] + outcomes["DUPLICATE"]:
            found.append("published is not accepted + refused + duplicates")
        if outcomes["ACCEPTED"] != self.ledger:
            found.append("the ledger does not hold exactly the accepted events")
        if outcomes["DUPLICATE"] != self.repeats:
            found.append("duplicates are not exactly the events that were sent again on purpose")
        if self.refused_by_rule.total() != outcomes["REFUSED"] or self.expected_rules != self.refused_by_rule:
            found.append("refusals are not exactly those that the scenario provokes")
        if self.feed_repeats:
            found.append("a feed delivered an event twice")
        if any(each.too_small for each in self.anonymous.values()):
            found.append("a cohort of fewer persons than promised has left")
        if self.searched is not None and self.searched.found:
            found.append(f"personal values lie in clear in {', '.join(self.searched.found)}")
        if self.searched is not None and not self.searched.control:
            found.append("the search for personal values is blind: it does not find what is there")
        return found

    def summary(self) -> dict[str, object]:
        """Return the counts as the command prints them with `--json`."""
        return {
            "run": self.run,
            "published": self.published,
            "accepted": self.outcomes["ACCEPTED"],
            "refused": self.outcomes["REFUSED"],
            "refused_by_rule": dict(sorted(self.refused_by_rule.items())),
            "duplicates": self.outcomes["DUPLICATE"],
            "ledger": self.ledger,
            "agencies": len(self.by_agency),
            "feeds": dict(sorted(self.feeds.items())),
            "anonymous": {tier: asdict(each) for tier, each in self.anonymous.items()},
            "projections": dict(self.projections),
            "latency_ms": {"p50": percentile(self.latencies_ms, 50), "p99": percentile(self.latencies_ms, 99)},
            "seconds": round(self.seconds, 1),
            "searched": asdict(self.searched) if self.searched is not None else None,
            "faults": self.faults(),
        }


def percentile(values: list[float], percent: int) -> float | None:
    """Return the value below which *percent* of *values* lie, None without values."""
    if len(values) <= 1:
        return round(values[0], 1) if values else None
    return round(statistics.quantiles(values, n=100, method="inclusive")[percent - 1], 1)
