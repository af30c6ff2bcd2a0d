"""A backup from before an erasure brings nobody back: erasures are replayed, and a rotated key opens nothing."""

import datetime as dt
import os
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infra.erasure import orders
from infra.erasure.orders import Order
from infra.erasure.replaying import replay
from infra.home import Home
from infra.settings import settings
from infra.stack.postgres import program
from infra.stack.system_user import system_user
from infra.vault.kek import KekUnavailableError
from infra.vault.vault import Vault
from infra.workplace import workplace
from schemas.codec import Record
from schemas.names import KeyId, SubjectId
from tests.infra.vault.keks import site
from tests.infra.vault.rotating import empty_database, vault_at

pytestmark = pytest.mark.stack
REFERENCES = [("rs-police", "P-1"), ("rs-police", "P-2")]


def postgres(home: Home, database: str, name: str, *arguments: str) -> bytes:
    """Run one of PostgreSQL's own programs on *database* as the administrator; the password is in no argument."""
    place = conninfo_to_dict(f"{home.dsn('hub_admin')} dbname={database}")
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    environment = {names[key]: str(value) for key, value in place.items() if key in names}
    tool = program(name, system_user(settings()))
    return subprocess.run(
        [tool, *arguments], env={**os.environ, **environment}, check=True, capture_output=True, timeout=60
    ).stdout


def back_up(home: Home, database: str, file: Path) -> None:
    file.write_bytes(postgres(home, database, "pg_dump", "--schema=vault", "--no-owner"))


def restore(home: Home, database: str, file: Path) -> None:
    with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}", autocommit=True) as connection:
        connection.execute("DROP SCHEMA vault CASCADE")
    postgres(home, database, "psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}")


async def two_persons(vault: Vault) -> tuple[dict[SubjectId, KeyId], SubjectId, SubjectId]:
    found = await vault.subjects(REFERENCES)  # type: ignore[arg-type]  # agencies by name
    gone, stays = (found[each] for each in REFERENCES)  # type: ignore[index]  # as above
    keys = await vault.keys({f"subject:{each}": str(each) for each in (gone, stays)})
    return {each: keys[f"subject:{each}"].kid for each in (gone, stays)}, gone, stays


async def erase(home: Home, vault: Vault, subject: SubjectId) -> None:
    """Order and destroy, as an erasure does."""
    order = Order(
        erasure_id=str(uuid.uuid4()),
        subject_ids=(subject,),
        reason="UNLAWFUL",
        requested_by="first",
        approved_by="second",
        ordered_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
    )
    async with workplace(home) as place:
        await orders.write(place.credentials("hub-control"), place.codec, "SubjectErased", [order.record])
    await vault.destroy([subject])


async def test_what_a_restore_brings_back_is_destroyed_again_before_anything_starts(home: Home, tmp_path: Path) -> None:
    dump = tmp_path / "backup.sql"
    with site("file", tmp_path) as keks, empty_database(home) as database:
        async with vault_at(home, database, keks) as vault:
            kids, gone, stays = await two_persons(vault)
            back_up(home, database, dump)
            await erase(home, vault, gone)
            assert (await vault.open([kids[gone]]))[kids[gone]] is None
        restore(home, database, dump)
        async with vault_at(home, database, keks) as vault:
            assert (await vault.open([kids[gone]]))[kids[gone]] is not None, "the backup has it: that is the danger"
            async with workplace(home) as place:
                assert await replay(place.credentials("hub-access"), place.codec, vault) >= 2  # key and secret
                assert await replay(place.credentials("hub-access"), place.codec, vault) == 0
            assert (await vault.open([kids[gone]]))[kids[gone]] is None
            assert (await vault.open([kids[stays]]))[kids[stays]] is not None
            assert await vault.erased([gone, stays]) == {gone}


async def test_who_was_declared_one_person_is_one_again_after_a_restore(home: Home, tmp_path: Path) -> None:
    dump = tmp_path / "backup.sql"
    with site("file", tmp_path) as keks, empty_database(home) as database:
        async with vault_at(home, database, keks) as vault:
            _, one, other = await two_persons(vault)
            back_up(home, database, dump)
            older = await vault.same_person(one, other)
            younger = other if older == one else one
            async with workplace(home) as place:
                merged: list[Record] = [{"older": older, "younger": younger}]
                await orders.write(place.credentials("hub-control"), place.codec, "SubjectsMerged", merged)
        restore(home, database, dump)
        async with vault_at(home, database, keks) as vault:
            assert await vault.groups([one, other]) == {}, "the backup does not know it"
            async with workplace(home) as place:
                await replay(place.credentials("hub-access"), place.codec, vault)
            assert await vault.groups([younger]) == {older: frozenset({younger})}


async def test_a_backup_from_before_a_rotation_opens_nothing(home: Home, tmp_path: Path) -> None:
    dump = tmp_path / "backup.sql"
    with site("file", tmp_path) as keks, empty_database(home) as database:
        async with vault_at(home, database, keks) as vault:
            kids, gone, stays = await two_persons(vault)
            back_up(home, database, dump)
            await vault.destroy([gone])
            await vault.rotation.rotate()
            assert (await vault.open([kids[stays]]))[kids[stays]] is not None, "the living are under the new key"
        restore(home, database, dump)
        with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}") as connection:
            held = connection.execute("SELECT wrapped FROM vault.data_key WHERE kid = %s", (kids[gone],)).fetchone()
            assert held is not None
            assert held[0] is not None, "the wrapped key is back"
        async with vault_at(home, database, keks) as vault:
            with pytest.raises(KekUnavailableError):
                await vault.open([kids[gone]])
