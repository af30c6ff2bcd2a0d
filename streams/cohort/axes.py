"""An axis: one grouping attribute, its fixed ladder as a tree of small integers, and what each node costs.

Node 0 is everything (`*`), node 1 is "not reported", a child of everything like any other. What a row shows is a node
of each axis; coarser is nearer to 0. The tree comes from published ladders, never from the rows.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Self

from schemas.errors import MisuseError
from schemas.generalising import EVERYTHING, Ladder

TOP = 0
NOT_REPORTED = 1
MILLION = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """A tree of codes, finest at its leaves; two axes are the same when their fingerprints are."""

    name: str
    codes: tuple[str | None, ...]
    """Code of each node; of node 1 None."""
    parents: tuple[int, ...]
    """Parent of each node; of node 0 itself."""
    leaves: tuple[int, ...]
    """How many of the finest reported codes lie below each node, itself included."""
    paths: tuple[tuple[int, ...], ...]
    """Nodes from 0 down to each node."""
    below: tuple[tuple[int, ...], ...]
    """For each node: which child of it leads to each node of the axis; 0 for those that are not below it."""
    loss: tuple[int, ...]
    """What showing a node costs, in millionths (NCP): 0 for a finest code, a million for everything."""
    node_of: Mapping[str | None, int]
    fingerprint: str

    @classmethod
    def of(cls, name: str, parent_of: Mapping[str, str], *, source: str = "") -> Self:
        """Return the axis in which each code lies below its parent; `*` is the parent of the coarsest.

        *source* is the fingerprint of the ladder. Raises MisuseError when the codes are no tree.
        """
        codes: list[str | None] = [EVERYTHING, None]
        parents = [TOP, TOP]
        node_of: dict[str | None, int] = {EVERYTHING: TOP, None: NOT_REPORTED}
        waiting = dict(sorted(parent_of.items()))
        while waiting:
            ready = [code for code, parent in waiting.items() if parent in node_of]
            if not ready:
                raise MisuseError(f"the codes of the axis {name} are no tree below {EVERYTHING}")
            for code in ready:
                parents.append(node_of[waiting.pop(code)])
                node_of[code] = len(codes)
                codes.append(code)
        leaves = _leaves(parents)
        paths: list[tuple[int, ...]] = [(TOP,)]
        for node, parent in enumerate(parents[1:], 1):
            paths.append((*paths[parent], node))
        span = max(leaves[TOP] - 1, 1)
        return cls(
            name=name,
            codes=tuple(codes),
            parents=tuple(parents),
            leaves=tuple(leaves),
            paths=tuple(paths),
            below=_below(paths),
            loss=(MILLION, *((count - 1) * MILLION // span for count in leaves[1:])),
            node_of=node_of,
            fingerprint=sha256(json.dumps([name, source, codes, parents]).encode()).hexdigest(),
        )

    def common(self, nodes: Sequence[int]) -> int:
        """Return the lowest node that all *nodes* lie below, themselves included."""
        distinct = set(nodes)
        node = distinct.pop()
        path = self.paths[node]
        for other in distinct:
            depth = len(path)
            while self.paths[other][:depth] != path[:depth]:
                depth -= 1
            path = path[:depth]
        return path[-1]


def axis_of(name: str, ladder: Ladder, finest: str) -> Axis:
    """Return *ladder* from its level *finest* upwards as the axis *name*; raise MisuseError for one without a table."""
    levels = ladder.levels[ladder.levels.index(finest) :]
    parent_of: dict[str, str] = {}
    for code in sorted({code for code in ladder.table(finest).values() if code is not None}):
        chain = [code, *(_step(ladder, code, level) for level in levels)]
        parent_of.update({child: parent for child, parent in pairwise(chain) if child != parent})
    return Axis.of(name, parent_of, source=ladder.fingerprint)


def _step(ladder: Ladder, code: str, level: str) -> str:
    return ladder.generalise(code, level) or EVERYTHING


def _leaves(parents: Sequence[int]) -> list[int]:
    inner = set(parents)
    counts = [0] * len(parents)
    for node in range(len(parents) - 1, NOT_REPORTED, -1):
        if node not in inner:
            counts[node] = 1
        counts[parents[node]] += counts[node]
    counts[NOT_REPORTED] = 1
    return counts


def _below(paths: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], ...]:
    tables = [[TOP] * len(paths) for _ in paths]
    for node, path in enumerate(paths):
        for above, child in pairwise(path):
            tables[above][node] = child
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    return tuple(shared.setdefault(table, table) for table in map(tuple, tables))
