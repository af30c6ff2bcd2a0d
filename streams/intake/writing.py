"""What intake writes: the sealed event for the ledger, the receipt, the sealed record for quarantine. Pure."""

import base64
import datetime as dt
from collections.abc import Mapping

from schemas.codec import Codec, Record
from schemas.derive import Channel, derive
from schemas.field_steps import AGENCY
from schemas.names import AgencyId, CaseId, TopicName
from schemas.originals import seal_original
from schemas.sealing import DataKey, Nonce, Sealing, seal
from schemas.stamps import SIGNED_ORIGINAL
from streams.hub_records import hub_output
from streams.intake.admission import ERASED, Duplicate
from streams.intake.reading import RECORD_BYTES_MAX, Readable, Refused
from streams.pump.records import Output, SourceRecord

LEDGER = TopicName("ledger")


def ledger_output(
    event: Readable,
    case_id: CaseId,
    keys: Mapping[str, DataKey],
    codec: Codec,
    now: dt.datetime,
    nonce: Nonce,
) -> Output:
    """Return *event* for the ledger, every personal field sealed under *keys* (by path of the person, and `agency`)."""
    derived = derive(event.contract, Channel.LEDGER)
    sealing = Sealing(event_id=event.event_id, schema=derived.fullname, keys=keys, nonce=nonce, wire=True)
    stamps: Record = {"received_at": now}
    if event.signed is not None:
        stamps |= {"signed_by": event.signed.key_id, SIGNED_ORIGINAL: seal_original(event.signed.original, sealing)}
    sealed = seal(event.contract, Channel.LEDGER, {**event.record, **stamps}, sealing)
    writer = codec.writer(f"{LEDGER}-{derived.fullname}", derived.schema)
    return Output(topic=LEDGER, key=case_id.encode(), value=writer.encode(sealed))


def receipt_output(
    answered: Readable | Refused | Duplicate,
    agency: AgencyId,
    codec: Codec,
    now: dt.datetime,
    evidence: Mapping[str, object],
) -> Output:
    """Return the receipt of one record with its *evidence*; a duplicate's tells the offset and time of the original."""
    source = answered.event.source if isinstance(answered, Duplicate) else answered.source
    content: Record = {
        "agency": agency,
        **_origin(source),
        "received_at": now,
        "original_offset": None,
        "problems": [],
        **evidence,
    }
    match answered:
        case Readable():
            content |= {
                "outcome": "ACCEPTED",
                "event_id": answered.event_id,
                "event_type": answered.contract.name,
            }
        case Duplicate(event=event, original=original):
            content |= {"outcome": "DUPLICATE", "event_id": event.event_id, "event_type": event.contract.name}
            content |= {"original_offset": original.source_offset, "received_at": original.received_at}
        case Refused():
            content |= {
                "outcome": "REFUSED",
                "event_id": answered.event_id,
                "event_type": answered.event_type,
            }
            content |= {"problems": _problems(answered)}
    return hub_output(TopicName(f"receipts.{agency}"), "Receipt", content, codec)


def quarantine_output(
    refused: Refused, agency: AgencyId, key: DataKey, codec: Codec, now: dt.datetime, nonce: Nonce
) -> Output:
    """Return *refused* for quarantine: the record as it was sent, sealed under the key of its agency.

    Of a record that is too large for any message only the position is kept, and of one about an erased person.
    """
    source = refused.source
    place = f"{source.topic}:{source.partition}:{source.offset}"
    sealing = Sealing(event_id=place, schema="hub.v1.Quarantined", keys={AGENCY: key}, nonce=nonce)
    fits = source.value is not None and len(source.value) <= RECORD_BYTES_MAX
    kept = fits and ERASED not in refused.problems
    record = sealing.seal("record", base64.b64encode(source.value or b"").decode(), [key]) if kept else None
    content: Record = {
        "agency": agency,
        "event_id": refused.event_id,
        "event_type": refused.event_type,
        "received_at": now,
        **_origin(source),
        "problems": _problems(refused),
        "record": record,
    }
    return hub_output(TopicName(f"quarantine.{agency}"), "Quarantined", content, codec)


def _origin(source: SourceRecord) -> Record:
    return {
        "source_topic": source.topic,
        "source_partition": source.partition,
        "source_offset": source.offset,
    }


def _problems(refused: Refused) -> list[Record]:
    return [{"path": problem.path, "rule": problem.rule, "advice": problem.advice} for problem in refused.problems]
