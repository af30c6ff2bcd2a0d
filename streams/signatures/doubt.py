"""Which events a key signed since it is in doubt, as intake remembers them."""

import datetime as dt
from dataclasses import dataclass
from typing import cast

import psycopg

from infra.home import Home
from infra.signing.keys import Keyring
from schemas.errors import MisuseError

_SIGNED = (
    "SELECT agency, event_id::text, received_at, source_offset FROM streams.seen_event "
    "WHERE signed_by = %s AND received_at >= %s ORDER BY received_at, source_offset"
)


class NotDoubtfulError(MisuseError):
    """Nothing that the key signed is in doubt."""

    code = "key-not-doubtful"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """An accepted event that may be another's than the agency's."""

    agency: str
    event_id: str
    received_at: dt.datetime
    source_offset: int


def doubtful(home: Home, ring: Keyring, key_id: str) -> list[Doubtful]:
    """Return what *key_id* signed and is in doubt, the oldest first; raise NotDoubtfulError when nothing can be."""
    revocation = ring.revocations.get(key_id)
    if revocation is None or revocation.doubtful_since is None:
        raise NotDoubtfulError(
            "this key is not revoked with a time since which it is in doubt: `hub key revoke KEY_ID --since TIME`"
        )
    with psycopg.connect(home.dsn("hub_streams")) as connection:
        rows = connection.execute(_SIGNED, (key_id, revocation.doubtful_since)).fetchall()
    return [
        Doubtful(
            agency=str(agency),
            event_id=str(event_id),
            received_at=cast("dt.datetime", received_at).astimezone(dt.UTC),
            source_offset=cast("int", offset),
        )
        for agency, event_id, received_at, offset in rows
    ]
