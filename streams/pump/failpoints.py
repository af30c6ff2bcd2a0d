"""Places where a test lets the worker die, as a power cut would; nothing happens unless HUB_FAILPOINT names one.

HUB_FAILPOINT=intake:after-sql-commit:2     die when intake gets there for the second time
HUB_FAILPOINT=release:at-ledger-3@17:1      die whenever release comes to the record at offset 17 of ledger-3
"""

import os
from collections.abc import Sequence
from typing import Literal

from streams.pump.records import SourceRecord

Moment = Literal["after-poll", "after-sql-commit", "after-produce", "before-kafka-commit", "after-kafka-commit"]
RETRIED_IN_SQL = "retried-in-sql"
"""A retry is in SQL and not in Kafka yet."""

EXIT_CODE = 86
_armed = os.environ.get("HUB_FAILPOINT", "")
_times_left = int(_armed.rpartition(":")[2]) if _armed else 0


def reached(processor: str, moment: Moment | str) -> None:
    """End the process at once, with nothing flushed or closed, when this is the moment that was asked for."""
    global _times_left  # noqa: PLW0603 - one process dies once
    if not _armed or _armed.rpartition(":")[0] != f"{processor}:{moment}":
        return
    _times_left -= 1
    if _times_left == 0:
        os._exit(EXIT_CODE)


def reached_records(processor: str, batch: Sequence[SourceRecord]) -> None:
    """End the process when *batch* holds the record that was asked for."""
    if _armed:
        for record in batch:
            reached(processor, f"at-{record.topic}-{record.partition}@{record.offset}")
