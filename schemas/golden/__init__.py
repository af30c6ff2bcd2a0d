"""The golden corpus: one recorded message of every schema version that ever landed. It is added to, never edited.

`<full name>/<version>-<first digits of the fingerprint>.json` holds the schema, the bytes and the record that they
are. `codes.tsv` holds every code that ever landed. Written by `hub schema record`; what it promises is tested.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.catalogue import NAMESPACE, Contract, contract_of
from schemas.errors import MisuseError
from schemas.names import KeyId
from schemas.registry import AvroSchema, canonical_json, fingerprint_of

ROOT = Path(__file__).parent
DIGITS = 12
"""So many digits of a fingerprint are in the name of a file."""


class BrokenCorpusError(MisuseError):
    """A file of the golden corpus was edited, renamed or lost."""

    code = "broken-golden-corpus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One recorded message."""

    fullname: str
    version: int
    """1 for the first version that landed."""
    fingerprint: str
    previous: str | None
    """Fingerprint of the version before."""
    schema: AvroSchema = field(repr=False, compare=False)
    value: bytes = field(repr=False)
    """The message in Avro binary, without the header of the wire."""
    record: dict[str, object] = field(repr=False)
    """What the message says, in JSON form."""

    @property
    def file_name(self) -> str:
        """Name of its file."""
        return f"{self.version}-{self.fingerprint[:DIGITS]}.json"

    @property
    def contract(self) -> Contract:
        """The contract as it was then."""
        return contract_of(self.schema)

    def text(self) -> str:
        """Return what its file holds."""
        content: dict[str, object] = {
            "fullname": self.fullname,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "previous": self.previous,
            "record": self.record,
            "bytes": base64.b64encode(self.value).decode(),
            "schema": self.schema,
        }
        lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in content.items()]
        return "{\n" + ",\n".join([*lines, f'"digest": "{_digest(content)}"']) + "\n}\n"


def entries(fullname: str, root: Path = ROOT) -> tuple[Entry, ...]:
    """Return every version of *fullname* that landed, oldest first; nothing when none did.

    Raises BrokenCorpusError when a file was edited, renamed or lost.
    """
    folder = root / fullname
    paths = folder.glob("*.json") if folder.is_dir() else ()
    found = sorted((_read(path) for path in paths), key=lambda entry: entry.version)
    previous = None
    for number, entry in enumerate(found, start=1):
        if entry.version == number - 1:
            raise BrokenCorpusError(f"schemas/golden/{fullname}: version {entry.version} is there twice; {_TWICE}")
        if entry.version != number or entry.previous != previous or entry.fullname != fullname:
            raise BrokenCorpusError(f"schemas/golden/{fullname}: version {number} is lost; take it back from git")
        previous = entry.fingerprint
    return tuple(found)


def versions(name: str) -> tuple[Contract, ...]:
    """Return every version of the event type *name* that landed, oldest first."""
    return tuple(entry.contract for entry in entries(f"{NAMESPACE}.{name}"))


def fullnames(root: Path = ROOT) -> tuple[str, ...]:
    """Return the full name of everything that has an entry, sorted."""
    return tuple(sorted(path.name for path in root.iterdir() if path.is_dir() and "." in path.name))


def secret_of(kid: KeyId) -> bytes:
    """Return the key of a sealed entry: it follows from its id, so that everybody opens the corpus."""
    return hashlib.sha256(f"golden corpus {kid}".encode()).digest()


def _read(path: Path) -> Entry:
    advice = f"schemas/golden/{path.parent.name}/{path.name} was edited or renamed; take it back from git"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        digest = content.pop("digest")
        entry = Entry(value=base64.b64decode(content.pop("bytes")), **content)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BrokenCorpusError(advice) from None
    written = {**content, "bytes": base64.b64encode(entry.value).decode()}
    if digest != _digest(written) or entry.fingerprint != fingerprint_of(entry.schema) or entry.file_name != path.name:
        raise BrokenCorpusError(advice)
    return entry


_TWICE = "delete the one that has not landed on main, and run `hub schema record` again"


def _digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
