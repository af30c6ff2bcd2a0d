"""How each cell of the matrix is tried on a broker without changing anything: a request, and what its answers prove.

Kafka looks at the right before it looks at the rest of a request. So every probe asks for what cannot be done: whoever
has no right is told just that (codes in REFUSED), whoever has it is told what else is wrong. Any other answer proves
nothing, and counts as a difference. Should a right be there by mistake, still nothing happens:

  topic write             a batch without records                              INVALID_RECORD
  topic read              a fetch behind the end of all offsets: no record     OFFSET_OUT_OF_RANGE
  topic describe          metadata of the topic by its name                    none
  topic delete            records before an offset behind the end              OFFSET_OUT_OF_RANGE
  topic create            the name is taken, and the request only validates    TOPIC_ALREADY_EXISTS
  topic alter             no partition more, and it only validates             INVALID_PARTITIONS
  topic describe_configs  of no setting                                        none
  topic alter_configs     a setting that does not exist, and it only validates INVALID_CONFIG
  group read              a heartbeat of a member that does not exist          UNKNOWN_MEMBER_ID
  group describe          a group that does not exist                          none, GROUP_ID_NOT_FOUND
  group delete            a group that does not exist                          GROUP_ID_NOT_FOUND
  transactional_id write  the end of a transaction of an id without producer   INVALID_PRODUCER_ID_MAPPING
  … describe              its coordinator                                      none
  cluster …               permissions: one on a cluster that does not exist, INVALID_REQUEST; those of nobody, none;
                          users: one that does not exist, RESOURCE_NOT_FOUND; settings: one as it is,
                          quotas: of nobody, and both only validate, none or INVALID_CONFIG

Deleting a topic is not tried: the right is the same as that to records, and a mistake would cost the topic.
Where several brokers share the work, NOT_LEADER and NOT_COORDINATOR come after the right as well.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.protocol import admin
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import EndTxnRequest

from infra.kafka_wire import AsItIs, alter_quotas, describe_users, remove_users
from infra.topology.matrix import CLUSTER, Cell

REFUSED = frozenset({29, 30, 31, 53})
"""TOPIC_, GROUP_, CLUSTER_ and TRANSACTIONAL_ID_AUTHORIZATION_FAILED."""
NONE, OUT_OF_RANGE, NOT_LEADER, COORDINATOR_AWAY, NOT_COORDINATOR = 0, 1, 6, 15, 16
UNKNOWN_MEMBER, ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG, INVALID_REQUEST = 25, 36, 37, 40, 42
UNKNOWN_PRODUCER, GROUP_NOT_FOUND, INVALID_RECORD, RESOURCE_NOT_FOUND = 49, 69, 87, 91

BEHIND_THE_END = 2**63 - 1
TAIL = "matrix-probe"
"""No group and no transactional id of the hub ends in it."""
NOBODY = "matrix-probe-nobody"
NO_SETTING = "hub.matrix.probe"
CLEANERS = ("log.cleaner.threads", "1")
"""A setting of brokers and its default: one that does not exist is refused before the right is looked at."""
TIMEOUT_MS = 10_000
TOPIC, BROKER, ANY_CLUSTER, LITERAL, ALL, ALLOW = 2, 4, 4, 3, 2, 3
"""Numbers of Kafka: types of resources and of settings, pattern, operation, permission."""

Codes = Callable[[Any], Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request that tries one operation on some resources."""

    names: tuple[str, ...]
    """Of the cells that it tries."""
    request: object
    codes: Codes
    """Error code per name, out of the answer."""
    proofs: frozenset[int]
    """Codes that only those get who have the right."""


def probes_for(cells: Sequence[Cell]) -> Iterator[tuple[tuple[Cell, ...], Probe]]:
    """Yield the probes that try *cells*, which are of one principal, each with the cells that it tries."""
    kinds: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        kinds.setdefault((cell.resource, cell.operation), []).append(cell)
    for kind, some in kinds.items():
        by_name = {cell.name: cell for cell in some}
        for probe in PROBES[kind](tuple(by_name)):
            yield tuple(by_name[name] for name in probe.names), probe


