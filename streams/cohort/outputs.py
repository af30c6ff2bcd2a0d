"""What cohort release sends: heads and rows of batches, entries of the release ledger."""

import hashlib
import json

from infra.topology.model import DAY_MS
from schemas.codec import Codec, Record
from schemas.egress import Egress
from schemas.names import TopicName
from streams.cohort.batches import Batch
from streams.cohort.parameters import Parameters
from streams.cohort.populations import Prepared, channel_of
from streams.cohort.state import LedgerEntry
from streams.hub_records import hub_output
from streams.pump.records import Output

LEDGER = TopicName("cohorts")


def batch_outputs(batch: Batch, population: Prepared, rule: Parameters, codec: Codec, egress: Egress) -> list[Output]:
    """Return the records of *batch*: its head, then its rows in order; key and time say the batch and its tick."""
    channel = channel_of(batch.tier)
    topic, key, time_ms = TopicName(channel), batch.id.encode(), batch.tick * DAY_MS
    content: Record = {
        "batch_id": batch.id,
        "population": population.population.id,
        "tier": batch.tier,
        "tick": batch.tick,
        "k": rule.k,
        "net": rule.net,
        "rule": batch.parameters,
        "layout": batch.layout,
        "digest": batch.digest,
        "rows": len(batch.rows),
        "suppressed": batch.suppressed,
    }
    values = [hub_output(topic, "CohortReleased", content, codec).value]
    for schema, row in population.shown(batch):
        values += egress.encode(channel, schema, [row])
    return [Output(topic, value, key, time_ms) for value in values]


def entry_content(entry: LedgerEntry, population: str, previous: str) -> Record:
    """Return *entry* as the release ledger holds it, chained to the entry whose digest is *previous*."""
    return {
        "population": population,
        "tick": entry.tick,
        "batches": [{"tier": tier, "batch_id": name, "digest": digest} for tier, name, digest in entry.batches],
        "classes": [
            {"kind": kind, "label": [code or "" for code in label], "size": size} for kind, label, size in entry.classes
        ],
        "marks": list(entry.marks),
        "oldest_pending": None if entry.oldest_pending is None else entry.oldest_pending.position,
        "rule": entry.parameters,
        "layout": entry.layout,
        "previous": previous,
    }


def digest_of(content: Record) -> str:
    """Return the SHA-256 of an entry of the release ledger, hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=bytes.hex).encode()).hexdigest()
