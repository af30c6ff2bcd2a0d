"""What a contender of `pump.py` is told and what it answers; needs nothing but Python.

It gets its task as JSON on standard input, since arguments are open to every user of the machine and the task holds a
password, and answers with one line of JSON.

The span that counts begins when the contender's own code sees the first record and ends when everything that it made of
the last one is acknowledged and its offsets are committed. So neither the start of an interpreter nor the joining of a
group is counted as work. CPU time is user and system time of the whole process, threads of client libraries included.
"""

import json
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

BATCH = 1000
POLL_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Task:
    """One run of one contender."""

    name: str
    """Of the contender in this round: the name of its group, and of whatever else has to be its own."""
    source: str
    routes: Mapping[str, str]
    """Output topic of each route."""
    partitions: int
    events: int
    schemas: Mapping[int, Mapping[str, Any]] = field(repr=False)
    derived_id: int
    secret: str = field(repr=False)
    bootstrap: str
    user: str
    password: str = field(repr=False)
    ca_file: str

    @classmethod
    def given(cls) -> Self:
        """Return the task on standard input."""
        found = json.load(sys.stdin)
        schemas = {int(number): schema for number, schema in found.pop("schemas").items()}
        return cls(schemas=schemas, **found)

    @property
    def group(self) -> str:
        """Return the consumer group of the run."""
        return f"{self.user}.bench.{self.name}"

    def librdkafka(self) -> dict[str, Any]:
        """Return how a client on librdkafka connects."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": self.user,
            "sasl.password": self.password,
            "ssl.ca.location": self.ca_file,
        }


class Span:
    """From the first record to the last: how long it took, and what it cost this process."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None
        self._ended = (0.0, 0.0)

    def begin(self) -> None:
        """Say that a record is there; only the first time counts."""
        if self._began is None:
            self._began = _moment()

    def end(self) -> None:
        """Say that what was there until now is done; the last time counts."""
        self._ended = _moment()

    def taken(self) -> tuple[float, float]:
        """Return seconds on the clock and of CPU time."""
        assert self._began is not None, "nothing was read"
        return self._ended[0] - self._began[0], self._ended[1] - self._began[1]

    def answer(self, seen: int, **more: float) -> None:
        """Print what it came to."""
        wall_s, cpu_s = self.taken()
        found = {
            "seen": seen,
            "wall_s": wall_s,
            "cpu_s": cpu_s,
            "peak_memory_mb": peak_memory_mb(),
            **more,
        }
        print(json.dumps(found), flush=True)


def peak_memory_mb() -> float:
    """Return the most memory that this program held; what its parent held before is not its own."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _moment() -> tuple[float, float]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), used.ru_utime + used.ru_stime
