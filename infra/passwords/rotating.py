"""Changes passwords so that a kill at any moment leaves something that works, or that the same command repairs.

The order for each: the new password is written to a file beside the old one; then the server gets it; then the file
takes the old one's place. Killed before the server has it, the old one holds. Killed after, the file beside still says
what the server has: the next `hub credentials rotate`, and the next `hub up`, finish what was begun.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import psycopg

from infra.home import Home
from infra.operator import operator_name
from infra.passwords.changing import change_in_database, change_on_broker, database_owner
from infra.passwords.drafts import Credential, adopt, draft_of, pending
from infra.settings import settings
from infra.stack import supervisor, worker
from infra.topology.model import Topology

Progress = Callable[[int, int, str], None]
Tell = Callable[[str, str], None]


def rotate(home: Home, wanted: Iterable[Credential], progress: Progress) -> tuple[Credential, ...]:
    """Give each of *wanted* a new random password, those first whose change was interrupted; return them in order.

    Who did it and when is in hub.credential_rotation, from before the change. Raises UnavailableError when a server is
    away: then run it again.
    """
    with _one_at_a_time(home), database_owner(home) as connection:
        order = tuple(dict.fromkeys((*pending(home), *wanted)))
        for number, credential in enumerate(order):
            progress(number, len(order), str(credential))
            _rotate_one(home, connection, credential)
        progress(len(order), len(order), "done")
    return order


def finish_interrupted(home: Home) -> tuple[Credential, ...]:
    """Finish changes that were begun and not finished; return them."""
    return rotate(home, (), lambda _done, _total, _what: None) if pending(home) else ()


def take_over(home: Home, topology: Topology, changed: Iterable[Credential], tell: Tell) -> None:
    """Let the hub's own servers and processes that signed in with an old one of *changed* begin anew."""
    outside = topology.organisations()
    if all(each.server == "broker" and each.name in outside for each in changed):
        return
    supervisor.start(home, settings(), tell, lambda _home, _tell: None)
    if worker.stop(home):
        worker.start(home)
        tell("worker", "restarted")


def _rotate_one(home: Home, connection: psycopg.Connection, credential: Credential) -> None:
    (number,) = connection.execute(
        "INSERT INTO hub.credential_rotation (credential, server, by_whom) VALUES (%s, %s, %s) RETURNING number",
        (credential.name, credential.server, operator_name()),
    ).fetchone() or (0,)
    password = draft_of(home, credential)
    match credential.server:
        case "broker":
            change_on_broker(home, credential.name, password)
        case "database":
            change_in_database(connection, credential.name, password)
        case "registry":
            pass  # it reads its users when it starts, which `take_over` sees to
    adopt(home, credential)
    connection.execute("UPDATE hub.credential_rotation SET completed_at = now() WHERE number = %s", (number,))


@contextmanager
def _one_at_a_time(home: Home) -> Iterator[None]:
    with (home.run_dir / "rotating.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
