"""Signed events at intake: verified and then as if they had come unsigned; what is not the agency's own says why."""

import dataclasses
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.signing.forms import SALT_BYTES
from infra.signing.keys import Fault, Holder, HolderKind, Keyring
from infra.signing.signer import Signer, signed_event
from schemas.names import AgencyId, TopicName
from streams.intake.reading import RECORD_BYTES_MAX, Refused
from streams.intake.signatures import NO_KEYS, PROBLEMS, must_be_signed, unwrapped
from streams.pump.records import SourceRecord
from tests.infra.signing.making import DAY, NOW, POLICE, key_of, revocation, ring_of, signer
from tests.schemas.registries import memory_codec

AGENCY, OTHER = AgencyId("rs-police"), AgencyId("bg-police")
TOPIC, OTHER_TOPIC = TopicName(f"in.{AGENCY}"), TopicName(f"in.{OTHER}")
CODEC = memory_codec()
WRITER = CODEC.writer("x", signed_event().schema)
INNER = b"\0\0\0\3\xe8an event"
SIGNER = signer()
RING = ring_of(key_of(SIGNER))


def source(value: bytes | None, offset: int = 0, topic: TopicName = TOPIC) -> SourceRecord:
    return SourceRecord(topic, 0, offset, None, value)


def signed(value: bytes = INNER, topic: TopicName = TOPIC, by: Signer = SIGNER, **changes: object) -> bytes:
    return WRITER.encode({**by.event(topic, value), **changes})


def answers(
    *values: bytes | None,
    ring: Keyring = RING,
    agency: AgencyId = AGENCY,
    signed_only: bool = False,
) -> list[Any]:
    """Return for each of *values* the bytes that go on, or the rule that refuses it."""
    batch = [source(value, offset, TopicName(f"in.{agency}")) for offset, value in enumerate(values)]
    found = unwrapped(batch, CODEC, signed_only=signed_only)
    faults = found.faults(ring, agency, NOW)
    told = [faults.get(offset, each) for offset, each in enumerate(found.records)]
    return [each.value if isinstance(each, SourceRecord) else each.problems[0].rule for each in told]


def test_signed_events_go_on_as_the_bytes_inside_and_unsigned_ones_as_they_came() -> None:
    assert answers(signed(), INNER, None, signed()) == [INNER, INNER, None, INNER]


def test_where_only_signed_events_are_taken_nothing_unsigned_goes_on() -> None:
    assert answers(signed(), INNER, signed_only=True) == [INNER, "not-signed"]
    assert answers(None, b"", b"\1event", signed_only=True) == [None, b"", b"\1event"]  # no event of any kind


def test_a_signature_for_another_topic_is_worth_nothing_there() -> None:
    both = ring_of(key_of(SIGNER), key_of(other := signer(), Holder(HolderKind.AGENCY, OTHER)))
    replayed = signed()
    assert answers(replayed, ring=both, agency=OTHER) == ["key-of-another"]
    assert answers(signed(by=other, topic=TOPIC), ring=both, agency=OTHER) == ["signature-wrong"]
    assert answers(signed(topic=OTHER_TOPIC), ring=both) == ["signature-wrong"]
    assert answers(signed(by=other), ring=both) == ["key-of-another"]


def test_a_key_that_may_not_sign_now_is_refused_with_its_reason() -> None:
    key = key_of(SIGNER)
    for changed, rule in [
        (ring_of(), "signed-by-unknown-key"),
        (ring_of(dataclasses.replace(key, valid_from=NOW + DAY)), "key-not-yet-valid"),
        (ring_of(dataclasses.replace(key, valid_until=NOW)), "key-expired"),
        (ring_of(key, revocations=(revocation(key),)), "key-revoked"),
        (ring_of(key, revocations=(revocation(key, NOW + DAY),)), "key-revoked"),
    ]:
        assert answers(signed(), ring=changed) == [rule]


def test_what_is_signed_wrongly_is_refused_with_its_reason() -> None:
    content = SIGNER.event(TOPIC, INNER)
    salt, signature = content["salt"], content["signature"]
    assert isinstance(salt, bytes)
    assert isinstance(signature, bytes)
    assert answers(
        WRITER.encode({**content, "salt": bytes(SALT_BYTES)}),
        WRITER.encode({**content, "salt": salt[:16], "event": salt[16:] + INNER}),
        WRITER.encode({**content, "salt": b""}),
        WRITER.encode({**content, "signature": signature[:-1]}),
        WRITER.encode({**content, "signature": bytes(64)}),
        WRITER.encode({**content, "event": INNER + b"!"}),
        signed(signed()),
        WRITER.encode(content)[:-5],
        WRITER.encode(content) + b"!",
        signed(b"x" * RECORD_BYTES_MAX),
    ) == [
        "signature-wrong",
        "malformed-signature",
        "malformed-signature",
        "malformed-signature",
        "signature-wrong",
        "signature-wrong",
        "signed-twice",
        "malformed-record",
        "malformed-record",
        "too-large",
    ]


@given(flips=st.lists(st.integers(5 * 8, len(signed()) * 8 - 1), min_size=1, max_size=3, unique=True))
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_no_bit_of_a_signed_event_can_be_changed(flips: list[int]) -> None:
    value = bytearray(signed())
    for flip in flips:
        value[flip // 8] ^= 1 << flip % 8
    (answer,) = answers(bytes(value))
    assert isinstance(answer, str)


def test_a_refused_record_is_kept_as_it_came_and_a_good_one_carries_its_evidence() -> None:
    good, bad = signed(), signed(by=signer())
    found = unwrapped([source(good, 0), source(bad, 1)], CODEC, signed_only=True)
    (refused,) = found.faults(RING, AGENCY, NOW).values()
    assert isinstance(refused, Refused)
    assert refused.source.value == bad
    assert found.claims[0].signed.original == good
    assert found.claims[0].signed.key_id == SIGNER.key_id


def test_nothing_of_an_event_or_signature_is_in_what_python_shows_of_it() -> None:
    found = unwrapped([source(signed(b"Milica Petrovic"))], CODEC, signed_only=True)
    assert "Milica" not in repr(found)


@pytest.mark.parametrize(
    ("policy", "keys", "expected"),
    [
        ("always", NO_KEYS, True),
        ("optional", RING, False),
        ("once-registered", NO_KEYS, False),
        ("once-registered", RING, True),
        ("once-registered", ring_of(key_of(SIGNER, start=NOW + DAY)), False),
        ("once-registered", ring_of(key_of(SIGNER, start=NOW - 9 * DAY, days=1)), True),
        ("once-registered", ring_of(key_of(SIGNER), revocations=(revocation(key_of(SIGNER)),)), True),
        ("once-registered", ring_of(key_of(SIGNER, Holder(HolderKind.OFFICER, POLICE.id))), False),
    ],
)
def test_an_agency_that_ever_had_a_valid_key_publishes_nothing_unsigned(
    policy: Any, keys: Keyring, expected: bool
) -> None:
    assert must_be_signed(policy, keys, AGENCY, NOW) is expected


def test_every_fault_has_a_problem_of_its_name() -> None:
    assert {fault: problem.rule for fault, problem in PROBLEMS.items()} == {fault: str(fault) for fault in Fault}
