"""Where CPU time goes: looks at the stack every so often, by the CPU clock of the process, and slows nothing down.

Unlike cProfile it adds nothing to a call, so that code of many small calls is not blamed for being watched. A sample
counts for the innermost place that a rule names; time inside a library counts for the line of ours that called it.
"""

import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

PERIOD_S = 0.001
PROJECT = Path(__file__).resolve().parents[1]
ROOMS = ("schemas", "infra", "streams")
OTHER = "the rest: event loop, connection pool, dispatch"
Place = tuple[str, str, int]
"""File within the project, function, line."""


class Sampler:
    """Samples the main thread while a block runs."""

    def __init__(self) -> None:
        self.stacks: Counter[tuple[Place, ...]] = Counter()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take samples while the block runs."""
        before = signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, PERIOD_S, PERIOD_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        stack = []
        while frame is not None:
            stack.append((frame.f_code.co_filename, frame.f_code.co_name, frame.f_lineno))
            frame = frame.f_back
        self.stacks[tuple(stack)] += 1

    @property
    def samples(self) -> int:
        """How many looks there were."""
        return self.stacks.total()

    def ours(self) -> Iterator[tuple[tuple[Place, ...], int]]:
        """Yield each stack as far as it is ours, innermost first, with how often it was seen."""
        for stack, count in self.stacks.items():
            yield tuple(place for found in stack if (place := _own(found)) is not None), count


def stages(sampler: Sampler, rules: Sequence[tuple[str, str, str]]) -> Mapping[str, float]:
    """Return the share of each stage; *rules* are (beginning of a file, function or "", stage)."""
    found: Counter[str] = Counter()
    for stack, count in sampler.ours():
        found[next((stage for place in stack if (stage := _stage(place, rules))), OTHER)] += count
    return {stage: count / sampler.samples for stage, count in found.most_common()}


def lines(sampler: Sampler, most: int) -> list[tuple[str, float]]:
    """Return the *most* costly lines, as `file:line function`, each with its share; what they call in libraries too."""
    found: Counter[str] = Counter()
    for stack, count in sampler.ours():
        if stack:
            file, function, line = stack[0]
            found[f"{file}:{line} {function}"] += count
    return [(where, count / sampler.samples) for where, count in found.most_common(most)]


def functions(sampler: Sampler, most: int) -> list[tuple[str, float]]:
    """Return the *most* costly functions with all that they call, each with its share."""
    found: Counter[str] = Counter()
    for stack, count in sampler.ours():
        for where in {f"{file} {function}" for file, function, _ in stack}:
            found[where] += count
    return [(where, count / sampler.samples) for where, count in found.most_common(most)]


def _stage(place: Place, rules: Sequence[tuple[str, str, str]]) -> str | None:
    file, function, _ = place
    return next((stage for begin, name, stage in rules if file.startswith(begin) and name in ("", function)), None)


def _own(found: Place) -> Place | None:
    """Return *found* relative to the project; None for a file that is not in a room of it."""
    file, function, line = found
    if not file.startswith(str(PROJECT)):
        return None
    own = Path(file).relative_to(PROJECT)
    return (own.as_posix(), function, line) if own.parts[0] in ROOMS else None
