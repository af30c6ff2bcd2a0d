"""Mondrian, offline, on ladders: the whole population at once, split for as long as every part keeps k rows.

The baseline of what waiting for ever would give: LeFevre, DeWitt, Ramakrishnan (2006), with a ladder's step in the
place of a median cut. It knows k only: no contributor, no sensitive column, no time.
"""

from collections import defaultdict
from collections.abc import Sequence

from streams.cohort.axes import Axis

Label = tuple[int, ...]


def mondrian(rows: Sequence[Label], axes: Sequence[Axis], k: int) -> dict[Label, int]:
    """Return the labels that *rows* come to, each with its number of rows."""
    found: dict[Label, int] = defaultdict(int)
    waiting: list[tuple[Label, list[Label]]] = [((0,) * len(axes), list(rows))]
    while waiting:
        label, part = waiting.pop()
        for at in sorted(range(len(axes)), key=lambda at: -axes[at].loss[label[at]]):
            parts = _cut(part, label, at, axes[at])
            if parts and all(len(each) >= k for each in parts.values()):
                waiting += [((*label[:at], node, *label[at + 1 :]), each) for node, each in parts.items()]
                break
        else:
            found[label] += len(part)
    return found


def _cut(part: list[Label], label: Label, at: int, axis: Axis) -> dict[int, list[Label]] | None:
    below = axis.below[label[at]]
    parts: dict[int, list[Label]] = defaultdict(list)
    for row in part:
        if not (child := below[row[at]]):
            return None  # known only at this level: an allowable cut leaves nothing behind
        parts[child].append(row)
    return parts
