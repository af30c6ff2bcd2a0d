"""Partitions of keys, as Kafka's own clients choose them; nonces, which never come twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pump.nonces import BLOCK, nonces
from streams.pump.routing import target_partition

JAVA = {
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


def murmur2(data: bytes) -> int:
    """Return the hash of *data* as a signed number: a second implementation, written from Kafka's Utils.java."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    value = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        value = value * m & mask ^ k
    rest = data[whole:]
    if rest:
        value = (value ^ int.from_bytes(rest, "little")) * m & mask
    value = (value ^ value >> 13) * m & mask
    value ^= value >> 15
    return value - 2**32 if value >= 2**31 else value


@pytest.mark.parametrize(("key", "expected"), JAVA.items())
def test_a_key_has_the_partition_that_java_gives_it(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected
    for partitions in (2, 6, 50):
        assert target_partition(key, partitions) == (expected & 0x7FFFFFFF) % partitions


@given(st.binary(max_size=60), st.integers(1, 100))
def test_any_key_has_the_partition_that_java_gives_it(key: bytes, partitions: int) -> None:
    assert target_partition(key, partitions) == (murmur2(key) & 0x7FFFFFFF) % partitions


def test_without_a_key_a_record_goes_to_the_first_partition() -> None:
    assert target_partition(None, 6) == 0


def test_no_nonce_comes_twice() -> None:
    draw = nonces()
    drawn = [draw() for _ in range(3 * BLOCK + 1)]
    assert {len(nonce) for nonce in drawn} == {12}
    assert len(set(drawn)) == len(drawn)
    assert nonces()() not in drawn
