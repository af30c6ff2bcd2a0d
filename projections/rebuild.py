"""Building generations beside the live ones: from the beginning of the topics, compared row by row, then switched to.

Rule 1: the live generation is read and never written. Readers see it until the switch.
Rule 2: when the live one is of the same code, the new one is brought exactly to where a snapshot of the live one is,
        while events flow, and must equal it row by row. If it does not, nobody switches by itself.
Rule 3: a build that was interrupted, killed or stopped by an event is continued by the same command.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import psycopg
from confluent_kafka import Consumer

from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.topology.model import Topology, load_topology
from projections import logs, switching
from projections.building import Failure, Lane
from projections.catalogue import projection as in_catalogue
from projections.comparing import Difference, compare
from projections.crew import Crew, crew
from projections.generations import (
    OWNER,
    Connection,
    Generation,
    checkpoints,
    create,
    drop,
    expect_fits,
    generations,
    held,
    in_state,
    note,
    owner_of,
)
from projections.logs import Partition, Vector
from projections.projection import Projection
from projections.status import partitions_of
from schemas.errors import MisuseError, UnavailableError

NEAR_RECORDS = 5_000
"""So few records behind the live one, the snapshot is taken."""
ROUNDS_MAX = 20
LIVE_WAIT_S = 30.0
PROCESSES_MAX = 2

Report = Callable[[str, int, int], None]
"""Called with what is done, how many records are done of it, and how many there are."""


class RebuildFailedError(MisuseError):
    """An event stopped a generation that was being built."""

    code = "rebuild-failed"


class LiveBehindError(UnavailableError):
    """The live generation does not get to where the new one is, so they cannot be compared."""

    code = "live-behind"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a build."""

    projection: str
    generation: int
    state: str
    """switched, different, built (as of a past time) or failed."""
    compared: tuple[Difference, ...] = ()
    """Empty when there was nothing to compare with."""
    failure: Failure | None = None


