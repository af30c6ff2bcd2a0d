"""The journal of an import: how far it is, so that it goes on where it stopped. It holds no value of any row."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import orjson

from infra.home import write_atomically
from schemas.errors import MisuseError

SUFFIX = ".import.json"


@dataclass(slots=True, kw_only=True)
class Journal:
    """What is known of the import of one file."""

    path: Path
    file: str
    """SHA-256 of the file."""
    mapping: str
    """SHA-256 of mapping and parameters."""
    agency: str
    state: Literal["running", "done"] = "running"
    rows: int = 0
    """Rows whose events were answered."""
    refused_bytes: int = 0
    refused_digest: str = ""
    """SHA-256 of the file of refused rows when the import was done."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def save(self) -> None:
        """Write the journal so that it is either the old or the new one."""
        content = {name: getattr(self, name) for name in _STORED}
        try:
            write_atomically(self.path, orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")
        except OSError as error:
            raise MisuseError(
                f"the journal cannot be written beside the file ({error.strerror}): "
                "name another folder with `--refused`"
            ) from None

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Return the journal at *path*, None when there is none that can be read."""
        try:
            content = orjson.loads(path.read_bytes())
            return cls(path=path, **{name: content[name] for name in _STORED})
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            return None

    def goes_on_from(self, other: "Journal | None") -> bool:
        """Whether *other* is an interrupted import of the same thing."""
        return (
            other is not None
            and other.state == "running"
            and (other.file, other.mapping, other.agency) == (self.file, self.mapping, self.agency)
        )

    def take(self, other: "Journal") -> None:
        """Go on where *other* stopped."""
        self.rows, self.refused_bytes, self.counts = other.rows, other.refused_bytes, other.counts


_STORED = ("file", "mapping", "agency", "state", "rows", "refused_bytes", "refused_digest", "counts")