Maker = Callable[[tuple[str, ...]], Iterator[Probe]]


def _at_once(request: Callable[[tuple[str, ...]], object], codes: Codes, *proofs: int) -> Maker:
    """Return what tries all names in one request."""

    def make(names: tuple[str, ...]) -> Iterator[Probe]:
        yield Probe(names=names, request=request(names), codes=codes, proofs=frozenset(proofs))

    return make


def _one_by_one(request: Callable[[str], object], *proofs: int) -> Maker:
    """Return what tries each name in a request of its own, whose answer is one code."""

    def make(names: tuple[str, ...]) -> Iterator[Probe]:
        for name in names:
            yield Probe(names=(name,), request=request(name), codes=_same_for((name,)), proofs=frozenset(proofs))

    return make


def _same_for(names: tuple[str, ...]) -> Codes:
    return lambda answer: dict.fromkeys(names, int(answer.error_code))


def _on_cluster(request: Callable[[], object], code: Callable[[Any], int], *proofs: int) -> Maker:
    return _at_once(lambda _names: request(), lambda answer: {CLUSTER: code(answer)}, *proofs)


def _of_partitions(place: int) -> Codes:
    """Return how to read an answer of topics with partitions, whose error code stands at *place*."""
    return lambda answer: {str(topic): int(partitions[0][place]) for topic, partitions in answer.topics}


def _of_settings(answer: Any) -> Mapping[str, int]:
    return {str(row[3]): int(row[0]) for row in answer.resources}


def _metadata_codes(answer: Any) -> Mapping[str, int]:
    return {str(row[1]): int(row[0]) for row in answer.topics}


def _group(owner: str) -> str:
    return f"{owner}.{TAIL}"


def _owner(group: str) -> str:
    return group.removesuffix(f".{TAIL}")


def _group_description_codes(answer: Any) -> Mapping[str, int]:
    return {_owner(row[1]): int(row[0]) for row in answer.groups}


def _group_deletion_codes(answer: Any) -> Mapping[str, int]:
    return {_owner(group): int(code) for group, code in answer.results}


