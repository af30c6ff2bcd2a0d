"""Whose case a parked record delays: the agency, never the reference it uses nor who the case is about."""

import uuid

import psycopg

from infra.home import Home
from streams.parked.shelf import ParkedRecord

LOOKED_FOR_S = 5
LEDGER = "ledger"
ARRIVAL = "in."


def agency_of(home: Home, record: ParkedRecord) -> str | None:
    """Return the agency whose case *record* delays; None when nothing tells, or the vault does not answer in time."""
    if record.id.topic.startswith(ARRIVAL):
        return record.id.topic.removeprefix(ARRIVAL)
    case_id = _case_of(record)
    return None if case_id is None else _in_vault(home, case_id)


def _case_of(record: ParkedRecord) -> uuid.UUID | None:
    """Return the random id of the case, which is the key of the ledger alone."""
    if record.id.topic != LEDGER or record.sequence is None:
        return None
    try:
        return uuid.UUID(record.sequence)
    except ValueError:
        return None


def _in_vault(home: Home, case_id: uuid.UUID) -> str | None:
    """Return whose the case is. The table is by agency and reference: a search by case is bounded in time."""
    try:
        with psycopg.connect(home.dsn("hub_vault"), connect_timeout=LOOKED_FOR_S) as connection:
            connection.execute(f"SET statement_timeout = '{LOOKED_FOR_S}s'")
            row = connection.execute(
                "SELECT agency FROM vault.case_reference WHERE case_id = %s ORDER BY agency LIMIT 1", (case_id,)
            ).fetchone()
    except psycopg.OperationalError:
        return None  # what is known of the record itself is shown all the same
    return None if row is None else str(row[0])