@dataclass(kw_only=True)
class Workshop:
    """What builds and switches are made with: held by one command at a time for each projection."""

    home: Home
    owner: Connection
    crew: Crew
    topology: Topology
    report: Report
    logs: Consumer
    records: int = 0
    """Read in all builds."""
    _failed: dict[str, Failure] = field(default_factory=dict)

    def rebuild(self, projections: Sequence[Projection], *, anew: bool = False) -> tuple[Outcome, ...]:
        """Build a new generation of each of *projections* and switch to those that equal the live one."""
        news = {each: self._begun(each, anew=anew) for each in projections}
        self._bring("folding", news, self._to_live)
        outcomes = {each: self._judged(each, new) for each, new in news.items()}
        equal = {each: new for each, new in news.items() if outcomes[each].state == "equal"}
        self._bring("catching up", equal, self._to_end)
        for projection, new in equal.items():
            outcomes[projection] = self._switched(projection, new, outcomes[projection])
        return tuple(outcomes.values())

    def build_as_of(self, projection: Projection, vector: Vector) -> Outcome:
        """Build *projection* as it was when its topics ended at *vector*; nobody ever switches to it."""
        bounds: dict[str, dict[str, int]] = {}
        for (topic, number), end in sorted(vector.items()):
            bounds.setdefault(topic, {})[str(number)] = end
        same = [
            each
            for each in generations(self.owner, projection.name)
            if each.bounds == bounds and each.fingerprint == projection.fingerprint
        ]
        new = same[-1] if same else create(self.owner, projection, "as-of", bounds)
        note(self.owner, new, "as-of")
        self._fold("folding", {projection: (new, vector)})
        state = "failed" if projection.name in self._failed else "built"
        failure = self._failed.get(projection.name)
        return Outcome(projection=projection.name, generation=new.number, state=state, failure=failure)

    def switch_to(self, projection: Projection, new: Generation) -> None:
        """Bring *new* to the end of its topics and let readers see it; raises RebuildFailedError."""
        expect_fits(projection, new)
        self._bring("catching up", {projection: new}, self._to_end)
        self._expect_whole(projection)

        def catch_up(live: Vector) -> None:
            ends = {place: end for place, (_, end) in self._bounds(projection).items()}
            there = {place: min(at, ends[place]) for place, at in live.items() if place in ends}
            self._fold("switching", {projection: (new, there)})
            self._expect_whole(projection)

        try:
            switching.switch(self.owner, new, catch_up)
        except RebuildFailedError:
            self._fail(self._failed[projection.name])  # what was noted in the transaction is undone
            raise

    def _expect_whole(self, projection: Projection) -> None:
        if (failure := self._failed.get(projection.name)) is not None:
            raise RebuildFailedError(f"{projection.name}: {failure.code}: {failure.advice}")

    def _begun(self, projection: Projection, *, anew: bool) -> Generation:
        """Return the build that was left unfinished, of the same code, or a new one."""
        for left in generations(self.owner, projection.name):
            if left.state in ("building", "failed") and left.bounds is None:
                if left.fingerprint == projection.fingerprint and not anew:
                    note(self.owner, left, "building")
                    return left
                drop(self.owner, left)
        return create(self.owner, projection, "building")

    def _judged(self, projection: Projection, new: Generation) -> Outcome:
        """Return whether *new* is whole, and equals the live one where there is one to compare with."""
        compared: tuple[Difference, ...] = ()
        live = self._comparable(projection)
        if projection.name not in self._failed and live is not None:
            compared = self._compared(projection, live, new)
        outcome = Outcome(projection=projection.name, generation=new.number, state="equal", compared=compared)
        if (failure := self._failed.get(projection.name)) is not None:
            return replace(outcome, state="failed", failure=failure)
        if all(each.is_equal for each in compared):
            return outcome
        advice = f"it differs from the live one; `hub projection switch {projection.name}` switches all the same"
        note(self.owner, new, "building", "generations-differ", advice)
        return replace(outcome, state="different")

    def _switched(self, projection: Projection, new: Generation, outcome: Outcome) -> Outcome:
        try:
            self.switch_to(projection, new)
        except RebuildFailedError:
            return replace(outcome, state="failed", failure=self._failed[projection.name])
        return replace(outcome, state="switched")

    def _compared(self, projection: Projection, live: Generation, new: Generation) -> tuple[Difference, ...]:
        """Compare every table at one and the same vector of offsets, while events flow."""
        self._await_live(projection, live, new)
        with _snapshot(self.home) as snapshot:
            vector = checkpoints(snapshot, live)  # the first statement: what follows sees the tables as of this
            self._fold("comparing", {projection: (new, vector)})
            if projection.name in self._failed:
                return ()
            out = []
            for number, table in enumerate(projection.tables):
                self.report(f"comparing {table.name}", number, len(projection.tables))
                out.append(compare(snapshot, live, self.owner, new, table))
            return tuple(out)

    def _await_live(self, projection: Projection, live: Generation, new: Generation) -> None:
        """Wait until the live one is nowhere behind the new one, which an earlier attempt may have brought further."""
        deadline = time.monotonic() + LIVE_WAIT_S
        while True:
            reached, at = checkpoints(self.owner, live), checkpoints(self.owner, new)
            beginnings = {place: begin for place, (begin, _) in self._bounds(projection).items()}
            if all(reached.get(place, beginnings.get(place, 0)) >= offset for place, offset in at.items()):
                return
            if time.monotonic() > deadline:
                raise LiveBehindError(
                    f"the live generation of {projection.name} is behind the new one and does not get on: start a "
                    f"worker, or switch without a comparison with `hub projection switch {projection.name}`"
                )
            time.sleep(0.5)

    def _comparable(self, projection: Projection) -> Generation | None:
        """Return the live generation when it is of this code and speaks of this log."""
        live = in_state(self.owner, projection.name, "live")
        if live is None or live.fingerprint != projection.fingerprint:
            return None
        bounds, reached = self._bounds(projection), checkpoints(self.owner, live)
        return live if all(p in bounds and bounds[p][0] <= at <= bounds[p][1] for p, at in reached.items()) else None

    def _to_live(self, projection: Projection) -> Vector:
        """Return where a new generation is to get first: to the live one, so that they can be compared, or the end."""
        live = self._comparable(projection)
        bounds = self._bounds(projection)
        if live is None:
            return {place: end for place, (_, end) in bounds.items()}
        reached = checkpoints(self.owner, live)
        return {place: reached.get(place, begin) for place, (begin, _) in bounds.items()}

    def _to_end(self, projection: Projection) -> Vector:
        return {place: end for place, (_, end) in self._bounds(projection).items()}

    def _bring(self, doing: str, news: Mapping[Projection, Generation], target: Callable[[Projection], Vector]) -> None:
        """Fold *news* to their targets, which move on meanwhile, until what is missing is little."""
        for _ in range(ROUNDS_MAX):
            targets = {each: (new, target(each)) for each, new in news.items() if each.name not in self._failed}
            if self._fold(doing, targets) <= NEAR_RECORDS:
                return

    def _fold(self, doing: str, targets: Mapping[Projection, tuple[Generation, Vector]]) -> int:
        """Fold generations exactly to vectors; return how many records that were about."""
        work: dict[Partition, list[Lane]] = {}
        records: dict[Partition, int] = {}
        for projection, (new, vector) in targets.items():
            bounds, reached = self._bounds(projection), checkpoints(self.owner, new)
            for place, until in vector.items():
                missing = until - reached.get(place, bounds[place][0])
                if missing > 0 or place not in reached:
                    lane = Lane(projection=projection.name, generation=new.number, until=until)
                    work.setdefault(place, []).append(lane)
                    records[place] = max(records.get(place, 0), missing)
        total, done = sum(records.values()), 0
        self.report(doing, 0, total)

        def told(several: int, offsets: int) -> None:
            nonlocal done
            done, self.records = done + offsets, self.records + several
            self.report(doing, done, total)

        for failure in self.crew.fold(work, records, told):
            self._fail(failure)
        return total

    def _fail(self, failure: Failure) -> None:
        self._failed.setdefault(failure.projection, failure)
        known = generations(self.owner, failure.projection)
        for each in (g for g in known if g.number == failure.generation and g.is_folded):  # no previous one
            note(self.owner, each, "failed", failure.code, failure.advice)

    def _bounds(self, projection: Projection) -> Mapping[Partition, tuple[int, int]]:
        return logs.bounds_by(self.logs, partitions_of(projection, self.topology))


