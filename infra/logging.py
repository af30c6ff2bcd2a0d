"""Logging, configured once: only keys of an allow-list, no locals in tracebacks, no values of events.

Faust logs keys and values at DEBUG, aiokafka logs records of failed batches there: both are pinned above it.
"""

import logging
import math
import re
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

ALLOWED = frozenset({
    "event", "level", "timestamp", "logger", "exception",
    "processor", "projection", "topic", "partition", "offset", "next_offset", "records", "code", "advice", "attempt",
    "from_outbox", "parked", "with_caution", "action",
    "principal", "asked", "given", "part", "state", "pid", "count", "agreements", "control_offset",
})  # fmt: skip
"""A key that is not here does not reach a log: add one only when its values can never be personal."""

PINNED = ("faust", "aiokafka", "mode", "psycopg", "psycopg.pool", "httpx", "httpcore", "asyncio")


def only_allowed_keys(_logger: object, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return *entry* without every key that is not on the allow-list, and with a note of how many went."""
    dropped = [key for key in entry if key not in ALLOWED and not key.startswith("_")]
    for key in dropped:
        del entry[key]
    return entry


def exception_without_text(_logger: object, _name: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by the names of its classes and the places in the code: a message may hold a value."""
    error = entry.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        entry["exception"] = described(error)
    return entry


def described(error: BaseException) -> str:
    """Return the class of *error* and the places in the code that it passed, innermost first; never its text."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' < '.join(reversed(places[-6:]))}"


class _StandardToOneLine(logging.Formatter):
    """Formats records of libraries: the first line of their message, and of an exception its class only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return *record* as text; an exception among its arguments is named by its class.

        asyncio prints the text of an exception on the lines below "Task exception was never retrieved".
        """
        copy = logging.makeLogRecord(record.__dict__)
        copy.args = _without_text(record.args)
        lines = copy.getMessage().splitlines()
        first = lines[0] if lines else ""
        copy.msg, copy.args = _ARGUMENTS.sub("", first) if record.name == "asyncio" else first, ()
        copy.exc_text = copy.stack_info = None
        return super().format(copy)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging names it so
        return described(ei[1]) if ei and ei[1] else ""


class Repeats(logging.Filter):
    """Lets through what a library says, and the same again only after a while, with how often it was said meanwhile.

    aiokafka says several hundred times a second that a broker is away: a night of it would fill the disk.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* is to be logged."""
        try:
            said, now = (record.name, record.getMessage()), self._clock()
        except (TypeError, ValueError, KeyError):  # not ours to report: a handler says so when it cannot write it
            return True
        since, count = self._said.get(said, (-math.inf, 0))
        if now - since < REPEATED_S:
            self._said[said] = since, count + 1
            return False
        if len(self._said) >= REPEATED_MAX:
            self._said.clear()
        self._said[said] = now, 0
        if count:
            record.msg = f"{record.msg} (said {count} times more)"
        return True


REPEATED_S = 30.0
REPEATED_MAX = 1_000
_ARGUMENTS = re.compile(r"[(<].*")
"""What asyncio says of a callback or a task: the values that it was called with among it."""


def _without_text(arguments: Any) -> Any:
    if isinstance(arguments, BaseException):
        return described(arguments)
    if isinstance(arguments, tuple):
        return tuple(_without_text(each) for each in arguments)
    if isinstance(arguments, Mapping):
        return {name: _without_text(each) for name, each in arguments.items()}
    return arguments


def _crashed(_kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """Report what nobody caught as every other exception: Python's own report holds its text."""
    structlog.get_logger().critical("crashed", exc_info=error)


def _crashed_in_thread(arguments: threading.ExceptHookArgs) -> None:
    structlog.get_logger().error("crashed_in_thread", exc_info=arguments.exc_value)


def _not_raised(arguments: "sys.UnraisableHookArgs") -> None:
    structlog.get_logger().error("error_ignored", exc_info=arguments.exc_value)


def _warned(
    message: Warning | str,  # noqa: ARG001 - pydantic's holds the value
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001 - the log is the only place
    line: str | None = None,  # noqa: ARG001 - a line of code
) -> None:
    """Log that a library warns, by the class and the place."""
    place = f"{filename.rsplit('/', 1)[-1]}:{lineno}"
    structlog.get_logger().warning("library_warned", code=category.__name__, exception=place)


def configure_logging(level: int = logging.INFO) -> None:
    """Log JSON lines to standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            exception_without_text,
            only_allowed_keys,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Repeats())
    handler.setFormatter(_StandardToOneLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    sys.excepthook, sys.unraisablehook, threading.excepthook = _crashed, _not_raised, _crashed_in_thread
    warnings.showwarning = _warned
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aiokafka.cluster").setLevel(logging.CRITICAL)  # a topic that is gone: ten lines a second
    for name in PINNED:
        logging.getLogger(name).setLevel(logging.WARNING)
