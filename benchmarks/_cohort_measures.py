"""What a release lost and kept, measured alike for every method.

NCP: mean over rows and attributes of (leaves shown - 1) / (all leaves - 1); shown as "not reported" costs 0, `*` for
it 1. *Reported*: the same over cells that were reported. *Bits*: log2 of leaves shown / log2 of all leaves, reported
cells. *Exact*: rows with every reported value at its finest.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log2
from typing import Any

from streams.cohort.axes import NOT_REPORTED, Axis
from streams.cohort.parameters import Parameters

Seen = tuple[object, frozenset[str]]
"""A published class, and the agencies of a row in it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A person as published: true values, label, wait in days, cells reported and withheld in sensitive columns."""

    values: tuple[int, ...]
    label: tuple[int, ...]
    waited: float


def kept(rows: Sequence[Shown], axes: Sequence[Axis]) -> dict[str, Any]:
    """Return loss and delay of *rows*."""
    ncp, of_reported, bits, reported, exact = 0.0, 0.0, 0.0, 0, 0
    all_bits = [log2(axis.leaves[0]) for axis in axes]
    for row in rows:
        finest = True
        for axis, whole, value, shown in zip(axes, all_bits, row.values, row.label, strict=True):
            loss = axis.loss[shown] / 1e6
            ncp += loss
            if value != NOT_REPORTED:
                reported += 1
                of_reported += loss
                bits += log2(axis.leaves[shown]) / whole
                finest = finest and value == shown
        exact += finest
    waits = sorted(row.waited for row in rows)
    count = max(len(rows), 1)
    return {
        "NCP": round(ncp / count / len(axes), 3),
        "NCP reported": round(of_reported / max(reported, 1), 3),
        "bits": round(bits / max(reported, 1), 3),
        "exact": round(exact / count, 3),
        "delay mean": round(sum(waits) / count, 1),
        "delay p95": waits[count * 95 // 100] if waits else 0,
        "delay max": waits[-1] if waits else 0,
    }


def attacked(seen: Iterable[Seen], rule: Parameters) -> dict[str, Any]:
    """Return what classes leave to one agency, and to two, that set their own rows aside."""
    classes: dict[object, list[frozenset[str]]] = defaultdict(list)
    for name, agencies in seen:
        classes[name].append(agencies)
    alone = [_fewest_others(members, 1) for members in classes.values()]
    pairs = [_fewest_others(members, 2) for members in classes.values()]
    return {
        "classes": len(classes),
        "classes < k": sum(len(members) < rule.k for members in classes.values()),
        "residuals of one": sum(others < rule.net for others in alone),
        "residuals of two": sum(0 < others < rule.net for others in pairs),
        "of two, one person": sum(others == 1 for others in pairs),
        "all of two": sum(others == 0 for others in pairs),
    }


def _fewest_others(members: Sequence[frozenset[str]], together: int) -> int:
    """Return how many rows of a class the best *together* agencies leave."""
    agencies = sorted(frozenset[str]().union(*members))
    if len(agencies) <= together:
        return 0
    return min(sum(not each & set(some) for each in members) for some in combinations(agencies, together))
