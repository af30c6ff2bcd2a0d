"""What happens to a stack that is killed, doubled or moved: on a stack of this module's own."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.home import Home, HomeError
from infra.settings import Settings
from infra.stack import supervisor

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("own-stack")]


def quiet(_part: str, _doing: str) -> None:
    pass


def up(home: Home) -> dict[str, int]:
    supervisor.start(home, Settings(), quiet, lambda _home, _tell: None)
    found = {part.name: part for part in supervisor.status(home, Settings())}
    servers = {name: found[name] for name in ("kafka", "registry", "postgres")}
    assert {part.state for part in servers.values()} == {"up"}
    return {name: part.pid for name, part in servers.items() if part.pid}


@pytest.fixture(scope="module")
def own() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="hub-test-own-"))
    folder.chmod(0o711)
    home = Home(folder / "home")
    home.make()
    try:
        yield home
    finally:
        supervisor.remove(home, Settings(), quiet)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_second_stack_runs_beside_the_first_and_starting_again_changes_nothing(home: Home, own: Home) -> None:
    pids = up(own)
    assert up(own) == pids
    assert home.endpoints() != own.endpoints()
    for each in (home, own):
        psycopg.connect(each.dsn("hub_streams")).close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(home.dsn("hub_streams"), port=own.ports.postgres)


def test_killed_parts_come_back_with_their_data_and_the_others_go_on(own: Home) -> None:
    before = up(own)
    with psycopg.connect(own.dsn("hub_admin")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept AS SELECT 42 AS answer")
    for name in ("postgres", "kafka"):
        psutil.Process(before[name]).kill()
    after = up(own)
    assert after["registry"] == before["registry"]
    assert not {after["kafka"], after["postgres"]} & {before["kafka"], before["postgres"]}
    with psycopg.connect(own.dsn("hub_admin")) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_part_that_hangs_is_stopped_and_a_stale_pid_file_of_a_stranger_does_no_harm(own: Home) -> None:
    before = up(own)
    psutil.Process(before["registry"]).kill()
    psutil.Process(before["postgres"]).kill()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        pid_file = own.postgres_dir / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        up(own)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_killed_hub_leaves_nothing_in_the_way(own: Home) -> None:
    supervisor.stop(own, Settings(), quiet)
    code = (
        "import sys; from pathlib import Path; from infra.home import Home;"
        "from infra.settings import Settings;"
        "from infra.stack import supervisor;"
        "supervisor.start(Home(Path(sys.argv[1])), Settings(), lambda part, doing: print(doing, flush=True),"
        " lambda home, tell: None)"
    )
    starting = subprocess.Popen([sys.executable, "-c", code, str(own.path)], stdout=subprocess.PIPE, text=True)
    assert starting.stdout
    for line in starting.stdout:
        if line.strip() == "starting":
            break
    starting.send_signal(signal.SIGKILL)
    starting.wait()
    starting.stdout.close()
    up(own)


def test_the_command_line_tells_the_state(own: Home) -> None:
    up(own)
    command = [sys.executable, "-c", "from infra.cli import main; main()", "status", "--json"]
    answer = subprocess.run(
        command,
        env={"HUB_HOME": str(own.path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    status = json.loads(answer.stdout)
    assert status["home"] == str(own.path)
    assert {"state", "pid", "address", "data", "version"} <= set(status["parts"]["kafka"])


def test_reset_deletes_homes_only(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(HomeError, match="nothing was deleted"):
        supervisor.remove(Home(tmp_path), Settings(), quiet)
    assert (tmp_path / "thesis.txt").exists()
