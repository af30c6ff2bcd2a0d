"""The rules of signing keys: what is taken from whom and when, and what nobody can do with another's key."""

import dataclasses
import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from infra.signing.forms import event_form, line, signed_form
from infra.signing.keys import (
    WEAK,
    Fault,
    Holder,
    HolderKind,
    SignatureRefusedError,
    SigningKey,
    is_strong,
    key_id_of,
)
from infra.signing.records import key_from, record_of_key, record_of_revocation, registered, revocation_from, revoked
from schemas.names import TopicName
from tests.infra.signing.making import DAY, NOW, POLICE, key_of, revocation, ring_of, signer

OTHER = Holder(HolderKind.AGENCY, "bg-police")
IDENTITY = bytes([1]) + bytes(31)
"""The neutral point of the curve."""


def test_what_a_key_signed_is_taken_as_its_holders_alone() -> None:
    made = signer()
    key = key_of(made)
    ring = ring_of(key)
    signature = made.sign(b"m")
    assert ring.verify(key.key_id, POLICE, b"m", signature, NOW) == key
    for holder in (OTHER, Holder(HolderKind.OFFICER, POLICE.id), Holder(HolderKind.HUB, POLICE.id)):
        with pytest.raises(SignatureRefusedError, match="key-of-another"):
            ring.verify(key.key_id, holder, b"m", signature, NOW)


