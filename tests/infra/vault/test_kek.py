"""The key encryption key: one for ever, closed to others, and no other opens what it wrapped."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.vault.kek import KekUnavailableError, KeysetFileKek


def test_creators_at_the_same_moment_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    with ThreadPoolExecutor(8) as pool:
        keks = list(pool.map(KeysetFileKek.create_if_missing, [path] * 8))
    wrapped = keks[0].wrap(b"key", "row")
    assert {kek.unwrap(wrapped, "row") for kek in keks} == {b"key"}
    assert [file.name for file in tmp_path.iterdir()] == ["kek.json"]
    assert path.stat().st_mode & 0o077 == 0


def test_a_wrapped_key_opens_in_its_row_alone_and_under_its_kek_alone(tmp_path: Path) -> None:
    kek = KeysetFileKek.create_if_missing(tmp_path / "a.json")
    other = KeysetFileKek.create_if_missing(tmp_path / "b.json")
    wrapped = kek.wrap(b"key", "row")
    for who, name in ((kek, "other row"), (other, "row")):
        with pytest.raises(KekUnavailableError):
            who.unwrap(wrapped, name)


def test_a_key_file_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(KekUnavailableError):
        KeysetFileKek(tmp_path / "none.json")


@given(st.binary(max_size=64))
def test_garbage_is_not_a_wrapped_key(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    kek = KeysetFileKek.create_if_missing(tmp_path_factory.getbasetemp() / "kek.json")
    with pytest.raises(KekUnavailableError):
        kek.unwrap(garbage, "row")
