"""A file of events and its position: each event once, whenever a crash comes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.position import EventFile, Position, PositionError, PositionFile, inside

FEED = [f"event {i}\n".encode() for i in range(12)]


def test_a_position_is_what_was_saved(tmp_path: Path) -> None:
    file = PositionFile(tmp_path / "p.json")
    assert file.load() is None
    file.save(Position(next_offset=5, output_bytes=7))
    assert file.load() == Position(next_offset=5, output_bytes=7)
    assert (tmp_path / "p.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["", "{}", "[]", "5", '{"next_offset": "x"}', '{"next_offset": null}', "\0"])
def test_a_file_that_is_no_position_is_said_so(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(PositionError, match="delete it"):
        PositionFile(tmp_path / "p.json").load()


def write_on(path: Path, *, events: int, commit: bool, torn: bytes = b"") -> None:
    """Go on with the file as `hub feed` does, for so many events; then stop, or crash before the commit."""
    file = EventFile(path)
    if file.next_offset is None:
        file.commit(0)
    assert file.next_offset is not None
    start = file.next_offset
    for offset in range(start, min(start + events, len(FEED))):
        file.append(FEED[offset])
    if commit:
        file.commit(min(start + events, len(FEED)))
    else:
        file.append(torn)
    file.close()


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.sampled_from([b"", b"event", b"x" * 99])), max_size=8))
@settings(max_examples=50)
def test_every_event_is_in_the_file_once_whatever_crashes(tmp_path_factory: pytest.TempPathFactory, runs: list) -> None:  # type: ignore[type-arg]
    path = tmp_path_factory.mktemp("feed") / "events.jsonl"
    for events, commit, torn in runs:
        write_on(path, events=events, commit=commit, torn=torn)
    write_on(path, events=len(FEED), commit=True)
    assert path.read_bytes() == b"".join(FEED)


def test_a_file_that_is_shorter_than_its_position_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    write_on(path, events=3, commit=True)
    path.write_bytes(b"cut")
    with pytest.raises(PositionError, match="do not belong together"):
        EventFile(path)


def test_a_position_outside_the_feed_is_refused_with_what_to_do() -> None:
    assert [inside(position, 5, 9) for position in (5, 7, 9)] == [5, 7, 9]
    with pytest.raises(PositionError, match="3 to 4 of the feed were deleted"):
        inside(3, 5, 9)
    with pytest.raises(PositionError, match="ends at 9"):
        inside(10, 5, 9)


def test_a_file_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("somebody's")
    with pytest.raises(PositionError):
        EventFile(path)
    assert path.read_text() == "somebody's"


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_on(tmp_path / "events.jsonl", events=1, commit=True)
    assert (tmp_path / "events.jsonl").stat().st_mode & 0o077 == 0
