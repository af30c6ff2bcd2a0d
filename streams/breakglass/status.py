"""What `hub status` says of break-glass: accesses that are open, and reviews that wait or are overdue."""

import psycopg

from infra.clock import now_in
from infra.home import Home
from schemas.errors import HubError

UNKNOWN = {"state": "unknown: a server does not answer"}
_COUNTS = """
SELECT count(*) FILTER (WHERE until > %(now)s), count(*) FILTER (WHERE until <= %(now)s AND review_by > %(now)s),
    count(*) FILTER (WHERE review_by <= %(now)s)
FROM vault.breakglass a WHERE act = 'APPROVED'
    AND NOT EXISTS (SELECT FROM vault.breakglass r WHERE r.access_id = a.access_id AND r.act = 'REVIEWED')
"""


def report(home: Home) -> dict[str, object]:
    """Return `breakglass` for the status of *home*."""
    try:
        with psycopg.connect(home.dsn("hub_vault"), connect_timeout=3) as connection:
            row = connection.execute(_COUNTS, {"now": now_in(home)}).fetchone()
    except (HubError, psycopg.Error, OSError):
        return {"breakglass": UNKNOWN}
    opened, waiting, overdue = row or (0, 0, 0)
    return {"breakglass": {"open": opened, "to_review": waiting, "reviews_overdue": overdue}}
