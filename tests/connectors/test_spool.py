"""The spool on a disk: in order, bounded, unreadable without its key, whole again after a kill at any point."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import spool as spool_module
from connectors.spool import Spool
from connectors.spool_errors import (
    SpoolDamagedError,
    SpoolFullError,
    SpoolInUseError,
    SpoolKeyError,
    SpoolUnwritableError,
)
from connectors.spool_files import files_in, keep_position
from connectors.spool_frames import FILE_HEAD_BYTES, FRAME_HEAD_BYTES
from connectors.spool_place import state_of

NAME = b"Invented Example"
SEAL_BYTES = 28
EVERYTHING = 10**9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "FILE_BYTES", 300)


def opened(folder: Path, *, owner: str = "rs-police", bytes_max: int = EVERYTHING, damaged: bool = False) -> Spool:
    spool = Spool(folder, key_file=folder.with_name("key"), owner=owner, bytes_max=bytes_max)
    spool.open(damaged=damaged)
    return spool


def drained(spool: Spool, bytes_max: int = EVERYTHING) -> Iterator[bytes]:
    while spool.count:
        values = spool.oldest(bytes_max)
        yield from values
        spool.forget(len(values))


def values(start: int, stop: int) -> list[bytes]:
    return [b"%s %d" % (NAME, number) for number in range(start, stop)]


def newest(folder: Path) -> Path:
    return files_in(folder)[-1].path


@pytest.mark.usefixtures("small_files")
def test_events_come_out_in_order_whatever_was_closed_in_between(folder: Path) -> None:
    for number in range(0, 30, 3):
        spool = opened(folder)
        assert list(spool.append(values(number, number + 3))) == list(range(number, number + 3))
        spool.close()
    assert len(files_in(folder)) > 3

    spool = opened(folder)
    assert spool.count == 30
    assert spool.oldest(1) == values(0, 1)
    spool.forget(1)
    spool.close()
    spool = opened(folder)
    assert list(drained(spool, bytes_max=50)) == values(1, 30)
    spool.close()
    assert files_in(folder) == []
    spool = opened(folder)
    assert list(spool.append(values(30, 31))) == [30]
    assert list(drained(spool)) == values(30, 31)
    spool.close()


@given(steps=st.lists(st.tuples(st.sampled_from(["append", "drain", "reopen"]), st.integers(1, 9)), max_size=25))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
def test_a_spool_is_a_queue_that_forgets_nothing(
    steps: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("queue") / "spool"
    spool, model, made = opened(folder), list[bytes](), 0
    for step, many in steps:
        if step == "append":
            spool.append(values(made, made + many))
            model += values(made, made + many)
            made += many
        elif step == "drain":
            found = spool.oldest(EVERYTHING)[:many]
            assert found == model[: len(found)]
            assert len(found) == min(many, len(model))
            spool.forget(len(found))
            del model[: len(found)]
        else:
            spool.close()
            spool = opened(folder)
        assert spool.count == len(model)
    assert list(drained(spool)) == model
    spool.close()


def test_nothing_is_on_the_disk_in_clear_and_nobody_else_may_read_it(folder: Path) -> None:
    spool = opened(folder)
    spool.append(values(0, 5))
    spool.close()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [*folder.rglob("*"), folder.with_name("key")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files if file.is_file()} == {0o600}
    assert not [file for file in files if file.is_file() and NAME in file.read_bytes()]


def test_the_same_event_twice_looks_different(folder: Path) -> None:
    spool = opened(folder)
    spool.append([NAME])
    once = newest(folder).read_bytes()[FILE_HEAD_BYTES + FRAME_HEAD_BYTES :]
    spool.append([NAME])
    spool.close()
    assert once not in newest(folder).read_bytes()[FILE_HEAD_BYTES + FRAME_HEAD_BYTES + len(once) :]


def test_a_write_that_was_killed_at_any_point_loses_nothing_that_was_acknowledged(folder: Path) -> None:
    spool = opened(folder)
    spool.append(values(0, 2))
    acknowledged = newest(folder).stat().st_size
    spool.append(values(2, 4))
    spool.close()
    content = newest(folder).read_bytes()
    frame = (len(content) - acknowledged) // 2

    for cut in range(acknowledged, len(content)):
        newest(folder).write_bytes(content[:cut])
        spool = opened(folder)
        assert spool.count == 2 + (cut - acknowledged) // frame
        spool.append(values(9, 10))
        assert spool.oldest(EVERYTHING) == [*values(0, spool.count - 1), *values(9, 10)]
        spool.close()


@pytest.mark.usefixtures("small_files")
def test_a_file_that_was_killed_while_it_was_begun_is_begun_anew(folder: Path) -> None:
    spool = opened(folder)
    spool.append(values(0, 5))
    spool.append(values(5, 6))
    spool.close()
    assert len(files_in(folder)) == 2
    for size in range(FILE_HEAD_BYTES):
        os.truncate(newest(folder), size)
        spool = opened(folder)
        assert spool.count == 5
        spool.append(values(5, 6))
        assert list(spool.oldest(EVERYTHING)) == values(0, 5)
        spool.close()


@pytest.mark.parametrize("wait_for", [3, 40])
def test_a_publisher_killed_with_sigkill_leaves_every_event_that_it_was_told_of(folder: Path, wait_for: int) -> None:
    code = (
        "import sys; from pathlib import Path; from connectors.spool import Spool\n"
        "folder = Path(sys.argv[1])\n"
        "spool = Spool(folder, key_file=folder.with_name('key'), owner='rs-police', bytes_max=10**9)\n"
        "spool.open()\n"
        "for number in range(10**6): print(spool.append([b'%d' % number] * 7)[-1], flush=True)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    told = [int(running.stdout.readline()) for _ in range(wait_for)]
    running.send_signal(signal.SIGKILL)
    told += [int(line) for line in running.stdout.read().split("\n")[:-1]]
    running.wait()
    running.stdout.close()

    spool = opened(folder)
    found = list(drained(spool))
    spool.close()
    assert len(found) > told[-1]
    assert found == [b"%d" % (number // 7) for number in range(len(found))]


def test_a_changed_byte_anywhere_stops_the_spool_and_what_is_whole_can_still_be_sent(folder: Path) -> None:
    spool = opened(folder)
    spool.append(values(0, 3))
    spool.close()
    content = newest(folder).read_bytes()
    frame = (len(content) - FILE_HEAD_BYTES) // 3

    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 0x20
        newest(folder).write_bytes(bytes(changed))
        with pytest.raises(SpoolDamagedError, match="--past-damage"):
            opened(folder)
        spool = opened(folder, damaged=True)
        whole = (place - FILE_HEAD_BYTES) // frame if place >= FILE_HEAD_BYTES else 3
        if whole:
            assert spool.oldest(EVERYTHING) == values(0, whole)
        else:
            with pytest.raises(SpoolDamagedError):
                spool.oldest(EVERYTHING)
        spool.close()
    name = newest(folder).name
    spool = opened(folder, damaged=True)
    spool.forget(len(spool.oldest(EVERYTHING)))
    assert spool.pass_over_damage() == f"{name}.damaged"
    assert spool.count == 0
    spool.append(values(0, 1))
    spool.close()
    assert state_of(folder).set_aside == (f"{name}.damaged",)
    assert (folder / f"{name}.damaged").read_bytes() == bytes(changed)


@pytest.mark.usefixtures("small_files")
def test_a_damaged_or_missing_file_in_the_middle_is_not_passed_over_in_silence(folder: Path) -> None:
    spool = opened(folder)
    for number in range(0, 15, 5):
        spool.append(values(number, number + 5))
    spool.close()
    first, second, _ = [file.path for file in files_in(folder)]
    second.write_bytes(second.read_bytes()[:-1])
    spool = opened(folder)
    spool.forget(len(spool.oldest(EVERYTHING)))
    spool.forget(len(spool.oldest(EVERYTHING)))
    with pytest.raises(SpoolDamagedError):
        spool.oldest(EVERYTHING)
    assert not first.exists()
    assert spool.pass_over_damage() == f"{second.name}.damaged"
    assert list(drained(spool)) == values(10, 15)
    spool.append(values(15, 20))
    spool.append(values(20, 25))
    spool.close()
    files_in(folder)[0].path.unlink()
    with pytest.raises(SpoolDamagedError, match="missing"):
        opened(folder)
    spool = opened(folder, damaged=True)
    assert spool.pass_over_damage() == "(missing)"
    assert list(drained(spool)) == values(20, 25)
    spool.close()


def test_a_position_beyond_what_waits_is_damage_and_forgets_nothing(folder: Path) -> None:
    spool = opened(folder)
    spool.append(values(0, 10))
    spool.close()
    keep_position(folder, 999)  # an old backup of the events under a newer position

    with pytest.raises(SpoolDamagedError, match="position"):
        opened(folder)
    assert files_in(folder)


def test_a_full_spool_says_so_and_takes_events_again_when_it_is_emptied(folder: Path) -> None:
    room = FILE_HEAD_BYTES + 2 * (FRAME_HEAD_BYTES + SEAL_BYTES + len(NAME))
    spool = opened(folder, bytes_max=room)
    spool.append([NAME, NAME])
    with pytest.raises(SpoolFullError, match="HUB_SPOOL_BYTES"):
        spool.append([NAME])
    assert spool.count == 2
    assert len(list(drained(spool))) == 2
    spool.append([NAME])
    spool.close()


def test_a_disk_that_takes_nothing_is_an_error_and_leaves_the_spool_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = opened(folder)
    spool.append(values(0, 2))
    before = newest(folder).read_bytes()
    calls = iter([5])

    def some(descriptor: int, content: bytes, place: int) -> int:
        return real(descriptor, content[: next(calls)], place)

    def full(_descriptor: int, _content: bytes, _place: int) -> int:
        raise OSError(28, "No space left on device")

    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(SpoolFullError):
        spool.append(values(2, 4))
    monkeypatch.setattr(os, "pwrite", some)
    with pytest.raises((SpoolUnwritableError, StopIteration)):
        spool.append(values(2, 4))
    monkeypatch.setattr(os, "pwrite", real)
    spool.append(values(2, 4))
    assert newest(folder).read_bytes().startswith(before)
    assert list(drained(spool)) == values(0, 4)
    spool.close()


def test_two_publishers_do_not_share_a_spool(folder: Path) -> None:
    spool = opened(folder)
    with pytest.raises(SpoolInUseError):
        opened(folder)
    assert state_of(folder).in_use
    spool.close()
    opened(folder).close()
    assert not state_of(folder).in_use


def test_a_spool_opens_with_its_own_key_and_for_its_own_agency_alone(folder: Path) -> None:
    opened(folder).close()  # empty: another agency may take it
    spool = opened(folder)
    spool.append(values(0, 1))
    spool.close()
    key = folder.with_name("key")
    right = key.read_text()
    with pytest.raises(SpoolKeyError, match="another agency"):
        opened(folder, owner="bg-police")
    for wrong in (right[:-3], "no key", "00" * 32):
        key.write_text(wrong)
        with pytest.raises(SpoolKeyError):
            opened(folder)
    key.write_text(right)
    key.chmod(0o644)
    with pytest.raises(SpoolKeyError, match="chmod 600"):
        opened(folder)
    key.unlink()
    with pytest.raises(SpoolKeyError, match="put it back"):
        opened(folder)
    assert not key.exists()


def test_the_state_of_a_spool_is_seen_without_its_key(folder: Path) -> None:
    assert state_of(folder).waiting == 0
    spool = opened(folder)
    spool.append(values(0, 4))
    spool.forget(len(spool.oldest(1)))
    folder.with_name("key").unlink()
    found = state_of(folder)
    spool.close()
    assert (found.waiting, found.bytes, found.in_use) == (3, newest(folder).stat().st_size, True)
