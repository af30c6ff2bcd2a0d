"""A code that ever landed stays valid: the record of all of them is complete, and nothing in it is lost."""

from pathlib import Path

import pytest

from schemas import landed_codes
from schemas.landed_codes import COMMAND, codes_landed, codes_now, lost_codes, main

LANDED = codes_landed()


def test_no_code_that_ever_landed_is_gone() -> None:
    assert not lost_codes(codes_now(), LANDED), "put it back, and mark it as deprecated"


def test_every_code_is_recorded() -> None:
    assert not codes_now() - LANDED, f"run `{COMMAND}`"


def test_a_code_that_is_taken_out_is_noticed() -> None:
    assert lost_codes(codes_now() - {("flag", "YES")}, LANDED) == (("flag", "YES"),)


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "golden" / "codes.tsv"
    monkeypatch.setattr(landed_codes, "RECORD", path)
    return path


def test_the_command_adds_and_never_takes_out(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert main(["--check"]) == 0

    with record.open("a", encoding="utf-8") as file:
        file.write("flag\tPERHAPS\n")

    assert main(["--check"]) == 1
    assert main([]) == 1
    assert "flag has lost PERHAPS" in capsys.readouterr().err
    assert "flag\tPERHAPS\n" in record.read_text("utf-8")


def test_a_new_code_has_to_be_recorded(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    record.write_text(record.read_text("utf-8").replace("flag\tYES\n", ""), "utf-8")

    assert main(["--check"]) == 1
    assert "1 codes are not recorded" in capsys.readouterr().err
