"""`hub bench` finds what there is to measure, and each says what it is."""

import ast
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from infra.bench_command import BENCHMARKS, names, register
from infra.home import Home, StackDownError
from schemas.errors import MisuseError


def app() -> typer.Typer:
    made = typer.Typer()
    register(made)
    return made


def test_every_benchmark_is_listed_and_says_what_it_measures() -> None:
    listed = CliRunner().invoke(app(), []).stdout.split()
    assert listed == names()
    assert "publisher" in listed
    for name in listed:
        assert ast.get_docstring(ast.parse((BENCHMARKS / f"{name}.py").read_text("utf-8")))


def test_every_result_is_in_the_book() -> None:
    book = (BENCHMARKS / "RESULTS.md").read_text("utf-8")
    assert not [name for name in names() if f"hub bench {name}" not in book]


def test_what_cannot_be_measured_is_refused_with_what_can() -> None:
    result = CliRunner().invoke(app(), ["../hub"])
    assert isinstance(result.exception, MisuseError)
    assert "publisher" in str(result.exception)


def test_without_a_hub_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Home, "current", lambda: Home(tmp_path / "none"))
    assert isinstance(CliRunner().invoke(app(), ["publisher"]).exception, StackDownError)


def test_what_follows_the_name_goes_to_the_benchmark(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "endpoints", lambda _home: None)
    result = CliRunner().invoke(app(), ["publisher", "--events", "none"])
    assert result.exit_code == 2
    assert "--events" in capfd.readouterr().err
