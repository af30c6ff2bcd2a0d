"""An environment for quixstreams alone, made once: it needs an older confluent-kafka than the hub.

Lies in the user's cache beside the server programs, named after the lock file and the Python that it is for. The stamp
is written last: an installation that was stopped half-way is made anew.
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from infra.settings import settings

LOCK = Path(__file__).with_name("quixstreams.lock")
STAMP = ".complete"
INSTALL_S_MAX = 600


class NotInstalledError(Exception):
    """There is no environment, and none can be made here and now."""


def python() -> Path:
    """Return the Python that has quixstreams; install it first when there is none, or raise NotInstalledError."""
    made_from = hashlib.sha256(LOCK.read_bytes() + platform.python_version().encode()).hexdigest()[:12]
    folder = settings().jar_cache.parent / f"quixstreams-{made_from}"
    program = folder / "bin" / "python"
    if not (folder / STAMP).exists():
        if settings().offline:
            raise NotInstalledError("HUB_OFFLINE is set and it is not in the cache")
        shutil.rmtree(folder, ignore_errors=True)
        print("installing quixstreams into an environment of its own, once", file=sys.stderr, flush=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "--no-deps", "--only-binary=:all:", "--requirement", str(LOCK)])
        (folder / STAMP).touch()
    return program


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, stdout=sys.stderr, timeout=INSTALL_S_MAX)
    except (subprocess.SubprocessError, OSError) as error:
        raise NotInstalledError(f"{Path(command[0]).name} {' '.join(command[1:4])} … failed ({error})") from None
