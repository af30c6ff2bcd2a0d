"""Sealed events at intake: opened in memory and then as if sent in clear; what does not open says why, not what."""

from collections.abc import Collection, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from infra.arrival.sealed import HubKey, Session, sealed_event
from schemas.names import AgencyId, TopicName
from streams.intake.unsealing import Unsealer
from streams.pump.records import SourceRecord
from tests.schemas.registries import memory_codec

AGENCY = AgencyId("rs-police")
TOPIC = TopicName(f"in.{AGENCY}")
KEY_ID = "5c1f6a3e-9f0b-4a55-8d4e-2b8f5a1f0c11"
CODEC = memory_codec()
WRITER = CODEC.writer("x", sealed_event().schema)


class Keys:
    """The hub's private keys, in memory."""

    def __init__(self) -> None:
        self.held = {KEY_ID: X25519PrivateKey.generate()}

    def public(self) -> HubKey:
        return HubKey(key_id=KEY_ID, public_key=self.held[KEY_ID].public_key().public_bytes_raw())

    async def private(self, key_ids: Collection[str]) -> Mapping[str, X25519PrivateKey]:
        return {key_id: self.held[key_id] for key_id in key_ids if key_id in self.held}


KEYS = Keys()
INNER = b"\0\0\0\3\xe8an event"


def source(value: bytes | None, offset: int = 0) -> SourceRecord:
    return SourceRecord(TOPIC, 0, offset, None, value)


def sealed(value: bytes, topic: TopicName = TOPIC) -> bytes:
    return WRITER.encode(Session(topic, KEYS.public()).seal(value))


async def answers(*values: bytes | None, sealed_only: bool = False, keys: Keys | None = KEYS) -> list[Any]:
    """Return for each of *values* the bytes that go on, or the rule that refuses it."""
    batch = [source(value, offset) for offset, value in enumerate(values)]
    found = await Unsealer(keys, CODEC).opened(batch, sealed_only=sealed_only)
    return [each.value if isinstance(each, SourceRecord) else each.problems[0].rule for each in found]


async def test_sealed_events_go_on_as_the_bytes_inside_beside_clear_ones() -> None:
    assert await answers(sealed(INNER), INNER, None, b"", sealed(INNER)) == [INNER, INNER, None, b"", INNER]


async def test_what_does_not_open_is_refused_with_its_reason() -> None:
    content = Session(TOPIC, KEYS.public()).seal(INNER)
    unknown = {**content, "key_id": "00000000-0000-4000-8000-000000000000"}
    no_id = {**content, "key_id": "Milica Petrovic"}
    transplanted = {**Session(TOPIC, KEYS.public()).seal(INNER), "ct": content["ct"]}
    short = {**content, "ct": b"x"}
    assert await answers(
        WRITER.encode(unknown),
        WRITER.encode(no_id),
        sealed(INNER, TopicName("in.bg-police")),
        WRITER.encode(transplanted),
        WRITER.encode(short),
        sealed(INNER)[:-1],
        sealed(INNER) + b"x",
        sealed(sealed(INNER)),
    ) == [
        *("sealed-key-unknown", "sealed-key-unknown", "sealed-not-opened", "sealed-not-opened", "sealed-not-opened"),
        *("malformed-record", "malformed-record", "sealed-twice"),
    ]
    assert await answers(sealed(INNER), keys=None) == ["sealed-key-unknown"]


async def test_of_an_agency_that_only_seals_nothing_clear_is_taken() -> None:
    assert await answers(INNER, sealed(INNER), None, sealed_only=True) == ["not-sealed", INNER, "not-sealed"]
