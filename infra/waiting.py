"""Waiting for a part of the world that is away: which errors mean that, and how long until the next attempt."""

import random

import psycopg
from aiokafka.errors import KafkaError

from schemas.errors import UnavailableError

AWAY = (
    *(TimeoutError, OSError, UnavailableError, KafkaError),
    *(psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError),
)
"""Errors of the world, never of a record. InternalError: the server ended a transaction that stood still too long."""
BACKOFF_S_MAX = 5.0


def pause_s(attempts: int) -> float:
    """Return how long to wait after so many failures in a row: more each time, never the same for all."""
    return min(BACKOFF_S_MAX, 0.2 * 2.0 ** min(attempts, 6)) * random.uniform(0.7, 1.0)  # noqa: S311 - not a secret
