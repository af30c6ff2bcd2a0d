"""Which events a key signed since it is in doubt, as intake remembers them, and which partners got them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import cast

import psycopg
from aiokafka.errors import KafkaError

from infra.control_log import ControlUnavailableError
from infra.home import Home
from infra.signing.keys import Keyring
from infra.workplace import Workplace
from schemas.errors import MisuseError
from streams.auditing.history import decisions_of

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
    since = ring.doubtful_since(key_id)
    if since is None:
        raise NotDoubtfulError(
            "this key is not revoked with a time since which it is in doubt: `hub key revoke KEY_ID --since TIME`"
        )
    with psycopg.connect(home.dsn("hub_streams")) as connection:
        rows = connection.execute(_SIGNED, (key_id, since)).fetchall()
    return [
        Doubtful(
            agency=str(agency),
            event_id=str(event_id),
            received_at=cast("dt.datetime", received_at).astimezone(dt.UTC),
            source_offset=cast("int", offset),
        )
        for agency, event_id, received_at, offset in rows
    ]


async def recipients(place: Workplace, event_ids: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return the partners to whom each of *event_ids* was released, as the topic of decisions tells.

    Raises ControlUnavailableError when the broker is away.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    try:
        decisions = await decisions_of(place, event_ids)
    except (KafkaError, OSError) as error:
        raise ControlUnavailableError(f"the decisions cannot be read ({type(error).__name__})") from None
    for decision in decisions:
        if decision["outcome"] == "RELEASED":
            found[str(decision["event_id"]).lower()].add(str(decision["audience"]))
    return {event_id: frozenset(partners) for event_id, partners in found.items()}
