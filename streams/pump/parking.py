"""Parking: a record that cannot be processed is set aside, later ones of its key queue behind it, the rest flows.

1  A batch that fails is tried again record by record; what fails then is parked with its error, under its key.
2  A later record of a key that waits is parked behind it, untried. A record without a key lets nobody wait.
3  More than RUN_MAX failures in a row, more than FAILED_MAX among the last WINDOW records, or more than OPEN_MAX that
nobody has settled, are a bad deployment and not bad records: the partition halts, and nothing of that batch is parked.
"""

from collections import deque
from collections.abc import Iterable, Sequence

import structlog

from infra.kafka import REQUEST_BYTES_MAX
from schemas.errors import MisuseError, RejectedError, code_of
from streams.pump.ports import Books
from streams.pump.records import Inputs, Output, Parked, Processor, SourceRecord, Transaction
from streams.pump.troubles import NOT_OF_THE_RECORD

log = structlog.get_logger()

RUN_MAX = 50
FAILED_MAX = 100
WINDOW = 1000
OPEN_MAX = 1000
"""Failures of one partition that wait for an operator, without what waits behind them: few at a time add up."""
OUTPUT_BYTES_MAX = REQUEST_BYTES_MAX - 4096
"""A request holds one batch at least, with its own head."""
BEHIND = "behind-parked"


class TooLargeError(RejectedError):
    """An output is larger than the producer may send."""

    code = "output-too-large"


class BadDeploymentError(MisuseError):
    """Record after record fails: the processor is wrong, not the records."""

    code = "too-many-parked"


class Limits:
    """Tells bad records from a bad deployment, by how many of the last records failed."""

    def __init__(self) -> None:
        self._failed: deque[bool] = deque(maxlen=WINDOW)
        self._run = 0

    def copy(self) -> "Limits":
        """Return the same counts, to go on with in an attempt that may be rolled back."""
        other = Limits()
        other._failed, other._run = self._failed.copy(), self._run  # its own kind
        return other

    def passed(self, count: int) -> None:
        """Note that *count* records were processed."""
        if count:
            self._run = 0
            self._failed.extend([False] * min(count, WINDOW))

    def failed(self) -> None:
        """Note that a record failed; raise BadDeploymentError when too many did."""
        self._run += 1
        self._failed.append(True)
        if self._run > RUN_MAX or sum(self._failed) > FAILED_MAX:
            raise BadDeploymentError(
                "record after record fails: undo the last deployment, restart the worker, then `hub parked retry --all`"
            )


class Sequences:
    """Which sequence keys wait, each from the offset of its first parked record, and how many records are parked."""

    def __init__(self) -> None:
        self._first: dict[bytes, int] = {}
        self._without_key = 0
        self.records = 0

    @property
    def failures(self) -> int:
        """How many records are parked for an error of their own, and not behind another one."""
        return len(self._first) + self._without_key

    def load(self, parked: Iterable[tuple[bytes | None, int]]) -> None:
        """Take over what SQL has parked, by offset."""
        self._first, self._without_key, self.records = {}, 0, 0
        for key, offset in parked:
            self.add(key, offset)

    def add(self, key: bytes | None, offset: int) -> None:
        """Let later records of *key* wait behind the one at *offset*."""
        self.records += 1
        if key is None:
            self._without_key += 1
        else:
            # What went well before a crash may fail when it goes again, before a record that is parked already.
            self._first[key] = min(offset, self._first.get(key, offset))

    def waits(self, record: SourceRecord) -> bool:
        """Whether *record* comes after a parked one of its key; those before it go again what a crash took back."""
        first = None if record.key is None else self._first.get(record.key)
        return first is not None and record.offset >= first


class Careful:
    """Runs a processor over batches and parks what it cannot process."""

    def __init__(self, processor: Processor, books: Books, sequences: Sequences) -> None:
        self._processor = processor
        self._books = books
        self._sequences = sequences
        self._limits = self._attempt = Limits()

    def committed(self) -> None:
        """Let the failures of the last attempt count: it is in SQL."""
        self._limits = self._attempt

    async def outputs(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return the outputs of *batch*; the records that cannot be processed are parked in *transaction*."""
        self._attempt = self._limits.copy()
        flowing, queued = batch, list[SourceRecord]()
        if self._sequences.records:
            flowing = [record for record in batch if not self._sequences.waits(record)]
            queued = [record for record in batch if self._sequences.waits(record)]
        outputs: Sequence[Output] = ()
        parked = [_behind(record) for record in queued]
        try:
            async with self._books.savepoint(transaction):
                outputs = await self._processed(flowing, inputs, transaction) if flowing else ()
            self._attempt.passed(len(flowing))
        except NOT_OF_THE_RECORD:
            raise
        except Exception as error:  # noqa: BLE001 - one by one, to find the culprit
            log.warning("batch_split", processor=self._processor.name, code=code_of(error), records=len(flowing))
            outputs, found = await self._one_by_one(flowing, inputs, transaction)
            parked += found
        await self._books.park(transaction, parked)
        self._sequences.records += len(queued)
        return outputs

    async def one(
        self, record: SourceRecord, inputs: Inputs, transaction: Transaction, *, discard: bool = False
    ) -> Sequence[Output] | Parked:
        """Return the outputs of one record, or of its *discard*, or why it stays parked; then nothing is left."""
        try:
            async with self._books.savepoint(transaction):
                if discard:
                    return _sized(await self._processor.discard(record, inputs, transaction))
                return await self._processed([record], inputs, transaction)
        except NOT_OF_THE_RECORD:
            raise
        except Exception as error:
            advice = str(error) if isinstance(error, RejectedError) else "an error of the hub; see its log"
            log.exception("record_failed", processor=self._processor.name, offset=record.offset, code=code_of(error))
            return Parked(offset=record.offset, key=record.key, code=code_of(error), advice=advice)

    async def set_aside(self, record: SourceRecord, code: str, advice: str, transaction: Transaction) -> None:
        """Park *record* without trying it."""
        parked = Parked(offset=record.offset, key=record.key, code=code, advice=advice)
        await self._books.park(transaction, [parked])
        self._sequences.add(record.key, record.offset)

    async def _processed(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        return _sized(await self._processor.process(batch, inputs, transaction))

    async def _one_by_one(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> tuple[Sequence[Output], list[Parked]]:
        outputs: list[Output] = []
        parked: list[Parked] = []
        for record in batch:
            if self._sequences.waits(record):
                found: Sequence[Output] | Parked = _behind(record)
            else:
                found = await self.one(record, inputs, transaction)
                if isinstance(found, Parked):
                    self._attempt.failed()
                    if self._sequences.failures >= OPEN_MAX:
                        raise BadDeploymentError(
                            "too many records wait that could not be processed: find out why (`hub parked summary`), "
                            "put it right, restart the worker, then `hub parked retry --all`"
                        )
                else:
                    self._attempt.passed(1)
            if isinstance(found, Parked):
                parked.append(found)
                self._sequences.add(record.key, record.offset)
            else:
                outputs += found
        return outputs, parked


def _sized(outputs: Sequence[Output]) -> Sequence[Output]:
    for output in outputs:
        if output.size_bytes > OUTPUT_BYTES_MAX:
            raise TooLargeError(f"an output for {output.topic} is larger than a message may be")
    return outputs


def _behind(record: SourceRecord) -> Parked:
    advice = "waits for an earlier record of its case"
    return Parked(offset=record.offset, key=record.key, code=BEHIND, advice=advice)
