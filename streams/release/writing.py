"""What release writes: an event for a partner's feed, a row for a population's stage, the decision itself. Pure."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.clock import tick_of
from infra.control import ControlState
from infra.topology.model import DAY_MS
from schemas.catalogue import Contract
from schemas.channel_rules import NonPersonal
from schemas.codec import Codec, Record
from schemas.compiler import compiled_or_none
from schemas.derive import Channel, derive
from schemas.egress import Egress
from schemas.names import PartnerId, TopicName
from schemas.sealing import DataKey, Nonce, Sealing, seal
from streams.hub_records import hub_output
from streams.pump.records import Output, SourceRecord
from streams.release.basis import Because, Considered, basis_of
from streams.release.decide import RULES_VERSION, Decision, Facts, Release

DECISIONS = TopicName("decisions")
PASSED_ON = ("CLEAR", "GREEN")
"""Traffic lights under which a recipient may pass an event on at all (FIRST TLP 2.0)."""


def feed_output(
    contract: Contract,
    record: Record,
    release: Release,
    keys: Mapping[str, DataKey],
    codec: Codec,
    nonce: Nonce,
) -> Output:
    """Return the opened *record* for the partner of *release*, sealed under *keys* of that partner."""
    agreement = release.agreement
    stamp: Record = {
        "partner": agreement.partner,
        "agreement": agreement.id,
        "agreement_version": agreement.version,
        "view": release.view,
        "retention_days": agreement.retention_days,
        "onward_sharing": agreement.onward_sharing and _tlp(record) in PASSED_ON,
    }
    topic = TopicName(f"to.{agreement.partner}")
    return _sealed_output(contract, Channel(release.view), {**record, "release": stamp}, topic, keys, codec, nonce)


def stage_output(
    contract: Contract,
    record: Record,
    population: str,
    keys: Mapping[str, DataKey],
    codec: Codec,
    nonce: Nonce,
) -> Output:
    """Return the opened *record* for the stage of *population*, sealed under the hub's *keys*."""
    topic = TopicName(f"stage.{population}")
    return _sealed_output(contract, Channel.STAGE, record, topic, keys, codec, nonce)


def facts_outputs(contract: Contract, record: Record, now: dt.datetime, egress: Egress) -> Iterator[Output]:
    """Yield what the channels of facts get of the opened *record*: nothing unless it tells of nobody.

    Key and time of each are the day of *now*: the period in which it counts.
    """
    day = tick_of(now)
    for channel in (NonPersonal.FACTS_PARTNER, NonPersonal.FACTS_OPEN):
        compiled = compiled_or_none(contract, channel)
        if compiled is not None:
            for value in egress.encode(channel, compiled.schema, compiled.transform(record)):
                yield Output(TopicName(channel), value, str(day).encode(), day * DAY_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """What a decision rests on, and why it was made when it was."""

    asked: Considered
    control: ControlState
    now: dt.datetime
    because: Because


def decision_output(
    source: SourceRecord, facts: Facts, audience: PartnerId, decision: Decision, rested: Rested, codec: Codec
) -> Output:
    """Return the *decision* about *audience* with everything that it rests on."""
    released = isinstance(decision, Release)
    content: Record = {
        "event_id": facts.event_id,
        "event_type": facts.event_type,
        "agency": facts.agency,
        "audience": audience,
        "outcome": "RELEASED" if released else "WITHHELD",
        "view": decision.view if isinstance(decision, Release) else None,
        "agreement": decision.agreement.id if isinstance(decision, Release) else None,
        "agreement_version": decision.agreement.version if isinstance(decision, Release) else None,
        "reasons": list(decision.reasons),
        "decided_at": rested.now,
        "control_offset": rested.control.offset,
        "ledger_partition": source.partition,
        "ledger_offset": source.offset,
        "basis": basis_of(facts, audience, rested.asked),
        "control_offsets": [{"topic": name, "offset": end} for name, end in sorted(rested.control.offsets.items())],
        "rules": RULES_VERSION,
        "because": str(rested.because),
    }
    return hub_output(DECISIONS, "Decision", content, codec)


def _sealed_output(
    contract: Contract,
    channel: Channel,
    record: Record,
    topic: TopicName,
    keys: Mapping[str, DataKey],
    codec: Codec,
    nonce: Nonce,
) -> Output:
    derived = derive(contract, channel)
    envelope = record["envelope"]
    assert isinstance(envelope, dict)
    sealing = Sealing(event_id=str(envelope["event_id"]), schema=derived.fullname, keys=keys, nonce=nonce, wire=True)
    writer = codec.writer(f"{topic}-{derived.fullname}", derived.schema)
    return Output(topic=topic, value=writer.encode(seal(contract, channel, record, sealing)))


def _tlp(record: Record) -> str:
    envelope = record["envelope"]
    assert isinstance(envelope, dict)
    return str(envelope["tlp"])
