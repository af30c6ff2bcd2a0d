"""Key encryption keys, one contract for all: bound to the row, rotated without loss, gone once retired."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.home import Home
from infra.settings import Settings, WrongSettingError
from infra.vault.choosing import SucceedingKek, kek_of
from infra.vault.kek import UNNAMED, KekUnavailableError, Wrapped
from infra.vault.keyset_file import KeysetFileKek
from infra.vault.transit import BATCH_MAX, TransitKek, TransitPlace
from schemas.errors import MisuseError
from tests.infra.vault import transit_stand_in
from tests.infra.vault.keks import KINDS, Site, site


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with site(request.param, tmp_path) as made:
        yield made


async def test_a_wrapped_key_opens_for_its_name_alone_in_every_process(place: Site) -> None:
    keys = [(os.urandom(32), f"row {number}") for number in range(BATCH_MAX + 3)]
    wrapped = await place.open().wrap(keys)
    assert {each.kek_id for each in wrapped} == {await place.open().current()}
    named = [(each, name) for each, (_, name) in zip(wrapped, keys, strict=True)]
    assert await place.open().unwrap(named) == [key for key, _ in keys]
    with pytest.raises(KekUnavailableError):
        await place.open().unwrap([*named[:2], (wrapped[2], "row 3")])
    for (key, _), each in zip(keys, wrapped, strict=True):
        assert key not in each.data
        assert key.hex() not in repr(each)


async def test_a_rotated_key_opens_what_the_one_before_wrapped_until_that_is_retired(place: Site) -> None:
    kek, other = place.open(), place.open()
    first = await kek.current()
    (old,) = await kek.wrap([(b"k" * 32, "row")])
    second = await kek.rotate()
    (new,) = await kek.wrap([(b"n" * 32, "row")])
    assert (first != second, old.kek_id, new.kek_id, await other.current()) == (True, first, second, second)
    assert await other.unwrap([(old, "row"), (new, "row")]) == [b"k" * 32, b"n" * 32]
    await kek.retire([first])
    await kek.retire([first, UNNAMED])
    assert await place.open().unwrap([(new, "row")]) == [b"n" * 32]
    with pytest.raises(KekUnavailableError):
        await place.open().unwrap([(old, "row")])


async def test_the_current_key_cannot_be_retired(place: Site) -> None:
    kek = place.open()
    await kek.rotate()
    (wrapped,) = await kek.wrap([(b"k" * 32, "row")])
    with pytest.raises(KekUnavailableError):
        await kek.retire([await kek.current()])
    assert await place.open().unwrap([(wrapped, "row")]) == [b"k" * 32]


async def test_a_key_that_is_away_is_an_outage_and_comes_back(place: Site) -> None:
    kek = place.open()
    (wrapped,) = await kek.wrap([(b"k" * 32, "row")])
    place.leave()
    for attempt in (kek.current, kek.rotate, lambda: kek.unwrap([(Wrapped(wrapped.kek_id, b"x"), "row")])):
        with pytest.raises(KekUnavailableError):
            await attempt()
    place.come_back()
    assert await kek.unwrap([(wrapped, "row")]) == [b"k" * 32]


@given(garbage=st.binary(max_size=64))
async def test_garbage_is_not_a_wrapped_key(tmp_path_factory: pytest.TempPathFactory, garbage: bytes) -> None:
    kek = KeysetFileKek.create_if_missing(tmp_path_factory.getbasetemp() / "kek.json")
    with pytest.raises(KekUnavailableError):
        await kek.unwrap([(Wrapped(await kek.current(), garbage), "row")])


async def test_creators_at_the_same_moment_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    with ThreadPoolExecutor(8) as pool:
        keks = list(pool.map(KeysetFileKek.create_if_missing, [path] * 8))
    (wrapped,) = await keks[0].wrap([(b"key", "row")])
    assert [await kek.unwrap([(wrapped, "row")]) for kek in keks] == [[b"key"]] * 8
    assert os.listdir(tmp_path) == ["kek.json"]  # noqa: PTH208 - pathlib's would be a blocking call to ruff
    assert path.stat().st_mode & 0o077 == 0


async def test_the_key_file_stays_closed_and_alone_after_rotations(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    kek = KeysetFileKek.create_if_missing(path)
    for _ in range(3):
        first = await kek.current()
        await kek.rotate()
        await kek.retire([first])
    assert os.listdir(tmp_path) == ["kek.json"]  # noqa: PTH208 - pathlib's would be a blocking call to ruff
    assert path.stat().st_mode & 0o077 == 0
    assert len(json.loads(path.read_text())["key"]) == 1


@pytest.mark.parametrize("text", ["", "{}", '{"primaryKeyId": 1, "key": []}', "\x00"])
def test_a_damaged_key_file_is_an_outage(tmp_path: Path, text: str) -> None:
    (tmp_path / "kek.json").write_text(text)
    with pytest.raises(KekUnavailableError):
        KeysetFileKek(tmp_path / "kek.json")


async def test_the_file_hands_over_to_transit_and_goes(tmp_path: Path) -> None:
    path = tmp_path / "kek.json"
    (old,) = await KeysetFileKek.create_if_missing(path).wrap([(b"o" * 32, "row")])
    with site("transit", tmp_path) as transit:
        kek = SucceedingKek(transit.open(), KeysetFileKek(path))
        (new,) = await kek.wrap([(b"n" * 32, "row")])
        unnamed = Wrapped(UNNAMED, old.data)
        assert await kek.unwrap([(new, "row"), (old, "row"), (unnamed, "row")]) == [b"n" * 32, b"o" * 32, b"o" * 32]
        await kek.retire([old.kek_id, UNNAMED])
        assert not path.exists()
        await kek.retire([old.kek_id, UNNAMED])
        assert await kek.unwrap([(new, "row")]) == [b"n" * 32]


@pytest.mark.parametrize("wrong", ["token", "key", "mount", "no server"])
async def test_what_is_wrong_with_the_way_to_vault_is_said_without_the_token(tmp_path: Path, wrong: str) -> None:
    with transit_stand_in.running() as server:
        (tmp_path / "token").write_text("not-the-token" if wrong == "token" else server.token)
        place = TransitPlace(
            address="http://127.0.0.1:1" if wrong == "no server" else server.address,
            key="other" if wrong == "key" else "hub",
            mount="elsewhere" if wrong == "mount" else "transit",
            token_file=tmp_path / "token",
        )
        for attempt in (TransitKek(place).current(), TransitKek(place).wrap([(b"k", "row")])):
            with pytest.raises(KekUnavailableError, match=r"Vault (does not )?answer") as caught:
                await attempt
            assert server.token not in str(caught.value)
            assert "not-the-token" not in str(caught.value)


def test_a_name_that_would_lead_elsewhere_is_no_key_of_transit(tmp_path: Path) -> None:
    with pytest.raises(MisuseError):
        TransitPlace(address="http://127.0.0.1:1", key="../sys", token_file=tmp_path)


def test_settings_of_transit_are_complete_or_refused(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(WrongSettingError):
        kek_of(home, Settings(kek="transit", kek_address="https://vault.example:8200"))
    found = kek_of(home, Settings(kek="transit", kek_address="https://vault.example:8200", kek_token_file=tmp_path))
    assert isinstance(found, TransitKek)
    (tmp_path / "secrets").mkdir()
    assert isinstance(kek_of(home, Settings()), KeysetFileKek)
    succeeding = kek_of(
        home, Settings(kek="transit", kek_address="https://vault.example:8200", kek_token_file=tmp_path)
    )
    assert isinstance(succeeding, SucceedingKek)
