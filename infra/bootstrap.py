"""Makes `.venv` from `requirements.lock`, with uv when present, else venv and pip; called by `./hub`.

Runs on the system's Python, so it uses the standard library alone. The stamp is written last: a run that was
killed leaves none, and the next one begins anew. Runs at the same time wait for each other.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130

_STAMP = ".made-from"
_LOCK = ".hub-lock"


class InstallError(Exception):
    """A step of the installation failed; the text says what to do."""


def main(root: Path, stamp: str) -> int:
    """Make the environment of the clone at *root*, made from what *stamp* tells. Return an exit code."""
    venv = root / ".venv"
    venv.mkdir(exist_ok=True)
    with (venv / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _made_from(venv) == stamp:
            return 0  # another run was first
        try:
            _make(root, venv, is_update=_is_sound(venv))
        except InstallError as error:
            print(f"hub: {error}", file=sys.stderr)  # noqa: T201
            return EXIT_UNAVAILABLE
        except KeyboardInterrupt:
            _say("interrupted: give the same command again, it begins the installation anew")
            return EXIT_INTERRUPTED
        draft = venv / f"{_STAMP}.{os.getpid()}"
        draft.write_text(stamp + "\n")
        draft.replace(venv / _STAMP)
    return 0


def _make(root: Path, venv: Path, *, is_update: bool) -> None:
    _say("updating the libraries in .venv" if is_update else "first run: installing the libraries into .venv")
    (venv / _STAMP).unlink(missing_ok=True)
    if not is_update:
        for entry in venv.iterdir():
            if entry.name != _LOCK:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    python, lock_file = str(venv / "bin" / "python"), str(root / "requirements.lock")
    project = ["--no-deps", "--no-build-isolation", "--editable", str(root)]
    if uv := _uv():
        if not is_update:
            _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(venv)])
        _run([uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", lock_file])
        _run([uv, "pip", "install", "--quiet", "--python", python, *project])
    else:
        if not is_update:
            _run([sys.executable, "-m", "venv", str(venv)])
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The lock file is complete. Left to resolve, older pips want the newest `name[extra]`, which has no hash there.
        _run([*pip, "--require-hashes", "--no-deps", "--requirement", lock_file])
        _run([*pip, *project])


def _run(command: list[str]) -> None:
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0:
        return
    if "venv" in command[:3] and command[0] == sys.executable:
        raise InstallError("this Python cannot make a .venv: install its venv package, such as python3-venv, or uv")
    raise InstallError("the libraries could not be installed (see above): check the network, then run this again")


def _uv() -> str | None:
    """Return uv when it is there and works; HUB_WITHOUT_UV=1 leaves it out."""
    uv = None if os.environ.get("HUB_WITHOUT_UV") else shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0:
        return uv
    return None


def _is_sound(venv: Path) -> bool:
    """Whether the environment was once finished, in this place, by a Python that is still there."""
    made_from = _made_from(venv)
    return made_from is not None and made_from.startswith(f"{venv.parent} ") and (venv / "bin" / "python").exists()


def _made_from(venv: Path) -> str | None:
    try:
        return (venv / _STAMP).read_text().rstrip("\n")
    except FileNotFoundError:
        return None


def _say(text: str) -> None:
    print(f"hub: {text}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
