"""The clocks as data: hours until a warning and until a breach, by event type and step, and of answers."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from infra.topology.answers import Answers, problems_of_answers
from infra.topology.limits import EVERY_OTHER, Limit
from infra.topology.load import InvalidTopologyError
from infra.topology.model import STRICT
from schemas.catalogue import contracts
from schemas.errors import MisuseError, Problem

RECALLED = "Recalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """The limits of some event types, and where they come from."""

    __pydantic_config__ = STRICT
    event_types: tuple[str, ...]
    source: str
    relay: Limit
    delivery: Limit
    retrieval: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksFile:
    """The form of clocks.toml."""

    __pydantic_config__ = STRICT
    clocks: tuple[Clocks, ...]
    answers: tuple[Answers, ...] = ()

    def of(self, event_type: str) -> Clocks:
        """Return the clocks of *event_type*; a type of a later version has those of all others."""
        named = next((each for each in self.clocks if event_type in each.event_types), None)
        return named or next(each for each in self.clocks if EVERY_OTHER in each.event_types)


def load_clocks(path: Path | None = None) -> ClocksFile:
    """Return the clocks at *path* (default: this package's); raise InvalidTopologyError with all problems."""
    source = Path(str(files("infra.topology"))) / "clocks.toml" if path is None else path
    try:
        form = TypeAdapter(ClocksFile).validate_python(tomllib.loads(source.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise MisuseError(f"no clocks at {source}; give the path of a clocks.toml") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidTopologyError((Problem(source.name, "unreadable", str(error)),)) from None
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        raise InvalidTopologyError(
            tuple(Problem(f"{source.name}:{'.'.join(map(str, each['loc']))}", "form", each["msg"]) for each in wrong)
        ) from None
    if problems := tuple(problems_of(form)):
        raise InvalidTopologyError(problems)
    return form


def problems_of(form: ClocksFile) -> Iterator[Problem]:
    """Yield everything that is wrong with *form*: unknown or repeated event types, limits out of order."""
    named = Counter(name for each in form.clocks for name in each.event_types)
    known = {contract.name for contract in contracts()} | {RECALLED, EVERY_OTHER}
    for name, times in named.items():
        if name not in known:
            yield Problem("clocks", "known-contracts", "name only event types of the catalogue, `Recalled`, or `*`")
        if times > 1:
            yield Problem(f"clocks.{name}", "one-clock", "name each event type once")
    if EVERY_OTHER not in named:
        yield Problem("clocks", "every-event-type", "add a clock for `*`, which counts for all others")
    for number, each in enumerate(form.clocks):
        if not each.source.strip():
            yield Problem(f"clocks[{number}].source", "has-source", "say where the hours come from")
        for step, limit in (("relay", each.relay), ("delivery", each.delivery), ("retrieval", each.retrieval)):
            if not limit.in_order:
                yield Problem(f"clocks[{number}].{step}", "in-order", "warn after more than nothing, before the breach")
        if each.delivery.breach_hours > each.retrieval.breach_hours:
            yield Problem(f"clocks[{number}]", "in-order", "nothing is retrieved before it is delivered")
    yield from problems_of_answers(form.answers)
