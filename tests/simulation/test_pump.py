"""Whatever dies, freezes, goes away or comes back at whatever step: every record once, in order, and none is lost.

HUB_SIMULATION_SEED=17 HUB_SIMULATION_RUNS=1    goes through one world again; an error tells its seed
HUB_SIMULATION_RUNS=100000                      looks longer than CI does
"""

import os

import pytest

from tests.simulation.running import simulate
from tests.simulation.toy import Deadly, Toy
from tests.simulation.whole_hub import WholeHub
from tests.simulation.world import World

FIRST_SEED = int(os.environ.get("HUB_SIMULATION_SEED", "0"))
CHUNKS = 8


def seeds(chunk: int, otherwise: int) -> range:
    """Return a share of the seeds."""
    runs = int(os.environ.get("HUB_SIMULATION_RUNS", str(otherwise)))
    return range(FIRST_SEED + chunk, FIRST_SEED + runs, CHUNKS)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_two_processors_keep_every_promise_in_thousands_of_worlds(chunk: int) -> None:
    for seed in seeds(chunk, otherwise=2400):
        simulate(Toy, seed)


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_whole_hub_keeps_every_promise_in_hundreds_of_worlds(chunk: int) -> None:
    for seed in seeds(chunk, otherwise=480):
        simulate(WholeHub, seed)


@pytest.mark.parametrize("chunk", range(2))
def test_a_record_at_which_every_worker_dies_is_found_and_set_aside(chunk: int) -> None:
    for seed in range(chunk, 120, 2):
        simulate(Deadly, seed)


def small(world: World) -> Toy:
    return Toy(world, records=6)


@pytest.mark.parametrize("seed", range(4))
def test_a_worker_may_die_at_any_step_at_all(seed: int) -> None:
    steps = simulate(small, seed, dies_at=0).steps
    assert steps > 100
    for step in range(1, steps + 1):
        assert simulate(small, seed, dies_at=step).steps >= step


@pytest.mark.parametrize("scenario", [Toy, WholeHub])
def test_the_same_seed_gives_the_same_world(scenario: type[Toy] | type[WholeHub]) -> None:
    first, again = simulate(scenario, 11), simulate(scenario, 11)
    assert (first.steps, first.events) == (again.steps, again.events)
    assert simulate(scenario, 12).steps != first.steps


def test_the_worlds_are_as_bad_as_they_should_be() -> None:
    happened = set[str]()
    for seed in range(150):
        happened |= simulate(Toy, seed).events.keys()
    steps = ("sql begin", "sql commit", "sql answer", "kafka init", "kafka produce", "kafka commit", "kafka answer")
    assert happened >= {f"{what} at {step}" for what in ("death", "failure") for step in steps}
    assert happened >= {"freeze", "rebalance", "kafka away", "sql away"}
