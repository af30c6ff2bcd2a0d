"""Rotation of the key encryption key: no key is ever lost, whatever happens, and what was retired opens nothing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.home import Home
from infra.vault import rotation as rotation_module
from infra.vault.holders import LEDGER, holder_of_agency, holder_of_subject
from infra.vault.kek import KekUnavailableError
from infra.vault.rotation import RotationRunningError
from infra.vault.vault import Vault
from schemas.names import AgencyId, KeyId, PartnerId
from tests.infra.vault.keks import KINDS, Site, site
from tests.infra.vault.rotating import empty_database, vault_at
from tests.infra.vault.test_vault import fresh

pytestmark = pytest.mark.stack
EUROPOL = PartnerId("europol")


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with site(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def database(home: Home) -> Iterator[str]:
    with empty_database(home) as name:
        yield name


async def filled(vault: Vault, count: int = 3) -> dict[tuple[str, KeyId], bytes]:
    """Make persons and keys, and return what must open for ever."""
    subjects = (await vault.subjects(fresh(count))).values()
    holders = {holder_of_subject(each): str(each) for each in subjects} | {holder_of_agency(AgencyId("a")): "a"}
    made = {(r, key) for r in (LEDGER, EUROPOL) for key in (await vault.keys(holders, r)).values()}
    return {(recipient, key.kid): key.secret for recipient, key in made}


async def opened(vault: Vault, kept: dict[tuple[str, KeyId], bytes]) -> dict[tuple[str, KeyId], bytes | None]:
    found: dict[tuple[str, KeyId], bytes | None] = {}
    for recipient in {recipient for recipient, _ in kept}:
        kids = [kid for r, kid in kept if r == recipient]
        found |= {(recipient, kid): key for kid, key in (await vault.open(kids, recipient)).items()}
    return found


async def states(vault: Vault) -> dict[str, int]:
    return {f"{each.state} {each.kek_id}": each.rows for each in await vault.rotation.states() if each.rows}


async def test_after_a_rotation_every_key_opens_and_the_old_one_is_destroyed(
    home: Home, database: str, place: Site
) -> None:
    async with vault_at(home, database, place) as vault:
        kept = await filled(vault)
        subjects = list((await vault.subjects(fresh(2))).values())
        names = await vault.pseudonyms(EUROPOL, 2026, subjects)
        before = await place.open().current()
        done = await vault.rotation.rotate()
    assert (done.current != before, set(done.destroyed), done.resumed) == (True, {before, "unnamed"}, False)
    async with vault_at(home, database, place) as vault:
        assert await opened(vault, kept) == kept
        assert await vault.pseudonyms(EUROPOL, 2026, subjects) == names
        assert await states(vault) == {f"current {done.current}": done.rewrapped}


async def test_a_row_from_before_cannot_be_opened_nor_written_back(home: Home, database: str, place: Site) -> None:
    async with vault_at(home, database, place) as vault:
        kept = await filled(vault, 1)
        with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}") as connection:
            query = "SELECT kid::text, wrapped, kek_id FROM vault.data_key WHERE recipient = ''"
            backup = connection.execute(query).fetchall()
        await vault.rotation.rotate()
    with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}", autocommit=True) as connection:
        for kid, wrapped, kek_id in backup:
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                connection.execute(
                    "UPDATE vault.data_key SET wrapped = %s, kek_id = %s WHERE kid = %s", (wrapped, kek_id, kid)
                )
            connection.execute("UPDATE vault.data_key SET wrapped = %s WHERE kid = %s", (wrapped, kid))
    async with vault_at(home, database, place) as vault:
        for _, kid in kept:
            if kid in {row[0] for row in backup}:
                with pytest.raises(KekUnavailableError):
                    await vault.open([kid])


async def test_a_process_that_remembers_the_old_key_learns_of_the_new_one_when_the_database_refuses(
    home: Home, database: str, place: Site
) -> None:
    async with vault_at(home, database, place) as one, vault_at(home, database, place) as other:
        kept = await filled(one)
        await other.secret("lookup")
        await other.rotation.rotate()
        kept |= await filled(one)
        assert await opened(other, kept) == kept
        assert len(await states(one)) == 1


async def test_an_erased_key_stays_erased_through_rotations(home: Home, database: str, place: Site) -> None:
    async with vault_at(home, database, place) as vault:
        kept = await filled(vault, 1)
        (subject,) = (await vault.subjects(fresh())).values()
        key = (await vault.keys({holder_of_subject(subject): "s"}))[holder_of_subject(subject)]
        await vault.destroy([subject])
        await vault.rotation.rotate()
        assert await vault.open([key.kid]) == {key.kid: None}
        assert await opened(vault, kept) == kept


class Kill(BaseException):
    """The process dies here."""


STEPS = ("kek.rotate", "renewed", "generation", "page", "pages", "retired", "kek.retire", "marked")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_rotation_that_is_killed_at_any_step_is_finished_by_the_next_one(
    home: Home, database: str, place: Site, step: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with vault_at(home, database, place) as vault:
        kept = await filled(vault)
        first = await place.open().current()
    async with vault_at(home, database, place) as dying:
        _kill(dying, step, when, monkeypatch)
        with pytest.raises(Kill):
            await dying.rotation.rotate()
        monkeypatch.undo()
    async with vault_at(home, database, place) as vault:
        assert await opened(vault, kept) == kept
        kept |= await filled(vault)
        done = await vault.rotation.rotate()
        assert await opened(vault, kept) == kept
        assert done.current != first
        live = [each for each in await vault.rotation.states() if each.state != "destroyed"]
        assert [each.kek_id for each in live] == [done.current]
        assert not await vault.rotation.is_due(30)


def _kill(vault: Vault, step: str, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let *vault* die *when* its rotation comes to *step*."""
    rotation = vault.rotation
    kek, wrapping = rotation._kek, rotation._wrapping  # noqa: SLF001 - where it dies
    places = {
        "kek.rotate": (kek, "rotate", 1),
        "renewed": (wrapping, "renew", 2),
        "generation": (rotation, "_retire", 1),
        "page": (wrapping, "unwrapped", 2),
        "pages": (rotation_module, "rewrap", 1),
        "retired": (rotation, "_destroy", 1),
        "kek.retire": (kek, "retire", 1),
        "marked": (rotation_module, "_unlock", 1),
    }
    owner, name, at_call = places[step]
    original, calls = getattr(owner, name), 0

    async def dying(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if when == "before" and calls == at_call:
            raise Kill
        found = await original(*arguments)
        if when == "after" and calls == at_call:
            raise Kill
        return found

    monkeypatch.setattr(owner, name, dying)


async def test_one_process_rotates_at_a_time(home: Home, database: str, place: Site) -> None:
    async with vault_at(home, database, place) as one, vault_at(home, database, place) as other:
        await filled(one)
        async with one.rotation._alone():  # noqa: SLF001 - as one that takes long
            with pytest.raises(RotationRunningError):
                await other.rotation.rotate()
        await other.rotation.rotate()


async def test_while_others_write_all_the_time_five_rotations_lose_no_key(
    home: Home, database: str, place: Site
) -> None:
    kept: dict[tuple[str, KeyId], bytes] = {}
    stop = asyncio.Event()

    async def write() -> None:
        async with vault_at(home, database, place) as vault:
            while not stop.is_set():
                try:
                    kept.update(await filled(vault, 2))
                except KekUnavailableError:
                    await asyncio.sleep(0)  # as intake, which waits and tries again

    writers = [asyncio.create_task(write()) for _ in range(3)]
    async with vault_at(home, database, place) as vault:
        while not kept:  # noqa: ASYNC110 - others fill it
            await asyncio.sleep(0.01)
        for _ in range(5):
            before = len(kept)
            assert (await vault.rotation.rotate()).destroyed
            while len(kept) == before and not any(each.done() for each in writers):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*writers)
    async with vault_at(home, database, place) as vault:
        assert await opened(vault, kept) == kept
        assert [state.split()[0] for state in await states(vault)] == ["current"]
    assert len(kept) > 5


