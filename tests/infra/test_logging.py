"""Logs: no value of an event reaches them, by whatever way an error comes."""

import io
import json
import logging
import subprocess
import sys
import threading
import warnings

import fastavro
import psycopg
import pytest
import structlog

from infra.logging import ALLOWED, REPEATED_MAX, REPEATED_S, Repeats, configure_logging, described
from schemas.catalogue import contract
from tests.schemas.events import event

SECRET = "canary-5f1c"


def run(code: str) -> str:
    """Return everything that a process prints which logs as the hub's do."""
    prelude = "import asyncio, logging, structlog\nfrom infra.logging import configure_logging\nconfigure_logging()\n"
    done = subprocess.run(
        [sys.executable, "-c", prelude + f"SECRET = {SECRET!r}\n" + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


WAYS = {
    "exc_info": (
        "try:\n    raise ValueError(SECRET)\nexcept ValueError:\n    structlog.get_logger().exception('failed')"
    ),
    "error as exc_info": "structlog.get_logger().error('failed', exc_info=ValueError(SECRET))",
    "error as a tuple": "structlog.get_logger().error('failed', exc_info=(ValueError, ValueError(SECRET), None))",
    "unknown key": "structlog.get_logger().warning('failed', value=SECRET, record={'name': SECRET})",
    "bound key": "structlog.get_logger().bind(name=SECRET).warning('failed')",
    "library exception": (
        "try:\n    raise ValueError(SECRET)\nexcept ValueError:\n    logging.getLogger('aiokafka').exception('failed')"
    ),
    "library argument": "logging.getLogger('mode').error('failed %r', ValueError(SECRET))",
    "library named argument": "logging.getLogger('mode').error('failed %(e)s', {'e': ValueError(SECRET)})",
    "cause": (
        "try:\n    try:\n        raise ValueError(SECRET)\n"
        "    except ValueError as e:\n        raise KeyError(SECRET) from e\n"
        "except KeyError:\n    logging.getLogger('faust').exception('failed')"
    ),
    "debug of a library": "logging.getLogger('aiokafka').debug('failed %s', SECRET)\nlogging.warning('failed')",
    "task that nobody awaits": (
        "async def bad():\n    raise ValueError(SECRET)\n"
        "async def main():\n    asyncio.create_task(bad(), name='failed')\n    await asyncio.sleep(0)\n"
        "    import gc; gc.collect()\nasyncio.run(main())\nlogging.warning('failed')"
    ),
    "loop handler": (
        "async def main():\n    asyncio.get_running_loop().call_exception_handler("
        "{'message': 'failed', 'exception': ValueError(SECRET), 'context': SECRET})\nasyncio.run(main())"
    ),
    "callback": (
        "def bad(value):\n    raise ValueError(value)\n"
        "async def main():\n    asyncio.get_running_loop().call_soon(bad, SECRET)\n    await asyncio.sleep(0)\n"
        "    await asyncio.sleep(0)\nasyncio.run(main())\nlogging.warning('failed')"
    ),
    "thread": (
        "import threading\ndef bad():\n    raise ValueError(SECRET)\n"
        "thread = threading.Thread(target=bad)\nthread.start()\nthread.join()"
    ),
    "error that nobody can catch": (
        "class Bad:\n    def __del__(self):\n        raise ValueError(SECRET)\nBad()\nlogging.warning('failed')"
    ),
    "warning": "import warnings\nwarnings.warn(SECRET)\nlogging.warning('failed')",
    "warning of pydantic": (
        "from pydantic import BaseModel\nclass Model(BaseModel):\n    age: int\n"
        "Model.model_construct(age=SECRET).model_dump_json()\nlogging.warning('failed')"
    ),
    "error of pydantic": "from pydantic import TypeAdapter\nTypeAdapter(int).validate_python(SECRET)",
    "group of errors": "raise ExceptionGroup(SECRET, [ValueError(SECRET)])",
    "note": "error = ValueError(SECRET)\nerror.add_note(SECRET)\nraise error",
    "key that is missing": "{}[SECRET]",
    "address of a request": "import httpx\nhttpx.get(f'http://127.0.0.1:1/{SECRET}')",
    "lines of a library at INFO": "logging.getLogger('httpx').info('GET %s', SECRET)\nlogging.warning('failed')",
    "uncaught": "structlog.get_logger().info('failed')\nraise ValueError(SECRET)",
    "stack info": "logging.getLogger('x').error('failed', stack_info=True)",
}


@pytest.mark.parametrize("way", WAYS)
def test_no_text_of_an_error_and_no_unknown_key_is_printed(way: str) -> None:
    printed = run(WAYS[way])
    assert "failed" in printed or "crashed" in printed
    assert SECRET not in printed


def test_an_error_is_told_by_its_class_and_its_place() -> None:
    printed = run("def place():\n    raise ValueError(SECRET)\ntry:\n    place()\nexcept ValueError as e:\n"
                  "    structlog.get_logger().error('failed', exc_info=e)")  # fmt: skip
    line = json.loads(printed)
    assert line["exception"].startswith("ValueError at <string>:")
    assert line["level"] == "error"


def test_what_fastavro_says_of_a_wrong_record_is_not_told() -> None:
    record = event()
    record["person"]["full_name"] = {"name": SECRET}
    with pytest.raises(ValueError, match=SECRET) as caught:
        fastavro.schemaless_writer(io.BytesIO(), fastavro.parse_schema(contract("PersonIdentified").schema), record)
    assert SECRET not in described(caught.value)


def test_what_postgresql_says_of_a_row_is_not_told() -> None:
    error = psycopg.errors.UniqueViolation(f"duplicate key\nDETAIL:  Key (name)=({SECRET}) already exists.")
    assert SECRET not in described(error)
    assert described(error).startswith("UniqueViolation at")


def test_the_keys_that_may_be_logged_name_no_person() -> None:
    assert not ALLOWED & {"value", "record", "key", "person", "full_name", "subject", "event_id", "case_ref", "content"}


def test_configuring_twice_logs_once() -> None:
    root = logging.getLogger()
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging()
        configure_logging()
        assert len(root.handlers) == 1
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = hooks
        structlog.reset_defaults()


def away(node: int) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", logging.ERROR, "", 0, "Unable connect to node %s", (node,), None)


def test_what_a_library_repeats_is_logged_once_and_later_with_how_often_it_was_said() -> None:
    seconds = 0.0
    repeats = Repeats(lambda: seconds)
    assert [repeats.filter(away(1)) for _ in range(300)] == [True] + [False] * 299
    assert repeats.filter(away(2))
    seconds += REPEATED_S
    again = away(1)
    assert repeats.filter(again)
    assert again.getMessage() == "Unable connect to node 1 (said 299 times more)"


def test_a_record_that_cannot_be_read_is_nobody_elses_trouble() -> None:
    assert Repeats().filter(logging.LogRecord("aiokafka", logging.ERROR, "", 0, "%d", ("one",), None))


def test_what_is_remembered_of_repeats_is_bounded() -> None:
    repeats = Repeats(lambda: 0.0)
    assert all(repeats.filter(away(node)) for node in range(3 * REPEATED_MAX))
    assert len(repeats._said) <= REPEATED_MAX  # noqa: SLF001 - memory is not seen from outside
