"""Rows of the books of deliveries for screens, and moments as people read them."""

import datetime as dt
from typing import cast

import psycopg
from psycopg.rows import dict_row

from infra.home import Home

Row = dict[str, object]


def rows(home: Home, query: str, *values: object, **named: object) -> list[Row]:
    """Return the rows of *query*, with *values* by place or by name."""
    with psycopg.connect(home.dsn("hub_streams"), row_factory=dict_row) as connection:
        return list(connection.execute(query.encode(), named or values).fetchall())


def utc(moment: object) -> str:
    """Return *moment* in UTC, to the second."""
    return f"{cast('dt.datetime', moment).astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
