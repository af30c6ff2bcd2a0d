"""Single requests to the broker, over one connection, for what no client library has a call for.

The forms of the three messages that aiokafka lacks are those of Kafka's protocol guide; versions that Kafka 4 still
takes and that need no optional fields.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Float64,
    Int8,
    Int16,
    Int32,
    Schema,
    String,
    TaggedFields,
)

from infra.kafka import security_of
from infra.topology.credentials import Credentials
from schemas.errors import UnavailableError

REQUEST_MS = 20_000
_SCRAM_SHA_512 = 2
"""Number of the mechanism in the protocol."""


class BrokerUnreachableError(UnavailableError):
    """The broker did not let a principal in, or did not answer it."""

    code = "broker-unreachable"


class AsItIs:
    """A request in one version, whatever else the broker would take."""

    def __init__(self, message: RequestStruct) -> None:
        self._message = message

    def prepare(self, _versions: object) -> RequestStruct:
        """Return the message; aiokafka asks every request for it."""
        return self._message


class Wire:
    """One connection to the broker, signed in as one principal."""

    def __init__(self, connection: AIOKafkaConnection) -> None:
        self._connection = connection

    async def ask(self, request: object) -> Any:
        """Return the broker's answer to *request*; raise BrokerUnreachableError when none comes."""
        try:
            return await self._connection.send(request)
        except (KafkaError, OSError) as error:
            raise BrokerUnreachableError(f"the broker gave no answer ({type(error).__name__})") from None


@asynccontextmanager
async def connected(credentials: Credentials) -> AsyncIterator[Wire]:
    """Sign in as the principal of *credentials*; raise BrokerUnreachableError when the broker refuses, or is away."""
    connection = await _first_of(credentials)
    try:
        yield Wire(connection)
    finally:
        connection.close()


async def _first_of(credentials: Credentials) -> AIOKafkaConnection:
    """Return a connection to the first of the brokers that lets the principal in."""
    security = security_of(credentials)
    del security["bootstrap_servers"]
    refusals: list[str] = []
    for address in credentials.bootstrap.split(","):
        host, _, port = address.rpartition(":")
        connection = AIOKafkaConnection(host, int(port), client_id="hub", request_timeout_ms=REQUEST_MS, **security)
        try:
            await connection.connect()
        except (KafkaError, OSError) as error:
            refusals.append(type(error).__name__)
        else:
            return connection
    raise BrokerUnreachableError(f"no broker let it in ({', '.join(refusals)})")


_ENTITY = Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))


class _AlterQuotasAnswer(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", String("utf-8")), ("entity", _ENTITY))),
    )


class _AlterQuotas(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterQuotasAnswer
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", _ENTITY),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


def alter_quotas(
    entries: list[tuple[list[tuple[str, str | None]], list[tuple[str, float, bool]]]], *, validate_only: bool = False
) -> AsItIs:
    """Set or remove quotas: (entity as (type, name) pairs, operations as (key, value, whether to remove it))."""
    return AsItIs(_AlterQuotas(entries, validate_only))


class _DescribeUsersAnswer(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 50
    API_VERSION = 0
    SCHEMA = Schema(("throttle_time_ms", Int32), ("error_code", Int16))  # what follows is not read


class _DescribeUsers(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    FLEXIBLE_VERSION = True
    API_KEY = 50
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeUsersAnswer
    SCHEMA = Schema(
        ("users", CompactArray(("name", CompactString("utf-8")), ("tags", TaggedFields))), ("tags", TaggedFields)
    )


def describe_users(users: list[str]) -> AsItIs:
    """Ask which mechanisms *users* have passwords for; of the answer only the error code is read."""
    return AsItIs(_DescribeUsers([(name, {}) for name in users], {}))


class _AlterUsersAnswer(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterUsers(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    FLEXIBLE_VERSION = True
    API_KEY = 51
    API_VERSION = 0
    RESPONSE_TYPE = _AlterUsersAnswer
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


def remove_users(users: list[str]) -> AsItIs:
    """Take the SCRAM-SHA-512 passwords of *users* away."""
    return AsItIs(_AlterUsers([(name, _SCRAM_SHA_512, {}) for name in users], [], {}))
