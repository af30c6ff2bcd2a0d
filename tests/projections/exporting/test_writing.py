"""Files appear whole or not at all."""

from pathlib import Path

import pytest

from projections.exporting.writing import UnwritableError, beside, write_whole


def test_all_files_are_there_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "figures.csv"
    write_whole({beside(out): b"{}", out: b"data"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "figures.csv": b"data",
        "figures.csv.metadata.json": b"{}",
    }


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    out = tmp_path / "figures.csv"
    out.write_bytes(b"a longer text of earlier")
    write_whole({out: b"new"})
    assert out.read_bytes() == b"new"


def test_when_one_file_cannot_be_written_none_appears_and_the_old_ones_stay(tmp_path: Path) -> None:
    old = tmp_path / "old.json"
    old.write_bytes(b"old")
    with pytest.raises(UnwritableError):
        write_whole({old: b"new", tmp_path / "missing" / "figures.csv": b"data"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"old.json": b"old"}


def test_when_the_disk_is_full_nothing_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("projections.exporting.writing.os.fsync", full)
    with pytest.raises(UnwritableError, match="No space left"):
        write_whole({tmp_path / "figures.csv": b"data"})
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="name a file"):
        write_whole({tmp_path: b"data"})
