"""Nobody who was erased is in a case, in whatever order events and erasures are folded, live or built anew."""

import datetime as dt
import itertools
import uuid

import psycopg
import pytest
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from infra.erasure.saga import ErasureDesk
from infra.home import Home
from infra.workplace import workplace
from projections.national_cases import ERASED, NATIONAL_CASES, SUBJECT
from projections.rows import Row, fold
from projections.store import write
from schemas.names import AgencyId
from tests.publishing import Agency
from tests.running import ensure_worker, rows, wait_until

pytestmark = pytest.mark.stack
CASE_ID = str(uuid.UUID(int=1))
AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


def steps() -> list[Row]:
    """Return three persons of a case, one of them under two ids, and the erasure of that one."""
    people = [SUBJECT.row(CASE_ID, str(uuid.UUID(int=n)), first_received_at=AT) for n in range(1, 5)]
    return [*people, *(ERASED.row(str(uuid.UUID(int=n)), ordered_at=AT) for n in (2, 3))]


async def test_the_order_of_events_and_erasures_makes_no_difference(home: Home) -> None:
    found = set()
    for number, order in enumerate(itertools.islice(itertools.permutations(steps()), 0, None, 37)):
        schema = f"erased_{uuid.uuid4().hex[:10]}"
        with psycopg.connect(home.dsn("hub_admin"), autocommit=True) as admin:
            admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
            admin.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
            admin.execute(NATIONAL_CASES.definition.encode())
            admin.execute("RESET search_path")
        try:
            async with AsyncConnectionPool(home.dsn("hub_admin"), min_size=1, open=False) as pool:
                cut = number % (len(order) + 1)
                for several in (order[:cut], order[cut:]):  # two batches, each a transaction
                    async with pool.connection() as transaction:
                        await write(transaction, schema, fold(several))
            with psycopg.connect(home.dsn("hub_admin")) as admin:
                query = "SELECT subject_id::text FROM {} ORDER BY subject_id"
                kept = admin.execute(sql.SQL(query).format(sql.Identifier(schema, SUBJECT.name))).fetchall()
                found.add(tuple(row[0] for row in kept))
        finally:
            with psycopg.connect(home.dsn("hub_admin"), autocommit=True) as admin:
                admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(schema)))
    assert found == {(str(uuid.UUID(int=1)), str(uuid.UUID(int=4)))}


async def test_an_erased_person_leaves_the_live_case_and_is_in_no_new_one(home: Home) -> None:
    ensure_worker(home)
    agency, reference = AgencyId("rs-police"), f"P-{uuid.uuid4().hex[:12]}8"
    async with Agency(home, agency) as police:
        offset = await police.send(police.event(person__person_ref=reference))
        assert (await police.answers([offset]))[offset].outcome == "ACCEPTED"
    async with workplace(home) as place, place.pool("hub_vault", 3, by_statement=True) as pool:
        desk = ErasureDesk(place, pool)
        subject = await desk.vault.known((agency, reference))
        assert subject is not None

        def cases() -> int:
            query = "SELECT count(*) FROM projections.national_case_subject WHERE subject_id = %s"
            return int(rows(home, query, subject)[0][0])

        wait_until(lambda: cases() == 1, "the person is in a case")
        await desk.approve((await desk.ask(subject, "UNLAWFUL", "first")).erasure_id, "second")
        wait_until(lambda: cases() == 0, "the projection is swept")
