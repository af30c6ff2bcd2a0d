"""Cross-border overview: what went to whom under which agreement, what was withheld and why, extradition requests."""

import uuid
from collections.abc import Iterator
from typing import cast

from projections.national_cases import case_id_of
from projections.projection import Countries, Event, Projection, Sheet
from projections.rows import Column, Merge, Row, Table
from schemas.codec import Record

DECISION = Table(
    name="cross_border_decision",
    keys=(
        Column("audience"),
        Column("agency"),
        Column("event_type"),
        Column("outcome"),
        Column("view"),
        Column("agreement"),
    ),
    values=(
        # The same in every row of a key: they follow from agency and audience.
        Column("from_country"),
        Column("to_country"),
        Column("decisions", "bigint", Merge.SUM),
        Column("last_decided_at", "timestamptz", Merge.GREATEST),
    ),
)
REASON = Table(
    name="cross_border_reason",
    keys=(Column("audience"), Column("agency"), Column("event_type"), Column("reason")),
    values=(Column("decisions", "bigint", Merge.SUM),),
)
EXTRADITION = Table(
    name="extradition_request",
    keys=(Column("agency"), Column("event_id", "uuid")),  # ids are unique to their agency alone
    values=(
        Column("case_id", "uuid"),
        Column("requesting_state"),
        Column("requested_state"),
        Column("instrument"),
        Column("requested_at", "timestamptz"),
        Column("deadline_at", "timestamptz"),
        Column("corrects", "uuid"),
        Column("state"),
    ),
)


def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
    """Yield what one decision, or one extradition request of the ledger, adds."""
    if event.name == "Decision":
        yield from _decision(event.record, countries)
    elif event.name == "ExtraditionRequested":
        yield _request(event)


def _decision(decision: Record, countries: Countries) -> Iterator[Row]:
    audience, agency, event_type = (str(decision[name]) for name in ("audience", "agency", "event_type"))
    yield DECISION.row(
        audience,
        agency,
        event_type,
        str(decision["outcome"]),
        str(decision.get("view") or ""),
        str(decision.get("agreement") or ""),
        from_country=countries.get(agency),
        to_country=countries.get(audience),
        decisions=1,
        last_decided_at=decision["decided_at"],
    )
    if decision["outcome"] == "WITHHELD":
        for reason in sorted(set(cast("list[str]", decision["reasons"]))):
            yield REASON.row(audience, agency, event_type, reason, decisions=1)


def _request(event: Event) -> Row:
    record = event.record
    envelope = cast("Record", record["envelope"])
    corrects = envelope.get("corrects")
    return EXTRADITION.row(
        envelope["agency"],
        str(uuid.UUID(str(envelope["event_id"]))),
        case_id=case_id_of(event),
        requesting_state=record["requesting_state"],
        requested_state=record["requested_state"],
        instrument=record["instrument"],
        requested_at=record["received_at"],
        deadline_at=record.get("deadline_at"),
        corrects=None if corrects is None else str(uuid.UUID(str(corrects))),
        state="REQUESTED",
    )


CROSS_BORDER = Projection(
    name="cross_border",
    title="Cross-border overview",
    families=("ledger", "decisions"),
    tables=(DECISION, REASON, EXTRADITION),
    sheets=(
        Sheet(title="What went to whom", view="cross_border_flow"),
        Sheet(title="What was withheld, and why", view="cross_border_withheld"),
        Sheet(title="Extradition requests", view="extradition_overview"),
    ),
    rows_of=rows_of,
)
