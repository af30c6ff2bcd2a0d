"""What an operator sees of the populations, and how the rule of one is changed or its release resumed."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg

from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.kafka import append
from infra.operator import operator_name
from infra.topology.credentials import Credentials
from infra.topology.model import Topology
from schemas.codec import Codec, Record
from schemas.errors import MisuseError
from schemas.names import TopicName
from streams.cohort import saved
from streams.cohort.parameters import Parameters, admit
from streams.cohort.populations import prepared
from streams.hub_records import hub_output

CONTROL = "hub-control"


class UnknownPopulationError(MisuseError):
    """No population has this name."""

    code = "unknown-population"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One population as an operator sees it; counts of rows, never of whom."""

    population: str
    tick: int | None
    rule: Parameters
    awaited: Parameters | None
    halted: str
    waiting: int
    persons: int
    ticks: int
    """Since the first one."""
    batches: int
    released: int
    smallest: int | None
    suppressed: int
    notices: tuple[tuple[str, str, int], ...]
    """What was told, its detail, how often."""

    def as_object(self) -> Mapping[str, object]:
        """Return it for a script."""
        return {
            "population": self.population,
            "tick": self.tick,
            "state": "halted" if self.halted else "running",
            "broken_rules": self.halted.split(",") if self.halted else [],
            "rule": saved.rule_to_json(self.rule),
            "rule_hash": self.rule.hash,
            "awaited_rule_hash": None if self.awaited is None else self.awaited.hash,
            "waiting_rows": self.waiting,
            "batches": self.batches,
            "released_rows": self.released,
            "smallest_class_persons": self.smallest,
            "suppressed_rows": self.suppressed,
            "notices": [{"told": told, "detail": detail, "times": times} for told, detail, times in self.notices],
        }


def watched(home: Home, topology: Topology) -> tuple[Watched, ...]:
    """Return every population of *topology*; raise DatabaseUnavailableError."""
    try:
        with psycopg.connect(home.dsn("hub_streams"), connect_timeout=3) as connection:
            return tuple(_watched(connection, each.id, prepared(topology, each).rule) for each in topology.populations)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"PostgreSQL does not answer ({type(error).__name__}); run `hub up`") from None


def _watched(connection: "psycopg.Connection[tuple[Any, ...]]", name: str, first: Parameters) -> Watched:
    row = connection.execute(
        "SELECT tick, rule, awaited, halted, suppressed, first_tick FROM streams.cohort WHERE population = %s", (name,)
    ).fetchone()
    tick, rule, awaited, halted, suppressed, first_tick = row or (None, None, None, "", None, None)
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM streams.cohort_row WHERE population = %(name)s), "
        "(SELECT count(*) FROM streams.cohort_person WHERE population = %(name)s), "
        "count(*), coalesce(sum(persons), 0)::bigint, min(smallest) "
        "FROM streams.cohort_entry WHERE population = %(name)s",
        {"name": name},
    ).fetchone()
    waiting, persons, batches, released, smallest = counts or (0, 0, 0, 0, None)
    notices = connection.execute(
        "SELECT told, detail, times FROM streams.cohort_notice WHERE population = %s ORDER BY told, detail", (name,)
    ).fetchall()
    waits = saved.awaited_of(awaited)
    return Watched(
        population=name,
        tick=tick,
        rule=first if rule is None else saved.rule_of(rule),
        awaited=None if waits is None else waits.parameters,
        halted=halted,
        waiting=waiting,
        persons=persons,
        ticks=0 if tick is None or first_tick is None else tick - first_tick + 1,
        batches=batches,
        released=released,
        smallest=smallest,
        suppressed=0 if suppressed is None else saved.steps_of(suppressed).told,
        notices=tuple((str(told), str(detail), int(times)) for told, detail, times in notices),
    )


def change_rule(home: Home, topology: Topology, codec: Codec, population: str, wanted: Mapping[str, int]) -> Parameters:
    """Write that *population* shall be released by its rule with *wanted* changes, and return the new rule.

    Raises UnknownPopulationError, ThinStreamError when too few persons come for the deadline, MisuseError for no rule.
    """
    now = _one(watched(home, topology), population)
    rule = saved.rule_of({**saved.rule_to_json(now.rule), **wanted})
    if now.ticks:
        admit(rule, now.persons, now.ticks)
    layout = next(prepared(topology, each).layout for each in topology.populations if each.id == population)
    content: Record = {
        "population": population,
        "rule": json.dumps(saved.rule_to_json(rule), sort_keys=True),
        "layout": layout.fingerprint,
        "changed_by": operator_name(),
    }
    _write(home, topology, codec, population, "ReleaseRuleChanged", content)
    return rule


def resume(home: Home, topology: Topology, codec: Codec, population: str) -> None:
    """Write that the release of *population*, which an independent check has halted, may go on; or raise."""
    if not _one(watched(home, topology), population).halted:
        raise MisuseError(f"the release of {population} is not halted")
    content: Record = {"population": population, "resumed_by": operator_name()}
    _write(home, topology, codec, population, "ReleaseResumed", content)


def _one(found: tuple[Watched, ...], name: str) -> Watched:
    one = next((each for each in found if each.population == name), None)
    if one is None:
        raise UnknownPopulationError(f"the populations are: {', '.join(each.population for each in found)}")
    return one


def _write(home: Home, topology: Topology, codec: Codec, population: str, name: str, content: Record) -> None:
    output = hub_output(TopicName(f"stage.{population}"), name, content, codec)
    asyncio.run(append(Credentials.of(home, CONTROL, topology), output.topic, [output.value]))
