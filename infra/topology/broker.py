"""The broker's administration in our own words: topics, permissions, users. Every wait has an end.

A future of confluent-kafka without a timeout once hung for ever: nothing here waits without one.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from enum import Enum
from typing import Any, TypeVar, cast

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from infra.home import Home
from infra.topology.acls import Acl
from infra.topology.plan import CreateTopic, TopicState
from schemas.errors import UnavailableError

T = TypeVar("T")
TIMEOUT_S = 30.0
SCRAM_ITERATIONS = 8192
"""Twice the least that Kafka and RFC 7677 allow; the passwords are random and long."""


class BrokerError(UnavailableError):
    """The broker did not answer, or refused an act of administration."""

    code = "broker"


class Broker:
    """The broker of *home*, as its administrator `hub-admin`, with *password* while another one is being set."""

    def __init__(self, home: Home, password: str | None = None) -> None:
        self._admin = AdminClient(
            {
                "bootstrap.servers": home.endpoints().bootstrap,
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": "hub-admin",
                "sasl.password": password or home.password("hub-admin"),
                "ssl.ca.location": str(home.ca_file),
                "log_level": 0,
            }
        )

    def topics(self) -> dict[str, TopicState]:
        """Return every topic with what was set on it."""
        found = self._ask(lambda: self._admin.list_topics(timeout=TIMEOUT_S)).topics
        if not found:
            return {}
        resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in found]
        configs = self._all(lambda: self._admin.describe_configs(resources, request_timeout=TIMEOUT_S))
        own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        return {
            resource.name: TopicState(
                partitions=len(found[resource.name].partitions),
                config={key: entry.value for key, entry in config.items() if entry.source == own},
            )
            for resource, config in configs.items()
        }

    def users(self) -> frozenset[str]:
        """Return who has a password of the one mechanism that the broker takes."""
        asked = self._ask(lambda: self._admin.describe_user_scram_credentials(request_timeout=TIMEOUT_S))
        found = self._wait(cast("Future[dict[str, Any]]", asked))  # of everyone, when nobody is named
        mechanism = ScramMechanism.SCRAM_SHA_512
        return frozenset(
            name
            for name, user in found.items()
            if any(info.mechanism == mechanism for info in user.scram_credential_infos)
        )

    def acls(self) -> frozenset[Acl]:
        """Return every permission, also those that the topology could not have given."""
        anything: Any = None  # the library takes None for "any", its type hints do not say so
        everything = AclBindingFilter(
            ResourceType.ANY,
            anything,
            ResourcePatternType.ANY,
            anything,
            anything,
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        found = self._wait(self._ask(lambda: self._admin.describe_acls(everything, request_timeout=TIMEOUT_S)))
        return frozenset(_acl(binding) for binding in found)

    def create_topics(self, wanted: list[CreateTopic]) -> None:
        """Create *wanted* with the broker's replication factor; what another made meanwhile is fine."""
        new = [NewTopic(each.name, each.partitions, config=dict(each.config)) for each in wanted]
        made = self._ask(lambda: self._admin.create_topics(new, request_timeout=TIMEOUT_S))
        for future in made.values():
            self._wait_unless(KafkaError.TOPIC_ALREADY_EXISTS, future)

    def configure(self, topic: str, settings: Mapping[str, str | None]) -> None:
        """Set *settings* of *topic*; None returns one to the broker's default."""
        entries = [
            ConfigEntry(
                name,
                value or "",
                incremental_operation=AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET,
            )
            for name, value in settings.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        self._all(lambda: self._admin.incremental_alter_configs([resource], request_timeout=TIMEOUT_S))

    def set_passwords(self, passwords: Mapping[str, str]) -> None:
        """Give each user its password."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, SCRAM_ITERATIONS)
        changes: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(name, info, word.encode()) for name, word in passwords.items()
        ]
        self._all(lambda: self._admin.alter_user_scram_credentials(changes, request_timeout=TIMEOUT_S))

    def remove_users(self, names: list[str]) -> None:
        """Take the passwords of *names* away."""
        changes: list[UserScramCredentialAlteration] = [
            UserScramCredentialDeletion(name, ScramMechanism.SCRAM_SHA_512) for name in names
        ]
        self._all(lambda: self._admin.alter_user_scram_credentials(changes, request_timeout=TIMEOUT_S))

    def add_acls(self, wanted: list[Acl]) -> None:
        """Give these permissions."""
        self._all(lambda: self._admin.create_acls([_binding(acl) for acl in wanted], request_timeout=TIMEOUT_S))

    def remove_acls(self, unwanted: list[Acl]) -> None:
        """Take these permissions away, and no other."""
        filters = [_filter(acl) for acl in unwanted]
        self._all(lambda: self._admin.delete_acls(filters, request_timeout=TIMEOUT_S))

    def _all(self, call: Callable[[], Mapping[Any, Future[T]]]) -> dict[Any, T]:
        return {key: self._wait(future) for key, future in self._ask(call).items()}

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except KafkaException as error:
            raise _broker_error(error) from None

    def _wait_unless(self, settled: int, future: Future[None]) -> None:
        """Wait for *future*, whose error *settled* says that it is already so."""
        if (error := future.exception(timeout=TIMEOUT_S)) is None:
            return
        if not isinstance(error, KafkaException) or error.args[0].code() != settled:
            self._wait(future)

    def _wait(self, future: Future[T]) -> T:
        try:
            return future.result(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise _broker_error(error) from None
        except TimeoutError:
            raise BrokerError(f"the broker did not answer within {TIMEOUT_S:.0f} s; see `hub status`") from None


def _broker_error(error: KafkaException) -> BrokerError:
    return BrokerError(f"the broker refused: {error.args[0].str()}; see `hub status`")


def _acl(binding: AclBinding) -> Acl:
    return Acl(
        principal=binding.principal.removeprefix("User:"),
        resource=_word(binding.restype),
        name=binding.name,
        pattern=_word(binding.resource_pattern_type),
        operation=_word(binding.operation),
        permission=_word(binding.permission_type),
        host=binding.host,
    )


def _word(value: object) -> str:
    """Return a member of one of the library's enums as ours: its name in small letters."""
    return cast("Enum", value).name.lower()


def _binding(acl: Acl) -> AclBinding:
    return AclBinding(*_parts(acl))


def _filter(acl: Acl) -> AclBindingFilter:
    return AclBindingFilter(*_parts(acl))


def _parts(
    acl: Acl,
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    return (
        ResourceType[acl.resource.upper()],
        acl.name,
        ResourcePatternType[acl.pattern.upper()],
        f"User:{acl.principal}",
        acl.host,
        AclOperation[acl.operation.upper()],
        AclPermissionType[acl.permission.upper()],
    )
