"""A sealed event opens for the hub alone, on its own topic, unchanged."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from infra.arrival.sealed import HubKey, Session, open_event, open_session
from schemas.names import TopicName

TOPIC, OTHER = TopicName("in.rs-police"), TopicName("in.bg-police")
PRIVATE = X25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY = HubKey(key_id="5c1f6a3e-9f0b-4a55-8d4e-2b8f5a1f0c11", public_key=PRIVATE.public_key().public_bytes_raw())


def opened(sealed: Mapping[str, object], topic: TopicName = TOPIC, private: X25519PrivateKey = PRIVATE) -> bytes | None:
    key_id, sealed_key, ct = str(sealed["key_id"]), sealed["sealed_key"], sealed["ct"]
    assert isinstance(sealed_key, bytes)
    assert isinstance(ct, bytes)
    cipher = open_session(private, topic, key_id, sealed_key)
    return None if cipher is None else open_event(cipher, topic, key_id, ct)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_what_was_sealed_opens_and_no_two_records_are_alike(values: list[bytes]) -> None:
    session = Session(TOPIC, KEY)
    sealed = [session.seal(value) for value in (*values, *values)]
    assert [opened(each) for each in sealed] == [*values, *values]
    assert len({str(each["ct"]) for each in sealed}) == len(sealed)


def test_it_opens_on_no_other_topic_under_no_other_id_and_for_nobody_else() -> None:
    sealed = Session(TOPIC, KEY).seal(b"an event")
    assert opened(sealed) == b"an event"
    assert opened(sealed, topic=OTHER) is None
    assert opened({**sealed, "key_id": KEY.key_id[::-1]}) is None
    assert opened(sealed, private=X25519PrivateKey.generate()) is None


@given(st.data())
def test_a_changed_byte_or_a_missing_end_does_not_open(data: st.DataObject) -> None:
    sealed = Session(TOPIC, KEY).seal(b"an event")
    name = data.draw(st.sampled_from(["sealed_key", "ct"]))
    value = bytearray(sealed[name])  # type: ignore[call-overload]  # bytes
    place = data.draw(st.integers(0, len(value) - 1))
    cut = data.draw(st.booleans())
    if cut:
        del value[place:]
    else:
        value[place] ^= data.draw(st.integers(1, 255))
    if name == "sealed_key" and not cut and place == 31:
        value[31] ^= 1  # X25519 passes over the highest bit of a public key (RFC 7748): change another one
        value[30] ^= 1
    assert opened({**sealed, name: bytes(value)}) is None


def test_a_session_key_of_another_length_is_none() -> None:
    from infra.arrival.sealed import _SUITE, bound_to

    for secret in (b"", b"short", bytes(16), bytes(33)):
        sealed_key = _SUITE.encrypt(secret, PRIVATE.public_key(), bound_to(TOPIC, KEY.key_id))
        assert open_session(PRIVATE, TOPIC, KEY.key_id, sealed_key) is None
