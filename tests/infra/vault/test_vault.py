"""The vault on the real database: the same answers for ever and for everybody, nothing in clear, nobody else."""

import asyncio
import multiprocessing
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.vault.holders import LEDGER, holder_of_agency, holder_of_subject
from infra.vault.keyset_file import KeysetFileKek
from infra.vault.vault import Vault
from schemas.names import AgencyId, PartnerId, SubjectId
from tests.running import rows

pytestmark = pytest.mark.stack
AGENCY = AgencyId("rs-police")


@asynccontextmanager
async def vault_of(home: Home) -> AsyncIterator[Vault]:
    async with AsyncConnectionPool(home.dsn("hub_vault"), min_size=1, max_size=4, open=False) as pool:
        yield Vault(pool, KeysetFileKek.create_if_missing(home.secrets_dir / "kek.json"))


def fresh(count: int = 1) -> list[tuple[AgencyId, str]]:
    return [(AGENCY, f"P-canary-{uuid.uuid4().hex}") for _ in range(count)]


async def test_a_reference_means_the_same_person_for_ever_and_another_for_another_agency(home: Home) -> None:
    (mine,) = fresh()
    other = (AgencyId("bg-police"), mine[1])
    async with vault_of(home) as vault:
        first = await vault.subjects([mine, other])
        cases = await vault.cases([mine])
    async with vault_of(home) as vault:
        assert await vault.subjects([other, mine]) == first
        assert await vault.cases([mine]) == cases
    assert len({*first.values(), *cases.values()}) == 3
    assert all(uuid.UUID(found).version == 4 for found in first.values())


async def test_asking_for_nothing_gives_nothing(home: Home) -> None:
    async with vault_of(home) as vault:
        assert (await vault.subjects([]), await vault.keys({}), await vault.open([])) == ({}, {}, {})
        assert await vault.pseudonyms(PartnerId("europol"), 2026, []) == {}


def in_a_process(folder: str, references: list[tuple[AgencyId, str]], turn: int) -> tuple[object, object, object]:
    async def ask() -> tuple[object, object, object]:
        async with vault_of(Home(Path(folder))) as vault:
            order = references[turn:] + references[:turn]
            subjects = await vault.subjects(order)
            holders = {holder_of_subject(subject): str(subject) for subject in subjects.values()}
            keys = await vault.keys(holders)
            return subjects, await vault.cases(order), {holder: key.secret for holder, key in keys.items()}

    return asyncio.run(ask())


def test_processes_that_ask_at_once_get_the_same_answers(home: Home) -> None:
    references = fresh(150)
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("spawn")) as pool:
        asked = [pool.submit(in_a_process, str(home.path), references, turn) for turn in (0, 50, 100)]
        first, *others = [each.result(60) for each in asked]
    assert all(other == first for other in others)
    assert len(set(first[0].values())) == 150  # type: ignore[attr-defined]


async def test_a_key_is_its_recipients_alone(home: Home) -> None:
    async with vault_of(home) as vault:
        subjects = await vault.subjects(fresh())
        (subject,) = subjects.values()
        holder = holder_of_subject(subject)
        found = {
            recipient: (await vault.keys({holder: f"name for {recipient}"}, PartnerId(recipient)))[holder]
            for recipient in ("europol", "selec", LEDGER)
        }
    assert len({key.secret for key in found.values()}) == len({key.kid for key in found.values()}) == 3
    async with vault_of(home) as vault:
        for recipient, key in found.items():
            for other in found:
                expected = key.secret if other == recipient else None
                assert await vault.open([key.kid], other) == {key.kid: expected}


async def test_a_key_that_was_made_for_a_partner_does_not_open_for_the_ledger_even_from_the_cache(home: Home) -> None:
    async with vault_of(home) as vault:
        holder = holder_of_agency(AgencyId(f"agency-{uuid.uuid4().hex[:8]}"))
        key = (await vault.keys({holder: "a"}, PartnerId("europol")))[holder]
        assert await vault.open([key.kid]) == {key.kid: None}