@contextmanager
def workshop(
    home: Home,
    projections: Sequence[Projection],
    report: Report,
    *,
    processes: int | None = None,
    topology: Topology | None = None,
    principal: str = logs.PRINCIPAL,
    find: Callable[[str], Projection] = in_catalogue,
) -> Iterator[Workshop]:
    """Yield a workshop that holds *projections*; raises BusyProjectionError when another command has one of them."""
    known = topology or load_topology()
    several = processes if processes is not None else min(PROCESSES_MAX, os.cpu_count() or 1)
    with owner_of(home) as owner, ExitStack() as stack:
        for each in sorted(projections, key=lambda each: each.name):
            stack.enter_context(held(owner, each.name))
        made = stack.enter_context(crew(home, several, topology=known, principal=principal, find=find))
        consumer = logs.consumer_of(home, principal)
        stack.callback(consumer.close)
        yield Workshop(home=home, owner=owner, crew=made, topology=known, report=report, logs=consumer)


@contextmanager
def _snapshot(home: Home) -> Iterator[Connection]:
    """Yield a connection in a transaction that sees the database as of its first statement."""
    try:
        with psycopg.connect(home.dsn(OWNER), connect_timeout=3) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(
            f"PostgreSQL does not answer ({type(error).__name__}); give the same command again"
        ) from None
