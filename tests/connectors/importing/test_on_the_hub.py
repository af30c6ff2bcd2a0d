"""A made-up file through the whole hub, twice: the second time adds nothing."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.home import Home
from tests.connectors.importing.making import MAPPING, read_refused, row, write_csv
from tests.running import ensure_worker

pytestmark = pytest.mark.stack


def hub_import(home: Home, *arguments: str, agency: str = "rs-police") -> tuple[int, dict[str, Any], str]:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("hub")), "import", *arguments, "--agency", agency, "--json"],
        env={**os.environ, "HUB_HOME": str(home.path)},
        capture_output=True,
        text=True,
        timeout=None if os.environ.get("HUB_TEST_IMPORT_ROWS") else 120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def test_a_file_is_imported_once_however_often_it_is_given(home: Home, tmp_path: Path) -> None:
    ensure_worker(home)
    token = uuid.uuid4().hex[:8]
    rows = [row(who=f"W-{token}-{place}") for place in range(20)]
    file = write_csv(tmp_path / "cases.csv", [*rows, row(who=f"W-{token}-x", sex="Q"), ["half"]])
    mapping = tmp_path / "mine.toml"
    mapping.write_text(MAPPING, encoding="utf-8")

    code, first, _ = hub_import(home, str(file), "--mapping", str(mapping))
    _, second, _ = hub_import(home, str(file), "--mapping", str(mapping))

    assert code == 1  # two rows were refused
    assert (first["rows"], first["accepted"], first["refused"], first["duplicates"]) == (22, 20, 2, 0)
    assert (second["rows"], second["accepted"], second["refused"], second["duplicates"]) == (22, 0, 2, 20)

    refused = Path(first["refused_file"])
    assert len(read_refused(refused)) == 2
    refused.write_text(refused.read_text("utf-8-sig").replace(",Q,", ",F,"), "utf-8")
    _, corrected, _ = hub_import(home, str(refused), "--mapping", str(mapping))
    assert (corrected["accepted"], corrected["refused"]) == (1, 1)
