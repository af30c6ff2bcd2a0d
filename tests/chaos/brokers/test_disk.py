"""The disk of one broker is full: it stops, the other two go on, and it catches up once there is room."""

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.chaos.brokers.cluster import Cluster
from tests.chaos.trial import Trial
from tests.running import wait_until

pytestmark = [
    *(pytest.mark.stack, pytest.mark.thorough, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)),
]

WAVE = 100
DISK_BYTES = 400 * 2**20


def test_the_disk_of_one_broker_is_full_and_the_others_go_on(trial: Trial, cluster: Cluster) -> None:
    worker = trial.running_worker()
    node = cluster.leader("ledger")
    with _small_disk(trial, cluster, node) as disk:
        cluster.elect_preferred()
        running = psutil.Process(cluster.pid(node))
        began = time.monotonic()
        with trial.sending(WAVE), _filled(disk):
            wait_until(lambda: not running.is_running() or running.status() == psutil.STATUS_ZOMBIE, "it stops", 120)
            trial.send(WAVE)
        trial.settle("the disk of one broker full", since=began)
        trial.up()
        cluster.wait_whole()
        trial.send(WAVE)
        trial.settle("the broker has room again")
        assert worker.runs


@contextmanager
def _small_disk(trial: Trial, cluster: Cluster, node: int) -> Iterator[Path]:
    """Let the data of a broker be on a small disk of their own while the block runs."""
    data = cluster.part(node).folder / "data"
    kept = data.with_name("kept")
    cluster.stop(node)
    data.rename(kept)
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "hub-test", data], check=True)
    try:
        _copy(kept, data)
        shutil.rmtree(kept)
        trial.up()
        cluster.wait_whole()
        yield data
    finally:
        if cluster.part(node).process():
            cluster.stop(node)
        kept.mkdir()
        _copy(data, kept)
        subprocess.run(["umount", data], check=True)
        data.rmdir()
        kept.rename(data)


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    """Fill *disk* to its last byte while the block runs."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
    try:
        yield
    finally:
        filler.unlink()


def _copy(source: Path, target: Path) -> None:
    """Copy a folder of logs with its holes: indexes are files that are mostly empty."""
    subprocess.run(["cp", "-a", "--sparse=always", f"{source}/.", target], check=True)
