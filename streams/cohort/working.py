"""Taking one record after another into a working copy of a population's state."""

from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from types import MappingProxyType

from schemas.errors import RejectedError
from schemas.names import AgencyId, SubjectId
from streams.cohort.batches import Batch
from streams.cohort.records import Arrived, Changed, Fact, Merged, Notice, Record, Resumed, Ticked, Told, Withdrawn
from streams.cohort.rows import Kind, Layout, Place, Row, RowId, Tick
from streams.cohort.state import Awaited, LedgerEntry, State, Step
from streams.cohort.ticking import released

ANY_KIND = Kind("")
BEFORE_TIME = Tick(-1)
"""Rows that come before the first tick count from the first one."""


class InvalidFactError(RejectedError):
    """A fact does not fit the layout of its population."""

    code = "invalid-fact"


def rows_asked(record: Record, layout: Layout) -> list[RowId]:
    """Return the rows that *record* may bring or join."""
    match record:
        case Arrived(facts=facts):
            return [RowId(fact.subject, fact.kind) for fact in facts]
        case Merged(older=older, younger=younger):
            return [RowId(subject, kind) for subject in (older, younger) for kind in layout.kinds]
    return []


class Work:
    """The state while records are taken; nothing outside sees it."""

    def __init__(
        self,
        state: State,
        layout: Layout,
        order_key: bytes,
        mark: Callable[[RowId], bytes],
        spent: Container[bytes],
    ) -> None:
        self.state, self.layout, self.order_key, self.mark = state, layout, order_key, mark
        self.pending = dict(state.pending)
        self.recent = {tick: dict(by_agency) for tick, by_agency in state.recent}
        self._known_spent, self._spent = spent, set[bytes]()
        self.leaving: list[Batch] = []
        self.entries: list[LedgerEntry] = []
        self.notices: list[Notice] = []
        self.place = Place(state.next_position, 0)

    def take(self, record: Record) -> None:
        """Take *record*, unless it was taken before."""
        self.place = Place(record.position, 0)
        if record.position < self.state.next_position:
            self.tell(Told.SEEN_BEFORE)
            return
        match record:
            case Arrived():
                self._arrived(record)
            case Ticked():
                self._ticked(record)
            case Withdrawn(subject=subject, also=also):
                ids = [RowId(each, kind) for each in {subject, *also} for kind in self.layout.kinds]
                for row in ids:
                    self.pending.pop(row, None)
                self.spend(ids)  # nor does what comes later, or came before and was overtaken, bring the person back
            case Merged(older=older, younger=younger):
                self._merged(older, younger)
            case Changed():
                self._changed(record)
            case Resumed():
                self.state = replace(self.state, halted="")
                self.tell(Told.RESUMED)
        self.state = replace(self.state, next_position=record.position + 1)

    def done(self) -> Step:
        """Return what it came to."""
        state = replace(
            self.state,
            pending=MappingProxyType(self.pending),
            recent=tuple((tick, MappingProxyType(by_agency)) for tick, by_agency in sorted(self.recent.items())),
        )
        return Step(state, tuple(self.leaving), tuple(self.entries), frozenset(self._spent), tuple(self.notices))

    def tell(self, told: Told, detail: str = "") -> None:
        """Note something for an operator."""
        self.notices.append(Notice(told, self.place, detail))

    def spend(self, rows: Iterable[RowId]) -> None:
        """Remember that *rows* shall never leave again."""
        self._spent.update(map(self.mark, rows))

    def is_spent(self, row: RowId) -> bool:
        """Return whether *row* shall never leave again."""
        mark = self.mark(row)
        return mark in self._spent or mark in self._known_spent

    def mark_of_person(self, subject: SubjectId) -> bytes:
        """Return what *subject* is remembered by, whatever is told of the person."""
        return self.mark(RowId(subject, ANY_KIND))

    def _arrived(self, record: Arrived) -> None:
        for fact in record.facts:
            self._fits(fact)
        for number, fact in enumerate(record.facts):
            row = RowId(fact.subject, fact.kind)
            if (waiting := self.pending.get(row)) is not None:
                self.pending[row] = replace(waiting, agencies=waiting.agencies | {record.agency})
                self.tell(Told.FACT_REPEATED)
            elif self.is_spent(row):
                self.tell(Told.FACT_REPEATED)
            else:
                self._add(row, fact, record.agency, Place(record.position, number))

    def _add(self, row: RowId, fact: Fact, agency: AgencyId, place: Place) -> None:
        now = BEFORE_TIME if self.state.tick is None else self.state.tick
        self.pending[row] = Row(row, frozenset({agency}), fact.values, fact.sensitive, now, place)
        by_agency = self.recent.setdefault(now, {})
        by_agency[agency] = by_agency.get(agency, 0) + 1

    def _fits(self, fact: Fact) -> None:
        columns = self.layout.kinds.get(fact.kind)
        axes = self.layout.axes
        if columns is None or len(columns) != len(fact.sensitive) or len(axes) != len(fact.values):
            raise InvalidFactError(f"the population {self.layout.population} has no such kind of fact or columns")
        if any(not 0 <= node < len(axis.codes) for axis, node in zip(axes, fact.values, strict=True)):
            raise InvalidFactError(f"a value is on no ladder of the population {self.layout.population}")

    def _merged(self, older: SubjectId, younger: SubjectId) -> None:
        """Join what waits of two subjects; what has left of either has left of both."""
        for kind in self.layout.kinds:
            ids = RowId(older, kind), RowId(younger, kind)
            waiting = [row for each in ids if (row := self.pending.pop(each, None)) is not None]
            if any(map(self.is_spent, ids)):
                self.spend(ids)
            elif waiting:
                earliest = min(waiting, key=lambda row: row.place)
                agencies = frozenset[AgencyId]().union(*(row.agencies for row in waiting))
                self.pending[ids[0]] = replace(earliest, id=ids[0], agencies=agencies)

    def _ticked(self, record: Ticked) -> None:
        if record.ticker < self.state.ticker:
            self.tell(Told.STALE_TICKER)
        elif self.state.tick is not None and record.tick <= self.state.tick:
            self.tell(Told.STALE_TICK)
        else:
            if self.state.tick is None:
                self._starts_at(record.tick)
            elif record.tick > self.state.tick + 1:
                self.tell(Told.TICKS_MISSED)
            self.state = replace(self.state, tick=record.tick, ticker=record.ticker)
            released(self, record.tick)

    def _starts_at(self, tick: Tick) -> None:
        self.pending = {each: replace(row, arrived=tick) for each, row in self.pending.items()}
        self.recent = dict(zip([tick], self.recent.values(), strict=False))

    def _changed(self, record: Changed) -> None:
        if record.layout != self.state.layout:
            self.tell(Told.LADDERS_DIFFER)
            return
        before = self.state.rule
        if self.pending and record.parameters.weaker_than(before):
            rule = record.parameters.together_with(before)
            self.state = replace(self.state, rule=rule, awaited=Awaited(record.parameters, self.place))
            self.tell(Told.RULE_WAITS)
        else:
            self.state = replace(self.state, rule=record.parameters, awaited=None)
            self.tell(Told.RULE_CHANGED)