@given(message=st.binary(max_size=80), other=st.binary(max_size=80), flip=st.integers(0, 511), cut=st.integers(0, 63))
def test_a_signature_fits_its_message_alone_bit_for_bit(message: bytes, other: bytes, flip: int, cut: int) -> None:
    made = signer()
    key = key_of(made)
    ring, signature = ring_of(key), made.sign(message)
    changed = bytearray(signature)
    changed[flip // 8] ^= 1 << flip % 8
    assert ring.fault(key.key_id, POLICE, message, signature, NOW) is None
    assert (ring.fault(key.key_id, POLICE, other, signature, NOW) is None) == (message == other)
    assert ring.fault(key.key_id, POLICE, message, bytes(changed), NOW) is Fault.WRONG
    assert ring.fault(key.key_id, POLICE, message, signature[:cut], NOW) is Fault.MALFORMED
    assert ring.fault(key.key_id, POLICE, message, signature + b"\0", NOW) is Fault.MALFORMED


@given(hours=st.integers(-72, 72 + 24 * 10))
def test_a_key_signs_from_its_first_moment_to_the_one_before_its_last(hours: int) -> None:
    made, at = signer(), NOW + dt.timedelta(hours=hours)
    key = key_of(made, start=NOW, days=10)
    fault = ring_of(key).fault(key.key_id, POLICE, b"m", made.sign(b"m"), at)
    assert fault is (Fault.NOT_YET_VALID if hours < 0 else Fault.EXPIRED if hours >= 240 else None)


def test_a_revoked_key_takes_nothing_more_but_what_came_before_stands_unless_it_is_in_doubt() -> None:
    made = signer()
    key, signature = key_of(made, start=NOW - 9 * DAY), made.sign(b"m")
    ring = ring_of(key, revocations=(revocation(key, NOW, NOW - 2 * DAY),))
    assert ring.fault(key.key_id, POLICE, b"m", signature, NOW) is Fault.REVOKED
    assert ring.fault(key.key_id, POLICE, b"m", signature, NOW - DAY) is None
    assert [ring.is_doubtful(key.key_id, NOW - days * DAY) for days in (1, 2, 3)] == [True, True, False]
    assert not ring_of(key, revocations=(revocation(key),)).is_doubtful(key.key_id, NOW)


def test_a_revocation_that_was_read_counts_for_what_arrives_whatever_the_clocks_say() -> None:
    made = signer()
    key, signature = key_of(made), made.sign(b"m")
    ring = ring_of(key, revocations=(revocation(key, NOW + DAY),))
    assert ring.arriving(key.key_id, POLICE, b"m", signature, NOW) is Fault.REVOKED
    assert ring.arriving(key.key_id, OTHER, b"m", signature, NOW) is Fault.ANOTHERS
    assert ring_of(key).arriving(key.key_id, POLICE, b"m", signature, NOW) is None
    assert ring_of().arriving(key.key_id, POLICE, b"m", signature, NOW) is Fault.UNKNOWN


def test_a_key_is_its_first_holders_for_good_and_told_again_only_its_validity_changes() -> None:
    key = key_of(signer())
    ring = registered(ring_of(), key)
    with pytest.raises(ValueError, match="one holder"):
        registered(ring, dataclasses.replace(key, holder=OTHER))
    later = dataclasses.replace(key, valid_until=key.valid_until + DAY, registered_by="another", organisation="x")
    assert registered(ring, later).keys[key.key_id] == dataclasses.replace(key, valid_until=key.valid_until + DAY)


def test_a_key_that_is_told_again_with_a_later_start_keeps_its_first() -> None:
    key = key_of(signer(), start=NOW - 9 * DAY)
    later = dataclasses.replace(key, valid_from=NOW + DAY, valid_until=NOW + 99 * DAY)
    ring = registered(registered(ring_of(), key), later)
    assert ring.untimely(ring.keys[key.key_id], NOW - 5 * DAY) is None
    assert ring.untimely(ring.keys[key.key_id], NOW + 98 * DAY) is None


@pytest.mark.parametrize("doubtful_days_ago", [None, 1, 3, 9])
def test_a_key_that_a_stolen_one_signed_for_is_the_thiefs_and_all_after_it(doubtful_days_ago: int | None) -> None:
    first, second, third = (key_of(signer(), start=NOW - days * DAY) for days in (9, 4, 2))
    second = dataclasses.replace(second, succeeds=first.key_id, vouched=b"signed by the first")
    third = dataclasses.replace(third, succeeds=second.key_id, vouched=b"signed by the second")
    since = None if doubtful_days_ago is None else NOW - doubtful_days_ago * DAY
    ring = ring_of(first, second, third, revocations=(revocation(first, NOW, since),))
    stolen = doubtful_days_ago == 9
    for key in (second, third):
        assert (ring.untimely(key, NOW) is Fault.REVOKED) is stolen
        assert ring.is_doubtful(key.key_id, NOW) is stolen
    anew = registered(ring, dataclasses.replace(third, succeeds=None, vouched=None))
    assert anew.untimely(anew.keys[third.key_id], NOW) is None, "the operator answers for it"


def test_no_registration_brings_a_revoked_key_back() -> None:
    key = key_of(signer())
    ring = registered(revoked(registered(ring_of(), key), revocation(key)), key)
    assert ring.untimely(ring.keys[key.key_id], NOW) is Fault.REVOKED


@given(times=st.lists(st.tuples(st.integers(0, 9), st.none() | st.integers(0, 9)), min_size=1, max_size=5))
def test_of_several_revocations_the_earliest_times_count(times: list[tuple[int, int | None]]) -> None:
    key = key_of(signer())
    ring = ring_of(key)
    for at, since in times:
        ring = revoked(ring, revocation(key, NOW + at * DAY, None if since is None else NOW + since * DAY))
    told = ring.revocations[key.key_id]
    doubts = [since for _, since in times if since is not None]
    assert told.revoked_at == NOW + min(at for at, _ in times) * DAY
    assert told.doubtful_since == (NOW + min(doubts) * DAY if doubts else None)


def test_keys_and_revocations_come_back_from_their_records_and_a_false_id_does_not() -> None:
    key = key_of(signer())
    assert key_from(record_of_key(key)) == key
    told = revocation(key, NOW, NOW - DAY)
    assert revocation_from(record_of_revocation(told)) == told
    with pytest.raises(ValueError, match="its id"):
        key_from(record_of_key(dataclasses.replace(key, public_key=signer().public_key)))


def test_a_key_under_which_anything_verifies_is_not_strong() -> None:
    weak = SigningKey(**{**vars(key_of(signer())), "public_key": IDENTITY, "key_id": key_id_of(IDENTITY)})
    message, signature = b"never signed by anybody", IDENTITY + bytes(32)
    Ed25519PublicKey.from_public_bytes(IDENTITY).verify(signature, message)  # the danger is real: OpenSSL takes it
    assert not weak.fits(message, signature)
    assert not is_strong(IDENTITY)
    for each in WEAK:
        assert not is_strong(each)
        assert not is_strong(each[:-1] + bytes([each[-1] | 0x80]))
    assert not is_strong(b"")
    assert is_strong(signer().public_key)


@given(
    first=st.tuples(st.text(alphabet="ab.", max_size=4), st.binary(min_size=32, max_size=32), st.binary(max_size=8)),
    second=st.tuples(st.text(alphabet="ab.", max_size=4), st.binary(min_size=32, max_size=32), st.binary(max_size=8)),
)
def test_two_events_have_the_same_form_only_when_all_of_them_is_the_same(
    first: tuple[str, bytes, bytes], second: tuple[str, bytes, bytes]
) -> None:
    forms = [event_form(TopicName(topic), salt, event) for topic, salt, event in (first, second)]
    assert (forms[0] == forms[1]) == (first == second)


def test_a_form_begins_with_its_purpose_and_a_line_holds_no_line_break() -> None:
    assert signed_form("hub.v1.Something", b"x") == b"hub.v1.Something\nx"
    with pytest.raises(ValueError, match="line break"):
        line("in.rs-police\n")
