"""The whole way: agencies publish, the worker folds, and the tables say what happened without a word of whom."""

import json
import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from infra.cli import build
from infra.home import Home
from projections.catalogue import PROJECTIONS
from projections.reading import Counts, ProjectionsBehindError, counts, wait_for
from projections.status import report, statuses
from tests.publishing import Agency
from tests.running import ensure_worker, records, rows

pytestmark = pytest.mark.stack
MARK = "Invented-Marker"


@pytest.fixture
def hub(home: Home) -> Home:
    ensure_worker(home)
    return home


@pytest.fixture
async def agency(hub: Home) -> AsyncIterator[Agency]:
    async with Agency(hub, "bg-consular-service") as made:
        yield made


def everything_in(home: Home) -> str:
    """Return every value of every table and view of the projections."""
    out = []
    with psycopg.connect(home.dsn("hub_access")) as connection:
        names = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE 'projection%' "
            "AND table_schema NOT LIKE 'projection\\_t%' AND table_name NOT LIKE 't%\\_%'"
        ).fetchall()
        for name in names:
            out += connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(*name))).fetchall()
    return str(out)


def of(found: Counts, agency: Agency) -> dict[str, int]:
    """Return the counts of *agency*, zeros before its first event."""
    return {
        **dict.fromkeys(("published", "accepted", "refused", "duplicates", "ledger"), 0),
        **found.by_agency.get(agency.name, {}),
    }


async def test_counts_follow_what_was_published_and_no_value_of_a_person_is_in_a_table(
    hub: Home, agency: Agency
) -> None:
    wait_for(hub, timeout_s=60)
    before = of(counts(hub), agency)
    case = f"{MARK}-{uuid.uuid4().hex[:8]}"
    changes: dict[str, object] = {"envelope__case_ref": case, "person__full_name": f"{MARK} Person"}
    event = agency.event(**changes)
    referral = agency.event("ReferralOffered", **changes, to_agency="bg-counselling")
    sent = await agency.send_all([event, event, referral, b"\x00nothing that could be read"])
    answers = await agency.answers(sent)
    assert [answers[offset].outcome for offset in sent] == ["ACCEPTED", "DUPLICATE", "ACCEPTED", "REFUSED"]
    wait_for(hub, timeout_s=60)
    after = of(counts(hub), agency)
    assert {name: after[name] - before[name] for name in after} == {
        "published": 4,
        "accepted": 2,
        "refused": 1,
        "duplicates": 1,
        "ledger": 2,
    }
    assert MARK not in everything_in(hub)
    overview = rows(
        hub,
        "SELECT country, events, by_event_type, open_referrals, agencies FROM projections.national_case_overview "
        "WHERE agency = %s AND NOT without_case AND events = 2 AND open_referrals = 1",
        agency.name,
    )
    assert ("BGR", 2, "PersonIdentified 1, ReferralOffered 1", 1, "bg-consular-service, bg-counselling") in overview


async def test_the_ledger_is_counted_to_the_last_event(hub: Home, agency: Agency) -> None:
    await agency.answers(await agency.send_all([agency.event() for _ in range(20)]))
    wait_for(hub, timeout_s=60)
    low = len(records(hub, "ledger"))
    wait_for(hub, timeout_s=60)
    (folded,) = rows(hub, "SELECT sum(records) FROM projections.pipeline_count WHERE measure = 'LEDGER'")[0]
    (in_cases,) = rows(hub, "SELECT sum(events) FROM projections.national_case")[0]
    assert low <= folded <= len(records(hub, "ledger"))
    assert low <= in_cases <= len(records(hub, "ledger"))


def test_a_position_that_is_not_written_yet_is_waited_for_and_named(hub: Home) -> None:
    with pytest.raises(ProjectionsBehindError, match="pipeline"):
        wait_for(hub, {("receipts.rs-police", 0): 10**12}, timeout_s=0.3)


def test_status_and_commands_show_every_projection(hub: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for(hub, timeout_s=60)
    monkeypatch.setattr(Home, "current", lambda: hub)
    names = {each.name for each in PROJECTIONS}
    found = report(hub)["projections"]
    assert isinstance(found, dict)
    assert found.keys() == names == {each.name for each in statuses(hub)}
    assert {one["state"] for one in found.values()} == {"running"}
    app, runner = build(), CliRunner()
    listed = runner.invoke(app, ["projection", "list", "--json"])
    assert {one["name"] for one in json.loads(listed.stdout)["projections"]} == names
    for projection in PROJECTIONS:
        shown = runner.invoke(app, ["projection", "show", projection.name, "--json", "--rows", "2"])
        assert json.loads(shown.stdout).keys() == {sheet.view for sheet in projection.sheets}
        assert runner.invoke(app, ["projection", "show", projection.name]).exit_code == 0


def test_who_serves_others_may_read_the_tables_and_not_write_them(hub: Home) -> None:
    with psycopg.connect(hub.dsn("hub_access")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("DELETE FROM projections.national_case")
