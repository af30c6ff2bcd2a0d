"""Workers cannot take all connections of the database: the registry and whoever reads keep theirs."""

import psycopg
import pytest

from infra.home import Home
from infra.stack.postgres import OWNER

pytestmark = pytest.mark.stack
WORKERS = ("hub_streams", "hub_vault", "hub_projections")
KEPT = 60
"""For the registry, the access server, readers, commands and operators."""


def test_all_workers_together_leave_connections_to_the_others(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as connection:
        query = "SELECT rolconnlimit FROM pg_roles WHERE rolname = ANY(%s)"
        limits = [limit for (limit,) in connection.execute(query, (list(WORKERS),)).fetchall()]
        (most,) = connection.execute("SELECT current_setting('max_connections')::int").fetchone() or (0,)
    assert len(limits) == len(WORKERS)
    assert min(limits) > 0, "-1 is no limit"
    assert sum(limits) + KEPT <= most


def test_four_workers_at_once_have_enough(home: Home) -> None:
    sizes = {"hub_streams": 24 + 4 + 2 + 2, "hub_vault": 10 + 3, "hub_projections": 8}
    with psycopg.connect(home.dsn(OWNER)) as connection:
        found = connection.execute(
            "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = ANY(%s)", (list(WORKERS),)
        ).fetchall()
    assert {role: limit >= 4 * sizes[role] for role, limit in found} == dict.fromkeys(WORKERS, True)
