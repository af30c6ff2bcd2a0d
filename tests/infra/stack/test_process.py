"""A daemon is ended whoever started it."""

import subprocess
import sys
import time

import psutil

from infra.stack.process import ended, stop

CARELESS = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(child.pid, flush=True); time.sleep(600)"
)
"""Starts a process and never takes note of its end."""


def test_a_process_whose_parent_takes_no_note_has_ended_all_the_same() -> None:
    parent = subprocess.Popen([sys.executable, "-c", CARELESS], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        began = time.monotonic()
        stop(child, grace_seconds=60)
        assert ended(child)
        assert time.monotonic() - began < 60  # not the grace that a living process is given
        stop(child, grace_seconds=60)
    finally:
        parent.kill()
        parent.wait()


def test_a_process_that_does_not_listen_is_killed() -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    stop(psutil.Process(process.pid), grace_seconds=0.2)
    assert ended(psutil.Process(process.pid)) if psutil.pid_exists(process.pid) else True
    process.poll()
