"""CASTLE as its paper has it, for comparison: Cao, Carminati, Ferrari, Tan, TDSC 8(3), 2011.

Clusters of rows in the space of the ladders; a row that has waited `delta` rows drives its cluster out, merged until
it has k, or goes with a cluster that left before (reuse), or is suppressed as an outlier. It knows k only.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence

from streams.cohort.axes import Axis

Label = tuple[int, ...]
Out = tuple[int, Label]
"""Number of a row and the label that it leaves with."""


class _Cluster:
    def __init__(self, label: Label) -> None:
        self.label, self.rows = label, OrderedDict[int, Label]()


class Castle:
    """Takes rows one by one and yields those that leave."""

    def __init__(self, axes: Sequence[Axis], *, k: int, delta: int, beta: int = 50, mu: int = 100) -> None:
        self.axes, self.k, self.delta, self.beta = axes, k, delta, beta
        self.open: list[_Cluster] = []
        self.left: deque[Label] = deque(maxlen=beta)
        self.losses: deque[int] = deque(maxlen=mu)
        self.home: OrderedDict[int, _Cluster] = OrderedDict()

    def take(self, number: int, row: Label) -> Iterator[Out]:
        """Take a row; yield what leaves."""
        cluster = self._best(row)
        cluster.label = self._joined(cluster.label, row)
        cluster.rows[number] = row
        self.home[number] = cluster
        if len(self.home) > self.delta:
            yield from self._due(next(iter(self.home)))

    def _best(self, row: Label) -> _Cluster:
        grown = [(self._loss(self._joined(each.label, row)), self._loss(each.label), each) for each in self.open]
        if grown:
            fewest = min(after - before for after, before, _ in grown)
            near = [(after, each) for after, before, each in grown if after - before == fewest]
            tau = sum(self.losses) / len(self.losses) if self.losses else 0
            fitting = [each for after, each in near if after <= tau]
            if fitting:
                return min(fitting, key=lambda each: len(each.rows))
            if len(self.open) >= self.beta:
                return min((each for _, each in near), key=lambda each: len(each.rows))
        self.open.append(_Cluster(row))
        return self.open[-1]

    def _due(self, number: int) -> Iterator[Out]:
        cluster = self.home[number]
        row = cluster.rows[number]
        if len(cluster.rows) < self.k:
            for label in self.left:
                if self._joined(label, row) == label:
                    self._drop(number)
                    yield number, label
                    return
            larger = sum(len(each.rows) > len(cluster.rows) for each in self.open)
            if larger > len(self.open) / 2 or len(self.home) < self.k:
                self._drop(number)
                return
            self._merge(cluster)
        yield from self._out(cluster)

    def _merge(self, cluster: _Cluster) -> None:
        while len(cluster.rows) < self.k:
            others = [each for each in self.open if each is not cluster]
            nearest = min(others, key=lambda each: self._loss(self._joined(each.label, cluster.label)))
            cluster.label = self._joined(nearest.label, cluster.label)
            cluster.rows.update(nearest.rows)
            self.home.update(dict.fromkeys(nearest.rows, cluster))
            self.open.remove(nearest)

    def _out(self, cluster: _Cluster) -> Iterator[Out]:
        self.open.remove(cluster)
        for group in self._split(cluster):
            label = tuple(axis.common([row[at] for _, row in group]) for at, axis in enumerate(self.axes))
            self.left.append(label)
            self.losses.append(self._loss(label))
            for number, _ in group:
                del self.home[number]
                yield number, label

    def _split(self, cluster: _Cluster) -> list[list[tuple[int, Label]]]:
        """Cut a cluster of 2 k or more into groups of k nearest rows, each around its oldest."""
        left, groups = list(cluster.rows.items()), []
        while len(left) >= 2 * self.k:
            first = left[0][1]
            left.sort(key=lambda item: self._loss(self._joined(first, item[1])))
            groups.append(left[: self.k])
            left = sorted(left[self.k :])
        return [*groups, left]

    def _drop(self, number: int) -> None:
        cluster = self.home.pop(number)
        del cluster.rows[number]
        if not cluster.rows:
            self.open.remove(cluster)

    def _joined(self, one: Label, other: Label) -> Label:
        if one == other:
            return one
        return tuple(a if a == b else axis.common((a, b)) for axis, a, b in zip(self.axes, one, other, strict=True))

    def _loss(self, label: Label) -> int:
        return sum(axis.loss[node] for axis, node in zip(self.axes, label, strict=True))
