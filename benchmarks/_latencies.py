"""The arithmetic of `latency.py`: when events are due, how late each of them was, and what that comes to. Pure.

A load is open-loop: events are due at fixed moments, whatever the hub does, and each is counted from the moment at
which it was due. A sender that waits for a hub that stands still would otherwise leave out just those events that
waited longest (coordinated omission).
"""

import math
from collections.abc import Mapping, Sequence

NEVER = math.inf
PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999))
Summary = dict[str, float | int | None]


def due(rate: float, count: int, start: float) -> list[float]:
    """Return the moments at which *count* events are due, *rate* a second from *start* on."""
    return [start + number / rate for number in range(count)]


def latencies(due_at: Sequence[float], seen_at: Mapping[int, float]) -> list[float]:
    """Return for each event in order the seconds from when it was due until it was seen; NEVER when it was not."""
    return [seen_at.get(number, NEVER) - moment for number, moment in enumerate(due_at)]


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the least value of *ordered* that at least *share* of all values do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def summary(seconds: Sequence[float]) -> Summary:
    """Return percentiles and the greatest in milliseconds, None where that event never came; count and missing."""
    ordered = sorted(seconds)
    found: Summary = {"events": len(ordered), "missing": sum(1 for each in ordered if each == NEVER)}
    for name, share in PERCENTILES:
        found[name] = _ms(percentile(ordered, share)) if ordered else None
    return found | {"max": _ms(ordered[-1]) if ordered else None}


def first_at(timeline: Sequence[tuple[float, int]], offset: int) -> float:
    """Return when *timeline* (moment, next offset; both rising) first shows that *offset* is done; NEVER if not."""
    low, high = 0, len(timeline)
    while low < high:
        middle = (low + high) // 2
        if timeline[middle][1] > offset:
            high = middle
        else:
            low = middle + 1
    return timeline[low][0] if low < len(timeline) else NEVER


def _ms(seconds: float) -> float | None:
    return None if seconds == NEVER else round(seconds * 1000, 2)