async def test_a_key_file_from_before_a_rotation_is_waited_for_and_not_used(home: Home, tmp_path: Path) -> None:
    path, old = tmp_path / "kek.json", tmp_path / "old.json"
    with empty_database(home) as database, site("file", tmp_path) as place:
        async with vault_at(home, database, place) as vault:
            kept = await filled(vault)
            old.write_bytes(path.read_bytes())
            await vault.rotation.rotate()
        newest = path.read_bytes()
        path.write_bytes(old.read_bytes())
        async with vault_at(home, database, place) as vault:
            with pytest.raises(KekUnavailableError):
                await filled(vault)
            with pytest.raises(KekUnavailableError):
                await vault.rotation.rotate()
        path.write_bytes(newest)
        async with vault_at(home, database, place) as vault:
            assert await opened(vault, kept) == kept


async def test_a_rotation_is_due_when_the_key_is_old_or_one_was_interrupted(
    home: Home, database: str, place: Site
) -> None:
    async with vault_at(home, database, place) as vault:
        await filled(vault)
        assert not await vault.rotation.is_due(30)
        with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}") as connection:
            connection.execute("UPDATE vault.kek SET known_at = now() - interval '31 days'")
        assert await vault.rotation.is_due(30)
        await vault.rotation.rotate()
        assert not await vault.rotation.is_due(30)
        await place.open().rotate()
        assert await vault.rotation.is_due(30)


async def test_a_hub_of_before_with_keys_without_ids_is_rotated_too(home: Home, tmp_path: Path) -> None:
    with empty_database(home) as database, site("file", tmp_path) as place:
        async with vault_at(home, database, place) as vault:
            kept = await filled(vault)
        with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}") as connection:
            for table in ("secret", "subject", "data_key"):
                connection.execute(f"UPDATE vault.{table} SET kek_id = 'unnamed'".encode())  # noqa: S608 - of the test
            connection.execute("DELETE FROM vault.kek WHERE kek_id <> 'unnamed'")
        async with vault_at(home, database, place) as vault:
            assert await opened(vault, kept) == kept
            done = await vault.rotation.rotate()
            assert await opened(vault, kept) == kept
            assert {state.split()[1] for state in await states(vault)} == {done.current}
            assert len(done.destroyed) == 2
