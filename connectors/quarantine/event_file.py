"""One event in a file, in JSON form."""

import json
from collections.abc import Mapping
from pathlib import Path

from schemas.errors import MisuseError


def text_of(event: Mapping[str, object]) -> str:
    """Return *event* as it is written for people to change."""
    return json.dumps(event, ensure_ascii=False, indent=2) + "\n"


def event_in(file: Path) -> dict[str, object]:
    """Return the one event in *file*; raise MisuseError, which holds nothing of it."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise MisuseError(f"cannot read {file}: {error.strerror}") from None
    except ValueError:
        raise MisuseError(f"{file} is no JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise MisuseError(f"{file} has to hold one event: a JSON object")
    return found
