"""An import from the first row to the last: read, map, send, answer, write down, batch after batch."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from connectors.importing.journal import Journal
from connectors.importing.mapper import Mapper
from connectors.importing.mappings import LoadedMapping, parameters_for
from connectors.importing.opening import digest_of, open_rows
from connectors.importing.refused import RefusedRows, digest_of_refused
from connectors.importing.rows import BadFileError, Row, Rows
from connectors.importing.sinks import Sink
from connectors.importing.spec import Plain
from connectors.importing.tally import Pending, Tally
from connectors.importing.unique import CONFLICT, Repeated, repeated_rows

BATCH_ROWS = 2_000
BATCHES_AHEAD = 1
"""Batches that are on their way while the next one is mapped: the hub never waits for the file."""
Advance = Callable[[int, int], None]
"""Told how far the import is, and how far there is to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What shall be imported, and how."""

    file: Path
    mapping: LoadedMapping
    agency: str
    key: bytes = field(repr=False)
    given: dict[str, str] = field(default_factory=dict)
    """Parameters of the mapping."""
    encoding: str | None = None
    sheet: str | None = None
    limit: int | None = None

    def parameters(self) -> dict[str, Plain]:
        """Return all parameters of the mapping."""
        return parameters_for(self.mapping.spec, self.given)

    def rows(self) -> Rows:
        """Open the file."""
        return open_rows(self.file, self.mapping, encoding=self.encoding, sheet=self.sheet)


@dataclass(slots=True, kw_only=True)
class Opened:
    """A file that fits its mapping."""

    job: Job
    rows: Rows
    mapper: Mapper
    digest: str
    repeated: Repeated | None


def opened(job: Job, advance: Callable[[int], None] = lambda _bytes: None) -> Opened:
    """Open the file of *job* and read it once: for its digest, and for rows that repeat or contradict others."""
    parameters = job.parameters()
    rows = job.rows()
    unique = job.mapping.spec.unique
    repeated = repeated_rows(unique, job.rows(), job.mapping.spec.file.missing) if unique else None
    digest = digest_of(job.file, advance)
    mapper = Mapper(job.mapping.spec, rows.columns, agency=job.agency, key=job.key, file=digest, parameters=parameters)
    return Opened(job=job, rows=rows, mapper=mapper, digest=digest, repeated=repeated)


async def run(
    work: Opened,
    sink: Sink,
    refused: RefusedRows,
    journal: Journal | None,
    advance: Advance = lambda _done, _total: None,
) -> Tally:
    """Import the rows of *work* from where *journal* stopped; return what became of all of them.

    What was answered is in the journal batch by batch; an error leaves it where the next run goes on.
    """
    tally = Tally.of(journal.counts) if journal else Tally()
    source = iter(work.rows)
    _pass_over(source, work, tally.total)
    read = 0
    on_the_way: deque[list[Pending]] = deque()
    while True:
        batch = _batch(source, work, _room(work.job.limit, read))
        read += len(batch)
        if batch:
            await sink.send(_to_send(batch))
            on_the_way.append(batch)
        if not on_the_way:
            break
        if len(on_the_way) > BATCHES_AHEAD or not batch:
            settled = on_the_way.popleft()
            await sink.settle(_to_send(settled))
            _write_down(settled, tally, refused, journal)
            advance(work.rows.done, work.rows.total)
    if tally.total == 0:
        raise BadFileError("the file has a header and no row")
    tally.repaired.update(work.rows.repairs)
    if work.repeated:
        tally.reported.update({"same-row": work.repeated.same_rows, "conflicting-key": len(work.repeated.conflicts)})
    if journal and (work.job.limit is None or read < work.job.limit):
        journal.state, journal.refused_digest = "done", digest_of_refused(refused.path)
        journal.save()
    return tally


def _to_send(batch: list[Pending]) -> list[Pending]:
    return [pending for pending in batch if not pending.mapped.faults and not pending.is_repeated]


def _write_down(batch: list[Pending], tally: Tally, refused: RefusedRows, journal: Journal | None) -> None:
    """Count the rows of *batch*, keep the refused ones, and note in the journal that they are done."""
    for pending in batch:
        tally.add(pending)
        if pending.faults:
            refused.add(pending.row, pending.faults)
        elif not pending.is_repeated:
            tally.events.update(str(event["event_type"]) for _, event in pending.mapped.events)
    if journal:
        refused.flush()
        journal.rows, journal.refused_bytes, journal.counts = tally.total, refused.size, tally.stored()
        journal.save()


def _room(limit: int | None, read: int) -> int:
    return BATCH_ROWS if limit is None else min(BATCH_ROWS, limit - read)


def _batch(source: Iterator[Row], work: Opened, size: int) -> list[Pending]:
    batch: list[Pending] = []
    while len(batch) < size and (row := next(source, None)) is not None:
        mapped = work.mapper.map(row)
        pending = Pending(row=row, mapped=mapped, faults=[*mapped.faults])
        if work.repeated and row.fault is None:
            verdict = work.repeated.verdict(mapped.cells)
            pending.is_repeated = verdict == "same"
            if verdict == "conflict":
                mapped.faults.append(CONFLICT)
                pending.faults.append(CONFLICT)
        batch.append(pending)
    return batch


def _pass_over(source: Iterator[Row], work: Opened, number: int) -> None:
    """Read *number* rows that an interrupted import has brought in."""
    for _ in range(number):
        row = next(source, None)
        if row is not None and work.repeated and row.fault is None:
            work.repeated.verdict(work.mapper.cells_of(row))
