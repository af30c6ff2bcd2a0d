"""The home folder: secrets, marker, clock."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.home import Home, HomeError, StackDownError, write_atomically


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_everyone_who_asks_at_once_gets_the_same_password(empty: Home) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(lambda _: empty.password("hub-intake"), range(64)))
    assert len(answers) == 1
    assert len(answers.pop()) >= 32


def test_passwords_differ_between_principals_and_between_homes(empty: Home, tmp_path: Path) -> None:
    other = Home(tmp_path / "other")
    other.make()
    passwords = {empty.password("a"), empty.password("b"), other.password("a")}
    assert len(passwords) == 3


def test_secret_files_are_readable_by_the_owner_alone(empty: Home) -> None:
    empty.password("postgres:hub_vault")
    assert [stat.S_IMODE(file.stat().st_mode) for file in empty.secrets_dir.iterdir()] == [0o600]
    assert stat.S_IMODE(empty.secrets_dir.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".x", "x" * 101])
def test_a_principal_that_is_no_file_name_is_refused(empty: Home, name: str) -> None:
    with pytest.raises(HomeError):
        empty.password(name)


def test_a_home_keeps_its_clock_and_its_id(empty: Home) -> None:
    before = empty.id
    empty.make()
    empty.make("real")
    with pytest.raises(HomeError, match="real clock"):
        empty.make("simulated")
    assert (empty.id, empty.clock) == (before, "real")


def test_a_home_keeps_the_number_of_its_brokers(empty: Home, tmp_path: Path) -> None:
    assert empty.brokers == 1
    empty.make(brokers=1)
    with pytest.raises(HomeError, match="HUB_BROKERS=1"):
        empty.make(brokers=3)
    many = Home(tmp_path / "many")
    many.make(brokers=3)
    many.make()
    assert many.brokers == 3


def test_a_home_that_was_made_before_there_could_be_three_has_one_broker(empty: Home) -> None:
    marker = empty.path / "home.toml"
    marker.write_text("".join(line for line in marker.open() if not line.startswith("brokers")))
    assert empty.brokers == 1


def test_a_folder_with_other_files_does_not_become_a_home(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(HomeError, match="empty folder"):
        Home(tmp_path).make()


def test_a_home_that_is_not_started_says_how_to_start_it(empty: Home) -> None:
    with pytest.raises(StackDownError, match=r"\./hub up"):
        empty.endpoints()
    with pytest.raises(StackDownError, match=r"\./hub up"):
        empty.dsn("hub_streams")


def test_a_write_replaces_the_whole_file_and_leaves_no_draft(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, "first, and long")
    write_atomically(file, "second")
    assert file.read_text() == "second"
    assert list(tmp_path.iterdir()) == [file]
