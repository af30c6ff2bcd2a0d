"""National case overview: per case who is involved, since when, how much is known, what waits for an answer.

The key of the ledger is the random id of a case of one agency; all its events are in one partition, in order.
"""

import re
import uuid
from collections.abc import Iterator
from functools import cache
from typing import cast

from projections.projection import Countries, Event, Projection, Sheet, definition_of
from projections.rows import Column, Merge, Row, Table
from schemas.catalogue import contract
from schemas.codec import Record
from schemas.derive import PERSON, Channel
from schemas.errors import MalformedRecordError
from schemas.field_steps import Plan, plan_of
from schemas.names import TopicName

CASE = Table(
    name="national_case",
    keys=(Column("case_id", "uuid"),),
    values=(
        Column("agency"),
        Column("country"),
        Column("without_case", "boolean"),
        Column("first_received_at", "timestamptz", Merge.LEAST),
        Column("last_received_at", "timestamptz", Merge.GREATEST),
        Column("handling", merge=Merge.GREATEST),  # H0 to H3: the later in the alphabet, the stricter
        Column("events", "bigint", Merge.SUM),
    ),
)
EVENT = Table(
    name="national_case_event",
    keys=(Column("case_id", "uuid"), Column("event_type")),
    values=(Column("events", "bigint", Merge.SUM), Column("corrections", "bigint", Merge.SUM)),
)
SUBJECT = Table(
    name="national_case_subject",
    keys=(Column("case_id", "uuid"), Column("subject_id", "uuid")),
    values=(Column("first_received_at", "timestamptz", Merge.LEAST),),
)
ERASED = Table(
    name="national_erased_subject",
    keys=(Column("subject_id", "uuid"),),
    values=(Column("ordered_at", "timestamptz", Merge.LEAST),),
)
AGENCY = Table(
    name="national_case_agency",
    keys=(Column("case_id", "uuid"), Column("agency"), Column("part")),
    values=(Column("events", "bigint", Merge.SUM),),
)
REFERRAL = Table(
    name="national_case_referral",
    keys=(Column("case_id", "uuid"), Column("referral_id", "uuid")),
    values=(
        Column("to_agency"),
        Column("urgency"),
        Column("answer_due_at", "timestamptz"),
        Column("offered_at", "timestamptz", Merge.LEAST),
        Column("state"),
    ),
)
STEP = Table(
    name="national_referral_step",
    keys=(Column("agency"), Column("event_id", "uuid")),  # ids are unique to their agency alone
    values=(
        Column("referral_id", "uuid"),
        Column("to_agency"),
        Column("step"),
        Column("received_at", "timestamptz"),
    ),
)
SUBJECTS = TopicName("control.subjects")
CANONICAL = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STEPS = {"ReferralRevoked": "REVOKED", "ReferralClosed": "CLOSED"}
"""What becomes of a referral, beside its answer. Who may take which step is for the views to say."""


def case_id_of(event: Event) -> str:
    """Return the case of a ledger event; raise MalformedRecordError when its key is none."""
    key = event.key or b""
    if CANONICAL.fullmatch(key):
        return key.decode()
    try:
        return str(uuid.UUID(key.decode()))
    except ValueError:
        raise MalformedRecordError("the key of a ledger event is not the id of a case") from None


def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
    """Yield what one ledger event, or one order to erase a person, adds."""
    if event.topic == SUBJECTS:
        yield from _erased(event)
        return
    case_id = case_id_of(event)
    envelope = cast("Record", event.record["envelope"])
    agency, received_at = str(envelope["agency"]), event.record["received_at"]
    yield CASE.row(
        case_id,
        agency=agency,
        country=countries.get(agency),
        without_case=envelope.get("case_ref") is None,
        first_received_at=received_at,
        last_received_at=received_at,
        handling=envelope["handling"],
        events=1,
    )
    yield EVENT.row(case_id, event.name, events=1, corrections=int(envelope.get("corrects") is not None))
    yield AGENCY.row(case_id, agency, "PUBLISHER", events=1)
    if envelope.get("on_behalf_of") is not None:
        yield AGENCY.row(case_id, envelope["on_behalf_of"], "ON_BEHALF_OF", events=1)
    for way in _ways(event.name):
        for subject in _subjects(event.record, way):
            yield SUBJECT.row(case_id, str(uuid.UUID(subject)), first_received_at=received_at)
    if event.name == "ReferralOffered":
        yield from _referral(event, case_id)
    elif event.name == "ReferralAnswered" or event.name in STEPS:
        yield _step(event)


@cache
def _ways(event_type: str) -> tuple[tuple[str, ...], ...]:
    """Return the fields that lead to persons, from the event down."""

    def below(plan: Plan) -> Iterator[tuple[str, ...]]:
        for step in plan.steps:
            if step.plan is None:
                continue
            if step.plan.name == PERSON:
                yield (step.name,)
            for rest in below(step.plan):
                yield (step.name, *rest)

    return tuple(below(plan_of(contract(event_type), Channel.LEDGER)))


def _subjects(value: object, way: tuple[str, ...]) -> Iterator[str]:
    """Yield the subject of each person that *way* leads to from *value*, lists included."""
    if isinstance(value, list):
        for item in value:
            yield from _subjects(item, way)
    elif isinstance(value, dict):
        if way:
            yield from _subjects(value.get(way[0]), way[1:])
        else:
            yield str(value["subject"])


def _erased(event: Event) -> Iterator[Row]:
    """Yield the ids of an erased person; the tables' own triggers take them out, whichever comes first."""
    if event.name == "SubjectErased":
        for subject in cast("list[str]", event.record["subject_ids"]):
            yield ERASED.row(str(uuid.UUID(subject)), ordered_at=event.record["ordered_at"])


def _referral(event: Event, case_id: str) -> Iterator[Row]:
    to_agency = event.record["to_agency"]
    yield AGENCY.row(case_id, to_agency, "ADDRESSEE", events=1)
    yield REFERRAL.row(
        case_id,
        str(uuid.UUID(str(event.record["referral_id"]))),
        to_agency=to_agency,
        urgency=event.record.get("urgency"),
        answer_due_at=event.record.get("answer_due_at"),
        offered_at=event.record["received_at"],
        state="OFFERED",
    )


def _step(event: Event) -> Row:
    record = event.record
    envelope = cast("Record", record["envelope"])
    return STEP.row(
        envelope["agency"],
        str(uuid.UUID(str(envelope["event_id"]))),
        referral_id=str(uuid.UUID(str(record["referral_id"]))),
        to_agency=record["to_agency"],
        step=STEPS.get(event.name) or str(record["answer"]),
        received_at=record["received_at"],
    )


NATIONAL_CASES = Projection(
    name="national_cases",
    title="National case overview",
    version=2,
    definition=definition_of("national_cases"),
    families=("ledger", "control.subjects"),
    tables=(CASE, EVENT, SUBJECT, ERASED, AGENCY, REFERRAL, STEP),
    sheets=(
        Sheet(title="Cases", view="national_case_overview"),
        Sheet(title="Referrals without an answer", view="national_open_referral"),
        Sheet(title="Referrals and what became of them", view="national_referral"),
    ),
    rows_of=rows_of,
)
