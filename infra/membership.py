"""The name of a worker in its consumer groups: the same again after a restart, never the same for two at once.

A static member (KIP-345) that comes back within its session takes up its partitions without a rebalance. The name is
of the machine, the home and a slot: a locked file of the home, which the system frees when its process dies.
"""

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from infra.home import Home
from schemas.errors import MisuseError

SLOTS = 64


class TooManyWorkersError(MisuseError):
    """Every slot of the home is taken."""

    code = "too-many-workers"


@contextmanager
def membership(home: Home) -> Iterator[str]:
    """Hold a slot of *home* while the block runs and yield the name of its member; raise TooManyWorkersError."""
    for number in range(1, SLOTS + 1):
        slot = (home.run_dir / f"worker-slot-{number}").open("w")
        if _is_taken(slot):
            slot.close()
            continue
        with slot:
            yield f"{socket.gethostname()}.{home.id[:8]}.{number}"
        return
    raise TooManyWorkersError(f"{SLOTS} workers run on this home already; stop one, or use another machine")


def _is_taken(slot: "IO[str]") -> bool:
    try:
        fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
