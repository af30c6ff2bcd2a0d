"""How others read projections: the operators' counts, the sheets for people, and waiting until all is folded."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from infra.home import Home
from infra.topology.model import load_topology
from projections import logs
from projections.catalogue import PROJECTIONS
from projections.generations import generation
from projections.logs import Partition
from projections.projection import Projection, Sheet
from projections.status import Place, connection_of, partitions_of
from projections.store import CHANNEL
from schemas.errors import MisuseError, UnavailableError

LOOK_S = 1.0
"""How often who waits looks without having been told: a projection that is halted says nothing."""


class ProjectionsBehindError(UnavailableError):
    """Projections have not reached a position in time."""

    code = "projections-behind"


class ProjectionHaltedError(MisuseError):
    """A projection stands still until an operator acts."""

    code = "projection-halted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The pipeline counters since the ledger began: published = accepted + refused + duplicates."""

    published: int
    accepted: int
    refused: int
    duplicates: int
    ledger: int
    refused_by_rule: Mapping[str, int] = field(default_factory=dict)
    """A record counts once for each rule that it breaks."""
    released: Mapping[str, int] = field(default_factory=dict)
    """By partner."""
    withheld: Mapping[str, int] = field(default_factory=dict)
    """By partner."""
    withheld_by_reason: Mapping[str, int] = field(default_factory=dict)
    by_agency: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By agency: published, accepted, refused, duplicates, ledger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A sheet with its rows."""

    sheet: Sheet
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def counts(home: Home) -> Counts:
    """Return the pipeline counters of *home*; raises DatabaseUnavailableError."""
    with connection_of(home) as connection:
        found = connection.execute(
            "SELECT measure, agency, partner, code, sum(records)::bigint "
            "FROM projections.pipeline_count GROUP BY 1, 2, 3, 4"
        ).fetchall()
    total: Counter[str] = Counter()
    by_agency: dict[str, Counter[str]] = {}
    by_code: dict[str, Counter[str]] = {"REFUSED_RULE": Counter(), "WITHHELD_REASON": Counter()}
    by_partner: dict[str, Counter[str]] = {"RELEASED": Counter(), "WITHHELD": Counter()}
    for measure, agency, partner, code, records in found:
        total[measure] += records
        if measure in by_code:
            by_code[measure][code] += records
        elif measure in by_partner:
            by_partner[measure][partner] += records
        else:
            by_agency.setdefault(agency, Counter())[measure] += records
    return Counts(
        **_outcomes(total),
        refused_by_rule=dict(sorted(by_code["REFUSED_RULE"].items())),
        released=dict(sorted(by_partner["RELEASED"].items())),
        withheld=dict(sorted(by_partner["WITHHELD"].items())),
        withheld_by_reason=dict(sorted(by_code["WITHHELD_REASON"].items())),
        by_agency={agency: _outcomes(measures) for agency, measures in sorted(by_agency.items())},
    )


def wait_for(home: Home, positions: Mapping[Partition, int] | None = None, timeout_s: float = 30.0) -> None:
    """Return when every projection that reads a partition of *positions* has folded all before the offset there.

    Without *positions*: all that their topics hold now. Raises ProjectionHaltedError as soon as one stands still for
    good, ProjectionsBehindError after *timeout_s*.
    """
    topology = load_topology()
    reads = {(each.name, *place) for each in PROJECTIONS for place in partitions_of(each, topology)}
    if positions is None:
        found = logs.bounds(home, {(topic, number) for _, topic, number in reads})
        positions = {place: end for place, (beginning, end) in found.items() if end > beginning}
    wanted = {(name, topic, number): positions.get((topic, number), 0) for name, topic, number in reads}
    deadline = time.monotonic() + timeout_s
    with connection_of(home) as connection:
        connection.autocommit = True
        connection.execute(f"LISTEN {CHANNEL}")
        while missing := _behind(connection, wanted):
            if (left := deadline - time.monotonic()) <= 0:
                names = ", ".join(sorted({name for name, _, _ in missing}))
                raise ProjectionsBehindError(
                    f"not caught up after {timeout_s:.0f} s: {names}; see `hub projection list`"
                )
            for _ in connection.notifies(timeout=min(left, LOOK_S), stop_after=1):
                pass  # a batch was committed: whichever it was, look again


def filled(home: Home, projection: Projection, rows_max: int, number: int | None = None) -> tuple[Filled, ...]:
    """Return every sheet of *projection* with its first *rows_max* rows, of generation *number* or of the live one.

    Raises NoGenerationError.
    """
    out = []
    with connection_of(home) as connection:
        schema = "projections" if number is None else generation(connection, projection.name, number).schema
        for sheet in projection.sheets:
            query = sql.SQL("SELECT * FROM {} LIMIT %s").format(sql.Identifier(schema, sheet.view))
            cursor = connection.execute(query, (rows_max,))
            columns = tuple(column.name for column in cursor.description or ())
            out.append(Filled(sheet=sheet, columns=columns, rows=tuple(cursor.fetchall())))
    return tuple(out)


def _behind(connection: "psycopg.Connection[tuple[Any, ...]]", wanted: Mapping[Place, int]) -> set[Place]:
    with connection.transaction():
        rows = connection.execute(
            "SELECT projection, topic, partition, c.next_offset, coalesce(s.state, ''), coalesce(s.advice, '') "
            "FROM projections.generation g JOIN projections.checkpoint c USING (projection, generation) "
            "LEFT JOIN projections.partition_state s USING (projection, generation, topic, partition) "
            "WHERE g.state = 'live'"
        ).fetchall()
    reached: dict[Place, int] = {}
    for name, topic, number, offset, state, advice in rows:
        place = (name, topic, number)
        reached[place] = offset
        if state in ("halted", "outdated") and reached[place] < wanted.get(place, 0):
            raise ProjectionHaltedError(f"projection {name} stands still on {topic}-{number}: {advice}")
    return {place for place, offset in wanted.items() if reached.get(place, 0) < offset}


def _outcomes(measures: Mapping[str, int]) -> dict[str, int]:
    accepted, refused, duplicates = (measures.get(name, 0) for name in ("ACCEPTED", "REFUSED", "DUPLICATE"))
    return {
        "published": accepted + refused + duplicates,
        "accepted": accepted,
        "refused": refused,
        "duplicates": duplicates,
        "ledger": measures.get("LEDGER", 0),
    }