PROBES: Mapping[tuple[str, str], Maker] = {
    ("topic", "write"): _at_once(
        lambda names: ProduceRequest(None, 1, TIMEOUT_MS, [(name, [(0, b"")]) for name in names]),
        _of_partitions(1),
        INVALID_RECORD,
    ),
    ("topic", "read"): _at_once(
        lambda names: FetchRequest(0, 0, 1, 0, [(name, [(0, BEHIND_THE_END, 1)]) for name in names]),
        lambda answer: {str(topic): int(partitions[0][1]) for topic, partitions in answer.topics},
        OUT_OF_RANGE,
        NOT_LEADER,
    ),
    ("topic", "describe"): _at_once(
        lambda names: MetadataRequest(list(names), allow_auto_topic_creation=False), _metadata_codes, NONE
    ),
    ("topic", "delete"): _at_once(
        lambda names: admin.DeleteRecordsRequest([(name, [(0, BEHIND_THE_END)]) for name in names], TIMEOUT_MS),
        lambda answer: {str(row[0]): int(row[1][0][2]) for row in answer.topics},
        OUT_OF_RANGE,
        NOT_LEADER,
    ),
    ("topic", "create"): _at_once(
        lambda names: admin.CreateTopicsRequest([(name, 1, 1, [], []) for name in names], TIMEOUT_MS, True),
        lambda answer: {str(row[0]): int(row[1]) for row in answer.topic_errors},
        ALREADY_EXISTS,
    ),
    ("topic", "alter"): _at_once(
        lambda names: admin.CreatePartitionsRequest([(name, (1, None)) for name in names], TIMEOUT_MS, True),
        lambda answer: {str(row[0]): int(row[1]) for row in answer.topic_errors},
        INVALID_PARTITIONS,
    ),
    ("topic", "describe_configs"): _at_once(
        lambda names: admin.DescribeConfigsRequest([(TOPIC, name, []) for name in names]), _of_settings, NONE
    ),
    ("topic", "alter_configs"): _at_once(
        lambda names: admin.AlterConfigsRequest([(TOPIC, name, [(NO_SETTING, "1")]) for name in names], True),
        _of_settings,
        INVALID_CONFIG,
    ),
    ("group", "read"): _one_by_one(
        lambda owner: HeartbeatRequest(_group(owner), 1, TAIL), UNKNOWN_MEMBER, NOT_COORDINATOR
    ),
    ("group", "describe"): _at_once(
        lambda owners: AsItIs(admin.DescribeGroupsRequest_v1([_group(owner) for owner in owners])),
        _group_description_codes,
        NONE,
        GROUP_NOT_FOUND,
        NOT_COORDINATOR,
    ),
    ("group", "delete"): _at_once(
        lambda owners: admin.DeleteGroupsRequest([_group(owner) for owner in owners]),
        _group_deletion_codes,
        GROUP_NOT_FOUND,
        NOT_COORDINATOR,
    ),
    ("transactional_id", "write"): _one_by_one(
        lambda prefix: EndTxnRequest(f"{prefix}{TAIL}", 0, 0, False),
        UNKNOWN_PRODUCER,
        NOT_COORDINATOR,
    ),
    ("transactional_id", "describe"): _one_by_one(
        lambda prefix: FindCoordinatorRequest(f"{prefix}{TAIL}", 1), NONE, COORDINATOR_AWAY
    ),
    ("cluster", "describe_acls"): _on_cluster(
        lambda: admin.DescribeAclsRequest(ANY_CLUSTER, CLUSTER, LITERAL, f"User:{NOBODY}", "*", ALL, ALLOW),
        lambda answer: int(answer.error_code),
        NONE,
    ),
    ("cluster", "create_acls"): _on_cluster(
        lambda: admin.CreateAclsRequest(ANY_CLUSTER, NOBODY, LITERAL, f"User:{NOBODY}", "*", ALL, ALLOW),
        lambda answer: int(answer.creation_responses[0][0]),
        INVALID_REQUEST,
    ),
    ("cluster", "delete_acls"): _on_cluster(
        lambda: admin.DeleteAclsRequest(ANY_CLUSTER, CLUSTER, LITERAL, f"User:{NOBODY}", "*", ALL, ALLOW),
        lambda answer: int(answer.filter_responses[0][0]),
        NONE,
    ),
    ("cluster", "describe_users"): _on_cluster(
        lambda: describe_users([NOBODY]), lambda answer: int(answer.error_code), NONE
    ),
    ("cluster", "alter_users"): _on_cluster(
        lambda: remove_users([NOBODY]), lambda answer: int(answer.results[0][1]), RESOURCE_NOT_FOUND
    ),
    ("cluster", "describe_configs"): _on_cluster(
        lambda: admin.DescribeConfigsRequest([(BROKER, "", [])]), lambda answer: int(answer.resources[0][0]), NONE
    ),
    ("cluster", "alter_configs"): _on_cluster(
        lambda: admin.AlterConfigsRequest([(BROKER, "", [CLEANERS])], True),
        lambda answer: int(answer.resources[0][0]),
        NONE,
        INVALID_CONFIG,
    ),
    ("cluster", "describe_quotas"): _on_cluster(
        lambda: admin.DescribeClientQuotasRequest([("user", 0, NOBODY)], True),
        lambda answer: int(answer.error_code),
        NONE,
    ),
    ("cluster", "alter_quotas"): _on_cluster(
        lambda: alter_quotas([([("user", NOBODY)], [("producer_byte_rate", 1.0, False)])], validate_only=True),
        lambda answer: int(answer.entries[0][0]),
        NONE,
    ),
}
"""What tries each kind of cell."""
