"""Looks at the servers, and makes them as the topology says. Run twice, the second run changes nothing."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from infra.home import Home
from infra.topology.broker import Broker, BrokerError
from infra.topology.broker_quotas import observe_quotas, set_quotas
from infra.topology.check import require_valid
from infra.topology.model import Topology
from infra.topology.plan import (
    COMPATIBILITY,
    AddAcl,
    AddUser,
    Change,
    ConfigureTopic,
    CreateTopic,
    Plan,
    RegisterSchema,
    RemoveAcl,
    RemoveUser,
    Servers,
    SetCompatibility,
    plan,
    schema_changes,
)
from infra.topology.quotas import SetQuota
from infra.topology.subjects import Subject, subjects
from schemas.errors import UnknownSchemaError
from schemas.registry import Registry

REGISTRY_PATH = "/apis/ccompat/v7"
THREADS = 8
SETTLE_S = 30.0
SETTLE_POLL_S = 0.05
T = TypeVar("T")
Progress = Callable[[int, int, str], None]
"""Called with (done, in total, what was done)."""


def no_progress(_done: int, _total: int, _what: str) -> None:
    """Show nothing."""


@contextmanager
def registry_of(home: Home) -> Iterator[Registry]:
    """Open the registry of *home* with the right to write; nothing is remembered from an earlier run."""
    registry = Registry(
        home.endpoints().registry_url + REGISTRY_PATH,
        ssl_context=home.ssl_context(),
        auth=home.registry_auth(),
    )
    try:
        yield registry
    finally:
        registry.close()


def observe(home: Home, broker: Broker, registry: Registry, wanted: Sequence[Subject]) -> Servers:
    """Return what the servers have; of schemas only whether they hold those of *wanted*."""
    on_registry = _observe_registry(registry, wanted)
    return replace(_observe_broker(home, broker), compatibility=on_registry.compatibility, schemas=on_registry.schemas)


def plan_for(home: Home, topology: Topology, *, prune: bool = False, reset_passwords: bool = False) -> Plan:
    """Return what `apply` would change on the servers of *home*.

    Raises InvalidTopologyError for a topology that breaks its rules, UnavailableError when a server is away.
    """
    wanted = subjects(require_valid(topology))
    with registry_of(home) as registry:
        actual = observe(home, Broker(home), registry, wanted)
    return plan(topology, wanted, actual, prune=prune, reset_passwords=reset_passwords)


def apply(
    home: Home,
    topology: Topology,
    *,
    prune: bool = False,
    reset_passwords: bool = False,
    progress: Progress = no_progress,
) -> Plan:
    """Make the servers of *home* as the topology says and return what was changed; raises as `plan_for`.

    Stopped half-way, it goes on where it was at the next call.
    """
    wanted = subjects(require_valid(topology))
    broker = Broker(home)
    with registry_of(home) as registry:
        actual = observe(home, broker, registry, wanted)
        planned = plan(topology, wanted, actual, prune=prune, reset_passwords=reset_passwords)
        _execute(planned.changes, broker, registry, home, progress)
    if planned.changes:
        _settle(home, broker, topology, prune=prune)
    return planned


def register(
    home: Home, topology: Topology, names: Collection[str], progress: Progress = no_progress
) -> tuple[tuple[Subject, ...], tuple[Change, ...]]:
    """Register the schemas of the event types *names* for every topic that carries them, and nothing else.

    Returns the subjects that hold them now, and what was changed; raises as `apply`.
    """
    wanted = tuple(each for each in subjects(require_valid(topology)) if each.schema["name"] in names)
    with registry_of(home) as registry:
        changes = tuple(schema_changes(wanted, _observe_registry(registry, wanted)))
        _execute_schemas(changes, registry, 0, len(changes), progress)
    return wanted, changes


def _observe_registry(registry: Registry, wanted: Sequence[Subject]) -> Servers:
    existing = registry.subjects()
    candidates = [each for each in wanted if each.name in existing]
    held = _in_parallel(lambda each: _holds(registry, each), candidates, no_progress)
    return Servers(
        compatibility=registry.compatibility(),
        schemas=frozenset((each.name, each.fingerprint) for each, is_held in held if is_held),
    )


def _settle(home: Home, broker: Broker, topology: Topology, *, prune: bool) -> None:
    """Wait until the broker itself lives by the change: its controller has answered before it does."""
    deadline = time.monotonic() + SETTLE_S
    while plan(topology, (), _observe_broker(home, broker), prune=prune).changes:
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker did not take the changes over within {SETTLE_S:.0f} s; run it again")
        time.sleep(SETTLE_POLL_S)


def _observe_broker(home: Home, broker: Broker) -> Servers:
    return Servers(
        topics=broker.topics(),
        users=broker.users(),
        acls=broker.acls(),
        quotas=observe_quotas(home),
        compatibility=COMPATIBILITY,
    )


def _execute(changes: tuple[Change, ...], broker: Broker, registry: Registry, home: Home, progress: Progress) -> None:
    """Carry *changes* out, many at a time: topics, users, then permissions; schemas once their rule holds."""
    done = 0

    def count(some: Sequence[object], what: str) -> None:
        nonlocal done
        done += len(some)
        progress(done, len(changes), what)

    if created := _those(changes, CreateTopic):
        broker.create_topics(created)
        count(created, "topics")
    for change in _those(changes, ConfigureTopic):
        broker.configure(change.name, change.settings)
        count([change], "settings")
    if added := _those(changes, AddUser):
        broker.set_passwords({user.name: home.password(user.name) for user in added})
        count(added, "users")
    if limited := _those(changes, SetQuota):
        set_quotas(home, limited)
        count(limited, "quotas")
    if removed := _those(changes, RemoveAcl):
        broker.remove_acls([change.acl for change in removed])
        count(removed, "permissions")
    if permitted := _those(changes, AddAcl):
        broker.add_acls([change.acl for change in permitted])
        count(permitted, "permissions")
    if gone := _those(changes, RemoveUser):
        broker.remove_users([change.name for change in gone])
        count(gone, "users")
    _execute_schemas(changes, registry, done, len(changes), progress)


def _execute_schemas(changes: Iterable[Change], registry: Registry, done: int, total: int, progress: Progress) -> None:
    for rule in _those(changes, SetCompatibility):
        registry.set_compatibility(rule.level)
        done += 1
        progress(done, total, "compatibility")
    missing = [change.subject for change in _those(changes, RegisterSchema)]
    _in_parallel(
        lambda each: registry.register(each.name, each.schema),
        missing,
        lambda finished, _total, what: progress(done + finished, total, what),
    )


def _those(changes: Iterable[Change], kind: type[T]) -> list[T]:
    return [change for change in changes if isinstance(change, kind)]


def _holds(registry: Registry, subject: Subject) -> bool:
    try:
        registry.id_of(subject.name, subject.schema)
    except UnknownSchemaError:
        return False
    return True


def _in_parallel(call: Callable[[Subject], T], items: Sequence[Subject], progress: Progress) -> list[tuple[Subject, T]]:
    """Return each of *items* with the answer of *call*; the first error ends it."""
    answers: list[tuple[Subject, T]] = []
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        futures = {pool.submit(call, item): item for item in items}
        try:
            for future in as_completed(futures):
                answers.append((futures[future], future.result()))
                progress(len(answers), len(items), "schemas")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return answers
