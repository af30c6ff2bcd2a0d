"""Partitions of keys, as Kafka's own clients choose them; nonces, which never come twice."""

import pytest
from aiokafka.partitioner import murmur2 as of_aiokafka
from hypothesis import given
from hypothesis import strategies as st

from streams.pump.nonces import BLOCK, nonces
from streams.pump.routing import murmur2, target_partition

JAVA = {
    # org.apache.kafka.common.utils.UtilsTest.testMurmur2
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "expected"), JAVA.items())
def test_a_key_has_the_partition_that_java_gives_it(key: bytes, expected: int) -> None:
    assert murmur2(key) == expected & 0xFFFFFFFF
    for partitions in (2, 6, 50):
        assert target_partition(key, partitions) == (expected & 0x7FFFFFFF) % partitions


@given(st.binary(max_size=60), st.integers(1, 100))
def test_any_key_has_the_partition_that_java_gives_it(key: bytes, partitions: int) -> None:
    assert murmur2(key) == of_aiokafka(key) & 0xFFFFFFFF
    assert target_partition(key, partitions) == (of_aiokafka(key) & 0x7FFFFFFF) % partitions


def test_without_a_key_a_record_goes_to_the_first_partition() -> None:
    assert target_partition(None, 6) == 0


def test_no_nonce_comes_twice() -> None:
    draw = nonces()
    drawn = [draw() for _ in range(3 * BLOCK + 1)]
    assert {len(nonce) for nonce in drawn} == {12}
    assert len(set(drawn)) == len(drawn)
    assert nonces()() not in drawn
