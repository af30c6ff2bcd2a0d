"""How ports are chosen and kept."""

import socket
from dataclasses import astuple
from pathlib import Path

import pytest

from infra.home import LOOPBACK, Home
from infra.settings import Settings
from infra.stack.ports import PortTakenError, choose

NOTHING_RUNS: frozenset[int] = frozenset()


def test_ports_are_distinct_and_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = choose(home, Settings(), NOTHING_RUNS)
    assert len(set(astuple(first))) == 5
    assert choose(home, Settings(), NOTHING_RUNS) == first == home.ports


def test_a_kept_port_that_a_stranger_took_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = choose(home, Settings(), NOTHING_RUNS)
    with socket.create_server((LOOPBACK, first.kafka)):
        second = choose(home, Settings(), NOTHING_RUNS)
    assert second.kafka != first.kafka
    assert (second.registry, second.postgres) == (first.registry, first.postgres)


def test_a_kept_port_that_our_own_part_holds_stays(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = choose(home, Settings(), NOTHING_RUNS)
    with socket.create_server((LOOPBACK, first.kafka)):
        assert choose(home, Settings(), frozenset({first.kafka})) == first


def test_a_port_that_is_set_is_taken_or_refused_by_name(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as stranger:
        taken = stranger.getsockname()[1]
        with pytest.raises(PortTakenError, match="HUB_REGISTRY_PORT"):
            choose(Home(tmp_path), Settings(registry_port=taken), NOTHING_RUNS)
    assert choose(Home(tmp_path), Settings(registry_port=taken), NOTHING_RUNS).registry == taken
