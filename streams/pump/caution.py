"""Caution: a record at which the whole process dies leaves no error behind, so it is found by its traces in SQL.

1  Each owner that starts on a checkpoint is counted; getting beyond it, or finding nothing to do, sets that to zero.
2  After STARTS_MAX starts without progress records go one by one, each written down before it is tried.
3  One such record at a time in a process: another one that was begun when it died would be suspected as well.
4  A record that was begun TRIES_MAX times and never finished is parked; the rest flows.
"""

from streams.pump.ports import Checkpoint

STARTS_MAX = 3
TRIES_MAX = 3
RECORDS = 1000
"""So many records go one by one before the pump trusts again: as many as a batch holds."""
CODE = "ends-the-process"
ADVICE = "the worker died each time it came to this record: find out why from its log and the system's, then retry"


class Caution:
    """Whether a partition goes on record by record, and which record must not be tried once more."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._left = 0
        self._suspect: int | None = None
        if checkpoint.starts >= STARTS_MAX or checkpoint.trying_offset is not None:
            self._left = RECORDS
        if checkpoint.tried >= TRIES_MAX:
            self._suspect = checkpoint.trying_offset

    @property
    def is_on(self) -> bool:
        """Whether the next record goes by itself."""
        return self._left > 0

    def passed(self) -> None:
        """Note that a record went well."""
        self._left -= 1
        self._suspect = None

    def suspects(self, offset: int) -> bool:
        """Whether the record at *offset* was begun too often already."""
        return offset == self._suspect

    def trust(self) -> None:
        """Stop going one by one: there was nothing left that could be the culprit."""
        self._left = 0
