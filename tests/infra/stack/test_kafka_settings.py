"""What a broker is told: alone, and as one of three that hold every record."""

from pathlib import Path

import pytest

from infra.home import Brokers, Home
from infra.settings import Settings, WrongSettingError, settings
from infra.stack.kafka import Kafka, brokers
from infra.stack.ports import choose


def parts(folder: Path, number: Brokers) -> tuple[Kafka, ...]:
    home = Home(folder / "home")
    home.make(brokers=number)
    choose(home, Settings(), frozenset())
    return brokers(home, Settings())


def told(part: Kafka) -> dict[str, str]:
    lines = part.configuration(Path("data")).splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_of_three_brokers_two_must_have_a_record_and_one_may_be_lost(tmp_path: Path) -> None:
    found = parts(tmp_path, 3)
    assert [part.name for part in found] == ["kafka-1", "kafka-2", "kafka-3"]
    assert len({part.folder for part in found}) == 3
    voters = {told(part)["controller.quorum.voters"] for part in found}
    assert voters == {",".join(f"{part.node}@127.0.0.1:{part.controller_port}" for part in found)}
    for part in found:
        config = told(part)
        assert config["node.id"] == str(part.node)
        assert config["listeners"] == f"SASL_SSL://127.0.0.1:{part.port},CONTROLLER://127.0.0.1:{part.controller_port}"
        assert {value for key, value in config.items() if key.endswith("replication.factor")} == {"3"}
        assert {value for key, value in config.items() if key.endswith(("min.isr", "min.insync.replicas"))} == {"2"}
        assert config["unclean.leader.election.enable"] == "false"


def test_one_broker_has_every_record_once(tmp_path: Path) -> None:
    (part,) = parts(tmp_path, 1)
    config = told(part)
    assert (part.name, part.folder, config["node.id"]) == ("kafka", part.home.kafka_dir, "1")
    assert {value for key, value in config.items() if key.endswith(("replication.factor", "min.isr"))} == {"1"}
    assert "controller.quorum.voters" not in config


def test_the_number_of_brokers_is_set_from_outside_and_nothing_but_one_or_three(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUB_BROKERS", "3")
    assert Settings().brokers == 3
    monkeypatch.setenv("HUB_BROKERS", "2")
    settings.cache_clear()
    with pytest.raises(WrongSettingError, match="HUB_BROKERS"):
        settings()
    settings.cache_clear()
