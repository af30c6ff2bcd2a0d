"""Released: what left on the non-personal channels, row by row: cohorts about persons, and facts about no person.

Every figure of the secretariat is a fold of these rows. They are as they left; nothing here is finer or later.
"""

import json
from collections.abc import Iterator

from projections.projection import Countries, Event, Projection, Sheet, definition_of
from projections.rows import Column, Row, SqlType, Table
from schemas.compiler import PADDING

HEAD = "CohortReleased"
OFFSET = (Column("tier"), Column("log_offset", "bigint"))


def _columns(kind: SqlType, names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names.split())


BATCH = Table(
    name="released_batch",
    keys=(Column("batch_id"), Column("tier")),
    values=(
        *_columns("text", "population rule layout digest"),
        *_columns("bigint", "tick k net rows suppressed log_offset"),
    ),
)
PERSON = Table(name="released_row", keys=OFFSET, values=_columns("text", "batch_id kind content"))
FACT = Table(name="released_fact", keys=OFFSET, values=(*_columns("text", "kind content"), *_columns("bigint", "tick")))


TOTAL = Table(
    name="released_total",
    keys=tuple(Column(name) for name in ("table_name", "country", "cell", "week")),
    values=(
        *_columns("text", "parameters since"),
        *_columns("bigint", "persons"),
        *_columns("double precision", "standard_deviation epsilon delta"),
    ),
)
OVERLAP = Table(name="released_overlap", keys=(Column("year", "bigint"),), values=_columns("text", "content"))
TOTALS = "totals.open"


def rows_of(event: Event, countries: Countries) -> Iterator[Row]:  # noqa: ARG001 - the form of every projection
    """Yield the row of one record of a non-personal channel."""
    if event.topic == TOTALS:
        yield from _statistics(event)
        return
    channel, _, tier = str(event.topic).partition(".")
    if channel not in ("anon", "facts"):
        return
    key = (event.key or b"").decode()
    if event.name == HEAD:
        said = {name: event.record[name] for name in ("population", "rule", "layout", "digest")}
        counts = {name: event.record[name] for name in ("tick", "k", "net", "rows", "suppressed")}
        yield BATCH.row(event.record["batch_id"], tier, **said, **counts, log_offset=event.offset)
        return
    kept = {name: value for name, value in event.record.items() if name != PADDING["name"]}
    content = json.dumps(kept, sort_keys=True, separators=(",", ":"), default=str)
    if channel == "facts":
        yield FACT.row(tier, event.offset, kind=event.name, content=content, tick=int(key))
    else:
        yield PERSON.row(tier, event.offset, batch_id=key, kind=event.name, content=content)


def _statistics(event: Event) -> Iterator[Row]:
    said = event.record
    if event.name == "WeeklyTotalTold":
        kept = {name: said[name] for name in ("parameters", "since", "standard_deviation", "epsilon", "delta")}
        yield TOTAL.row(said["table"], said["country"], said["cell"], said["week"], persons=said["value"], **kept)
    elif event.name == "OverlapTold":
        content = {name: said[name] for name in ("k", "lists", "cells", "others", "reason")}
        yield OVERLAP.row(said["year"], content=json.dumps(content, sort_keys=True, separators=(",", ":")))


RELEASED = Projection(
    name="released",
    title="Released",
    version=2,
    definition=definition_of("released"),
    families=("anon.partner", "anon.open", "facts.partner", "facts.open", TOTALS),
    events=None,
    tables=(BATCH, PERSON, FACT, TOTAL, OVERLAP),
    sheets=(
        Sheet(title="Batches, by population and tier", view="released_summary"),
        Sheet(title="Rows, by kind and tier", view="released_kinds"),
        Sheet(title="Facts, by kind and tier", view="released_facts"),
        Sheet(title="Totals with noise, the newest week of each", view="released_totals"),
    ),
    rows_of=rows_of,
)
