"""The worker in the background: started, found and stopped like a server of the local stack."""

import sys

import psutil

from infra.home import Home
from infra.stack import process

PART = "worker"


def running(home: Home) -> psutil.Process | None:
    """Return the worker of *home* that runs in the background, None when there is none."""
    return process.find("python", process.tag(home, PART))


def start(home: Home) -> psutil.Process:
    """Start the worker of *home* unless it runs already."""
    found = running(home)
    if found is not None:
        return found
    command = process.Command(
        arguments=(sys.executable, "-P", "-X", process.tag(home, PART), "-m", "streams"),
        environment={"HUB_HOME": str(home.path)},
        folder=home.path,
    )
    return process.start(command, home.logs_dir / f"{PART}.log")


def stop(home: Home) -> bool:
    """Stop the worker of *home*; say whether one ran."""
    found = running(home)
    if found is None:
        return False
    process.stop(found)
    return True
