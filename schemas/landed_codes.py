"""Keeps `schemas/golden/codes.tsv`, every code that ever landed on main: `python -m schemas.landed_codes`.

Run it when codes were added: it adds them, and never takes one out. Old events hold old codes, so a list may grow and
may mark codes as deprecated, and nothing else. With `--check` nothing is written; the exit status is 1 when a recorded
code has left its list or a new one is not recorded yet.
"""

import sys
from pathlib import Path

from schemas.codelists import code_list, code_list_names
from schemas.errors import MisuseError

RECORD = Path(__file__).with_name("golden") / "codes.tsv"
COMMAND = "python -m schemas.landed_codes"

ListAndCode = tuple[str, str]


def codes_now() -> frozenset[ListAndCode]:
    """Return every (list, code) that is valid now, deprecated ones included."""
    return frozenset((name, code) for name in code_list_names() for code in code_list(name).codes)


def codes_landed() -> frozenset[ListAndCode]:
    """Return every (list, code) that is recorded, nothing when there is no record yet."""
    lines = RECORD.read_text(encoding="utf-8").splitlines() if RECORD.is_file() else []
    pairs = (line.split("\t", 1) for line in lines)
    return frozenset((name, code) for name, code in pairs)


def lost_codes(now: frozenset[ListAndCode], landed: frozenset[ListAndCode]) -> tuple[ListAndCode, ...]:
    """Return the codes that landed once and are no longer valid: there should be none."""
    return tuple(sorted(landed - now))


def record_codes() -> int:
    """Record the codes of now that are not recorded, and return how many they were."""
    now, landed = codes_now(), codes_landed()
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text("".join(f"{name}\t{code}\n" for name, code in sorted(now | landed)), encoding="utf-8")
    return len(now - landed)


def main(arguments: list[str]) -> int:
    """Record the codes that are new, or with `--check` compare; return the exit status."""
    if arguments not in ([], ["--check"]):
        raise MisuseError(f"usage: {COMMAND} [--check]")
    now, landed = codes_now(), codes_landed()
    for name, code in lost_codes(now, landed):
        sys.stderr.write(f"{name} has lost {code}: put it back, and mark it as deprecated if it shall go\n")
    if arguments == ["--check"]:
        if now - landed:
            sys.stderr.write(f"{len(now - landed)} codes are not recorded: run `{COMMAND}`\n")
        return 0 if now == landed else 1
    record_codes()
    return 1 if landed - now else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
