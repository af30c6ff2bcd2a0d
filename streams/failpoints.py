"""Places where a test lets the worker die, as a power cut would; nothing happens unless HUB_FAILPOINT names one.

HUB_FAILPOINT=intake:after-sql-commit:2     die when intake gets there for the second time
"""

import os
from typing import Literal

Moment = Literal["after-poll", "after-sql-commit", "before-kafka-commit", "after-kafka-commit"]

EXIT_CODE = 86
_armed = os.environ.get("HUB_FAILPOINT", "")
_times_left = int(_armed.rpartition(":")[2]) if _armed else 0


def reached(processor: str, moment: Moment) -> None:
    """End the process at once, with nothing flushed or closed, when this is the moment that was asked for."""
    global _times_left  # noqa: PLW0603 - one process dies once
    if not _armed or _armed.rpartition(":")[0] != f"{processor}:{moment}":
        return
    _times_left -= 1
    if _times_left == 0:
        os._exit(EXIT_CODE)
