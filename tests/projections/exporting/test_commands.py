"""`hub export` writes files that are whole, and says in one line what is wrong when it cannot."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.home import Home
from projections.exporting import source
from projections.exporting.source import UnknownTierError
from projections.exporting.writing import UnwritableError
from schemas.errors import HubError, UnavailableError
from tests.projections.exporting.invented import usual

RUN = CliRunner()


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "open_source", lambda _home: usual())


def export(*arguments: str) -> str:
    found = RUN.invoke(build(), ["export", *arguments])
    if isinstance(found.exception, HubError):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("tidy-csv", {"out", "out.metadata.json"}),
        ("sdmx-csv", {"out", "out.metadata.json"}),
        ("json", {"out"}),
        ("parquet", {"out"}),
        ("xlsx", {"out"}),
    ],
)
def test_figures_are_written_in_every_format(tmp_path: Path, form: str, names: set[str]) -> None:
    out = tmp_path / "out"
    said = export(
        *("figures", "--format", form, "--tier", "partner", "--since", "2024-01", "--until", "2024-12"),
        *("--indicator", "C.3.1-1", "--indicator", "C.2.3.b-1", "--out", str(out)),
    )
    assert said == f"written: {out}\n"
    assert {path.name for path in tmp_path.iterdir()} == names
    assert out.stat().st_size > 1_000


@pytest.mark.usefixtures("released")
def test_the_public_tier_is_what_is_written_when_none_is_named(tmp_path: Path) -> None:
    export("figures", "--format", "json", "--framework", "SDG", "--out", str(tmp_path / "out"))
    export("rows", "--format", "json", "--event-type", "PersonIdentified", "--out", str(tmp_path / "rows"))
    assert {json.loads((tmp_path / name).read_bytes())["metadata"]["tier"] for name in ("out", "rows")} == {"open"}


@pytest.mark.usefixtures("released")
def test_sdmx_of_either_version_is_written(tmp_path: Path) -> None:
    for version in ("3.0", "2.1"):
        out = tmp_path / version
        export("figures", "--format", "sdmx-csv", "--sdmx-version", version, "--framework", "SDG", "--out", str(out))
    assert (tmp_path / "3.0").read_text().startswith("STRUCTURE,")
    assert (tmp_path / "2.1").read_text().startswith("DATAFLOW,")


@pytest.mark.usefixtures("released")
def test_a_chart_is_written_with_what_it_shows_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "levels.svg"
    export("chart", "C.2.3.b-1", "--kind", "levels", "--out", str(out))
    assert out.read_text().startswith("<svg")
    assert json.loads((tmp_path / "levels.svg.metadata.json").read_bytes())["kind"] == "levels"


@pytest.mark.usefixtures("released")
def test_a_name_that_is_no_tier_or_no_place_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(UnknownTierError):
        export("rows", "--tier", "secret", "--out", str(tmp_path / "out"))
    with pytest.raises(UnwritableError):
        export("rows", "--out", str(tmp_path / "missing" / "out"))
    assert not list(tmp_path.iterdir())


def test_a_home_that_released_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Home, "current", lambda: Home(tmp_path / "home"))  # settings are read once: not by HUB_HOME
    with pytest.raises(UnavailableError):
        export("rows", "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
