"""Ports on loopback: set by the site, or chosen free once and kept while nobody else takes them."""

import random
import socket
from collections.abc import Mapping
from dataclasses import asdict

from infra.home import BROKER_PORT_NAMES, LOOPBACK, PORT_NAMES, Home, Ports, StackDownError
from infra.settings import Settings
from schemas.errors import UnavailableError

# Below the range from which systems take the ports of outgoing connections: a kept port stays free.
_RANGE = range(20_000, 32_000)
_ATTEMPTS = 200


class PortTakenError(UnavailableError):
    """Another program listens on a port that the site set."""

    code = "port-taken"


def choose(home: Home, settings: Settings, ours: frozenset[int]) -> Ports:
    """Return the ports for this start and keep them; *ours* are held by running parts of this home.

    Raises PortTakenError when a port that is set belongs to another program.
    """
    kept = _kept(home)
    chosen: dict[str, int] = {}
    names = PORT_NAMES if home.brokers == 1 else PORT_NAMES + BROKER_PORT_NAMES
    for name in names:
        wanted: int | None = getattr(settings, f"{name}_port", None)  # those of more brokers are never set
        if wanted is not None and wanted not in ours and not is_free(wanted):
            raise PortTakenError(f"port {wanted} is taken by another program: set HUB_{name.upper()}_PORT to another")
        chosen[name] = wanted or _keep_or_draw(kept.get(name), ours, set(chosen.values()))
    ports = Ports(**chosen)
    home.keep_ports(ports)
    return ports


def is_free(port: int) -> bool:
    """Whether a server can listen on *port* of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _kept(home: Home) -> Mapping[str, int]:
    try:
        ports = home.ports
    except StackDownError:
        return {}
    return {name: port for name, port in asdict(ports).items() if port}


def _keep_or_draw(kept: int | None, ours: frozenset[int], taken: set[int]) -> int:
    if kept is not None and kept not in taken and (kept in ours or is_free(kept)):
        return kept
    for _ in range(_ATTEMPTS):
        port = random.choice(_RANGE)  # noqa: S311  not a secret
        if port not in taken and is_free(port):
            return port
    raise PortTakenError(f"no free port between {_RANGE.start} and {_RANGE.stop}")