async def test_a_destroyed_key_is_never_made_again(home: Home) -> None:
    async with vault_of(home) as vault:
        (subject,) = (await vault.subjects(fresh())).values()
        holder = holder_of_subject(subject)
        key = (await vault.keys({holder: str(subject)}))[holder]
    with psycopg.connect(home.dsn("hub_vault")) as connection:
        connection.execute("UPDATE vault.data_key SET wrapped = NULL, destroyed_at = now() WHERE kid = %s", (key.kid,))
    async with vault_of(home) as vault:
        assert await vault.keys({holder: str(subject)}) == {}
        assert await vault.open([key.kid]) == {key.kid: None}


async def test_a_pseudonym_is_the_recipients_and_the_years_own(home: Home) -> None:
    async with vault_of(home) as vault:
        subjects = list((await vault.subjects(fresh(2))).values())
        names = [
            await vault.pseudonyms(PartnerId(partner), year, subjects)
            for partner in ("europol", "selec")
            for year in (2026, 2027)
        ]
        again = await vault.pseudonyms(PartnerId("europol"), 2026, subjects)
    assert again == names[0]
    assert len({name for each in names for name in each.values()}) == 8
    assert all(len(name) == 26 for each in names for name in each.values())


async def test_an_erased_person_has_no_pseudonym(home: Home) -> None:
    async with vault_of(home) as vault:
        one, other = (await vault.subjects(fresh(2))).values()
        with psycopg.connect(home.dsn("hub_vault")) as connection:
            connection.execute("UPDATE vault.subject SET wrapped_secret = NULL WHERE subject_id = %s", (one,))
        assert (await vault.pseudonyms(PartnerId("europol"), 2026, [one, other])).keys() == {other}


async def test_nothing_that_an_agency_said_is_in_any_table(home: Home) -> None:
    (reference,) = fresh()
    async with vault_of(home) as vault:
        (subject,) = (await vault.subjects([reference])).values()
        await vault.cases([reference])
        key = (await vault.keys({holder_of_subject(subject): str(subject)}))[holder_of_subject(subject)]
    tables = rows(
        home,
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname IN ('vault', 'streams', 'hub', 'projections')",
    )
    assert ("vault.data_key",) in tables
    for (table,) in tables:
        for secret in (reference[1], reference[1].encode().hex(), key.secret.hex()):
            query = f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE %s"  # noqa: S608 - from the catalogue
            assert rows(home, query, f"%{secret}%") == [(0,)], table


@pytest.mark.parametrize("role", ["hub_streams", "hub_projections", "hub_access", "hub_reader"])
@pytest.mark.parametrize("table", ["secret", "subject", "subject_reference", "case_reference", "data_key"])
def test_no_other_role_reads_the_vault(home: Home, role: str, table: str) -> None:
    with psycopg.connect(home.dsn(role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM vault.{table}")  # noqa: S608 - a name of the test


@pytest.mark.parametrize("table", ["secret", "subject", "subject_reference", "case_reference", "data_key"])
def test_the_vaults_own_role_deletes_nothing(home: Home, table: str) -> None:
    with psycopg.connect(home.dsn("hub_vault")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"DELETE FROM vault.{table}")  # noqa: S608 - a name of the test


async def test_a_database_that_is_away_is_no_fault_of_the_record(tmp_path: Path) -> None:
    pool = AsyncConnectionPool(
        "host=127.0.0.1 port=1 connect_timeout=1", min_size=0, max_size=1, open=False, timeout=0.3
    )
    await pool.open()
    try:
        with pytest.raises(DatabaseUnavailableError):
            await Vault(pool, KeysetFileKek.create_if_missing(tmp_path / "kek.json")).keys(
                {holder_of_subject(SubjectId("s")): "s"}
            )
    finally:
        await pool.close()
