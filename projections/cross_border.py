"""Cross-border overview: what went to whom under which agreement, what was withheld and why, extradition requests."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import cast

from projections.national_cases import case_id_of
from projections.projection import Countries, Event, Projection, Sheet, definition_of
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
        Column("request_id", "uuid"),
        Column("requesting_state"),
        Column("requested_state"),
        Column("instrument"),
        Column("requested_at", "timestamptz"),
        Column("deadline_at", "timestamptz"),
        Column("corrects", "uuid"),
        Column("state"),
    ),
)
STEP = Table(
    name="cross_border_step",
    keys=(Column("agency"), Column("event_id", "uuid")),
    values=(
        Column("request_id", "uuid"),
        Column("country"),
        Column("step"),
        Column("received_at", "timestamptz"),
    ),
)
ASSISTANCE = Table(
    name="legal_assistance_request",
    keys=(Column("agency"), Column("event_id", "uuid")),
    values=(
        Column("case_id", "uuid"),
        Column("request_id", "uuid"),
        Column("requesting_state"),
        Column("requested_state"),
        Column("instrument"),
        Column("urgency"),
        Column("requested_at", "timestamptz"),
        Column("answer_due_at", "timestamptz"),
    ),
)


REQUESTS = {"ExtraditionRequested": EXTRADITION, "LegalAssistanceRequested": ASSISTANCE}
STEPS: Mapping[str, Callable[[Record], str]] = {
    "ExtraditionDecided": lambda record: str(record["decision"]),
    "PersonSurrendered": lambda _record: "SURRENDERED",
    "LegalAssistanceAnswered": lambda record: str(record["answer"]),
}
"""What the requested state did, by event type; the views let no agency of another country do it."""


def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
    """Yield what one decision, or one request or answer between states in the ledger, adds."""
    if event.name == "Decision":
        yield from _decision(event.record, countries)
    elif event.name in REQUESTS:
        yield _request(event, REQUESTS[event.name])
    elif event.name in STEPS:
        yield _step(event, countries, STEPS[event.name](event.record))


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


def _request(event: Event, table: Table) -> Row:
    """Return a request in *table*: what the hub gives every request, and the fields that are named as its columns."""
    record = event.record
    envelope = cast("Record", record["envelope"])
    given = {
        "case_id": case_id_of(event),
        "request_id": _uuid(record["request_id"]),
        "requested_at": record["received_at"],
        "corrects": _uuid(corrects) if (corrects := envelope.get("corrects")) is not None else None,
        "state": "REQUESTED",
    }
    values = {column.name: given.get(column.name, record.get(column.name)) for column in table.values}
    return table.row(envelope["agency"], _uuid(envelope["event_id"]), **values)


def _step(event: Event, countries: Countries, step: str) -> Row:
    """Return a step of the requested state."""
    envelope = cast("Record", event.record["envelope"])
    return STEP.row(
        envelope["agency"],
        _uuid(envelope["event_id"]),
        request_id=_uuid(event.record["request_id"]),
        country=countries.get(str(envelope["agency"])),
        step=step,
        received_at=event.record["received_at"],
    )


def _uuid(value: object) -> str:
    return str(uuid.UUID(str(value)))


CROSS_BORDER = Projection(
    name="cross_border",
    title="Cross-border overview",
    version=1,
    definition=definition_of("cross_border"),
    families=("ledger", "decisions"),
    events=frozenset({"Decision", *REQUESTS, *STEPS}),
    tables=(DECISION, REASON, EXTRADITION, ASSISTANCE, STEP),
    sheets=(
        Sheet(title="What went to whom", view="cross_border_flow"),
        Sheet(title="What was withheld, and why", view="cross_border_withheld"),
        Sheet(title="Extradition requests", view="extradition_overview"),
        Sheet(title="Requests for legal assistance", view="legal_assistance_overview"),
    ),
    rows_of=rows_of,
)
