"""How ports are chosen and kept."""

import socket
from dataclasses import astuple
from pathlib import Path

import pytest

from infra.home import LOOPBACK, Home
from infra.settings import Settings
from infra.stack.ports import PortTakenError, choose

NOTHING_RUNS: frozenset[int] = frozenset()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_ports_are_distinct_and_kept(home: Home) -> None:
    first = choose(home, Settings(), NOTHING_RUNS)
    assert len(set(astuple(first)) - {0}) == 5
    assert choose(home, Settings(), NOTHING_RUNS) == first == home.ports


def test_three_brokers_have_two_ports_each_and_are_found_by_all_of_them(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make(brokers=3)
    first = choose(home, Settings(), NOTHING_RUNS)
    assert len({*first.brokers, *first.controllers}) == 6
    assert choose(home, Settings(), NOTHING_RUNS) == first == home.ports
    bootstrap = home.endpoints(must_run=False).bootstrap
    assert bootstrap == ",".join(f"{LOOPBACK}:{port}" for port in first.brokers)


def test_a_kept_port_that_a_stranger_took_is_replaced_and_the_others_stay(home: Home) -> None:
    first = choose(home, Settings(), NOTHING_RUNS)
    with socket.create_server((LOOPBACK, first.kafka)):
        second = choose(home, Settings(), NOTHING_RUNS)
    assert second.kafka != first.kafka
    assert (second.registry, second.postgres) == (first.registry, first.postgres)


def test_a_kept_port_that_our_own_part_holds_stays(home: Home) -> None:
    first = choose(home, Settings(), NOTHING_RUNS)
    with socket.create_server((LOOPBACK, first.kafka)):
        assert choose(home, Settings(), frozenset({first.kafka})) == first


def test_a_port_that_is_set_is_taken_or_refused_by_name(home: Home) -> None:
    with socket.create_server((LOOPBACK, 0)) as stranger:
        taken = stranger.getsockname()[1]
        with pytest.raises(PortTakenError, match="HUB_REGISTRY_PORT"):
            choose(home, Settings(registry_port=taken), NOTHING_RUNS)
    assert choose(home, Settings(registry_port=taken), NOTHING_RUNS).registry == taken
