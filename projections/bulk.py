"""Large folds into the tables of a generation that is being built: COPY, and where keys are met again, a merge.

Rows go straight into a table by COPY for as long as none of its keys comes again; from then on by COPY into a temporary
table and one statement that merges it. Tables and keys go in a fixed order, as in `projections/store.py`.
"""

import psycopg
from psycopg import sql

from projections.rows import Key, Rows, Table, Values
from projections.store import column_names, merging

Connection = psycopg.Connection[tuple[object, ...]]


class BulkWriter:
    """Writes folds through one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._met: set[tuple[str, str]] = set()
        """Tables in which a key came again."""
        self._staged: set[str] = set()

    def write(self, schema: str, rows: Rows) -> None:
        """Add *rows* to their tables in *schema*; part of a transaction."""
        for table in sorted(rows, key=lambda table: table.name):
            several = rows[table]
            if several and not ((schema, table.name) not in self._met and self._copied(schema, table, several)):
                self._merged(schema, table, several)

    def _copied(self, schema: str, table: Table, rows: "dict[Key, Values] | object") -> bool:
        """Whether *rows* could be copied straight in; leaves nothing behind when not."""
        target = sql.Identifier(schema, table.name)
        try:
            with self._connection.transaction():
                self._copy(target, table, rows)
        except psycopg.errors.UniqueViolation:
            self._met.add((schema, table.name))
            return False
        return True

    def _merged(self, schema: str, table: Table, rows: "dict[Key, Values] | object") -> None:
        stage = sql.Identifier("pg_temp", f"stage_{table.name}"[:63])
        if table.name not in self._staged:
            columns = (*table.keys, *table.values)
            declared = sql.SQL(", ").join(
                sql.SQL("{} " + column.type).format(sql.Identifier(column.name)) for column in columns
            )
            statement = sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS")
            self._connection.execute(statement.format(sql.Identifier(f"stage_{table.name}"[:63]), declared))
            self._staged.add(table.name)
        self._copy(stage, table, rows)
        self._connection.execute(merging(schema, table, stage))

    def _copy(self, target: sql.Identifier, table: Table, rows: "dict[Key, Values] | object") -> None:
        assert isinstance(rows, dict)
        columns = column_names((*table.keys, *table.values))
        with (
            self._connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(target, columns)) as copy,
        ):
            for key in sorted(rows):
                copy.write_row((*key, *rows[key]))
