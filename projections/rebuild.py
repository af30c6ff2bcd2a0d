"""Folding a projection anew from the beginning of its topics."""

import psycopg
from psycopg import sql

from infra.database import DatabaseUnavailableError
from infra.home import Home
from projections.projection import Projection


def rebuild(home: Home, projection: Projection) -> None:
    """Empty the tables of *projection* and take its checkpoints away, in one transaction.

    A running worker finds its checkpoint gone and begins at the start of each topic; until it has caught up, the
    tables hold less. Raises DatabaseUnavailableError.
    """
    try:
        with psycopg.connect(home.dsn("hub_projections"), connect_timeout=3) as connection:
            # Every batch begins by locking its checkpoint: this waits for those being written, and the next ones wait.
            connection.execute("LOCK TABLE projections.checkpoint IN EXCLUSIVE MODE")
            connection.execute("DELETE FROM projections.checkpoint WHERE projection = %s", (projection.name,))
            for table in projection.tables:
                connection.execute(sql.SQL("DELETE FROM projections.{}").format(sql.Identifier(table.name)))
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"PostgreSQL does not answer ({type(error).__name__}); run `hub up`") from None
