"""The bytes on the wire: the same as those of avro-python3, and nothing malformed comes through or says a value."""

import struct
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.catalogue import contract, contracts
from schemas.codec import HEADER, Codec, schema_id_of
from schemas.derive import Channel, Derived, derive
from schemas.errors import MalformedRecordError, UnknownSchemaError
from tests.schemas.events import event
from tests.schemas.oracle import parsed_by_avro, plain, read_by_avro, written_by_avro
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import canaries_in, events, keys_for, sealed, with_canaries

ALL = [derive(known, channel) for known in contracts() for channel in Channel]
CODEC = memory_codec()


ORACLE = {derived.fullname: parsed_by_avro(derived.schema) for derived in ALL}


@given(events(), st.sampled_from(list(Channel)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_bytes_are_those_of_avro_python3_in_both_directions(case: Any, channel: Channel) -> None:
    found, record = case
    derived = derive(found, channel)
    if channel is not Channel.SOURCE:
        record = sealed(found, channel, record, keys_for(found, record))
    ours = CODEC.writer(derived.fullname, derived.schema).encode(record)
    oracle = ORACLE[derived.fullname]
    theirs = ours[: HEADER.size] + written_by_avro(oracle, record)
    assert ours == theirs
    assert CODEC.decode(theirs).record == record
    assert read_by_avro(ours[HEADER.size :], oracle, oracle) == plain(record)


@pytest.mark.parametrize("derived", ALL, ids=lambda derived: derived.fullname)
def test_every_schema_is_read_by_avro_python3(derived: Derived) -> None:
    assert ORACLE[derived.fullname].fullname == derived.fullname


def bytes_of(name: str = "PersonIdentified") -> bytes:
    found = contract(name)
    return CODEC.writer(found.fullname, found.schema).encode(event(name))


@pytest.mark.parametrize("found", contracts(), ids=lambda found: found.name)
def test_a_record_cut_off_anywhere_is_malformed(found: Any) -> None:
    value = bytes_of(found.name)
    for length in range(len(value)):
        with pytest.raises(MalformedRecordError):
            CODEC.decode(value[:length])


@given(st.binary(min_size=1, max_size=40))
def test_bytes_left_over_are_malformed(extra: bytes) -> None:
    with pytest.raises(MalformedRecordError):
        CODEC.decode(bytes_of() + extra)


@given(st.integers(1, 255))
def test_another_magic_byte_is_malformed(magic: int) -> None:
    with pytest.raises(MalformedRecordError):
        CODEC.decode(bytes([magic]) + bytes_of()[1:])


@pytest.mark.parametrize("value", [None, b"", b"\0", b"\0\0\0\0"])
def test_what_has_no_header_is_malformed(value: bytes | None) -> None:
    assert schema_id_of(value) is None
    with pytest.raises(MalformedRecordError):
        CODEC.decode(value)


def test_an_id_that_nobody_registered_is_an_unknown_schema() -> None:
    with pytest.raises(UnknownSchemaError):
        CODEC.decode(HEADER.pack(0, 2**32 - 1) + b"x")


@given(st.binary(max_size=400))
@example(b"\xff" * 400)
def test_garbage_is_malformed_or_a_record_never_another_error(garbage: bytes) -> None:
    header = bytes_of()[: HEADER.size]
    with suppress(MalformedRecordError):
        CODEC.decode(header + garbage)


def zigzag(number: int) -> bytes:
    value, out = (number << 1) ^ (number >> 63), bytearray()
    value &= 2**64 - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("length", [2**31, 2**40, 2**62, -1, -(2**40), -(2**63)])
def test_a_text_or_list_that_claims_to_be_huge_takes_no_memory(length: int) -> None:
    value = bytes_of()
    spot = HEADER.size  # the first field is the text `envelope.event_id`
    in_a_text = value[:spot] + zigzag(length) + value[spot + 1 :]
    at = value.index(zigzag(1) + zigzag(len(event()["envelope"]["legal_basis"][0])), spot)
    in_a_list = value[:at] + zigzag(length) + value[at + 1 :]
    tracemalloc.start()
    try:
        for broken in (in_a_text, in_a_list):
            with pytest.raises(MalformedRecordError):
                CODEC.decode(broken)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_a_moment_that_no_calendar_has_is_malformed() -> None:
    record = event()
    derived = derive(contract("PersonIdentified"), Channel.SOURCE)
    record["envelope"]["recorded_at"] = 2**62
    value = written_by_avro(ORACLE[derived.fullname], record)
    with pytest.raises(MalformedRecordError):
        CODEC.decode(bytes_of()[: HEADER.size] + value)


def test_text_that_is_not_utf8_is_malformed() -> None:
    name = event()["person"]["full_name"].encode()
    value = bytes_of()
    assert name in value
    with pytest.raises(MalformedRecordError):
        CODEC.decode(value.replace(name, b"\xff\xfe" + name[2:]))


@given(events(), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_no_error_says_a_value(case: Any, data: st.DataObject) -> None:
    found, record = case
    record = with_canaries(found, record)
    writer = CODEC.writer(found.fullname, found.schema)
    value = bytearray(writer.encode(record))
    field = data.draw(st.sampled_from([name for name in record if name != "envelope"]))
    with pytest.raises(MalformedRecordError) as caught:
        writer.encode({**record, field: struct})
    errors = [caught.value]
    value[data.draw(st.integers(HEADER.size, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        CODEC.decode(bytes(value))
    except MalformedRecordError as error:
        errors.append(error)
    for error in errors:
        assert error.__cause__ is None
        assert error.__suppress_context__
        assert not any(canary in str(error) for canary in canaries_in(record))


def test_a_decoded_record_shows_nothing_of_its_content() -> None:
    decoded = CODEC.decode(bytes_of())
    assert event()["person"]["full_name"] not in repr(decoded)
    assert decoded.fingerprint == contract("PersonIdentified").fingerprint


def test_each_codec_has_a_memory_of_its_own() -> None:
    other: Codec = memory_codec()
    derived = derive(contract("ControlFinding"), Channel.LEDGER)
    assert other.writer("s", derived.schema).schema_id == 1
    with pytest.raises(UnknownSchemaError):
        other.decode(HEADER.pack(0, 2) + b"x")
