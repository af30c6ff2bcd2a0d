"""The file of an export, version 1: lines of JSON in one canonical form, the last of which seals all before it. Pure.

    {"kind":"export","version":1,"hub":…,"made_at":…,"records":…,"keys":[…],"sources":[…]}
    {"kind":"statement","text":…,"signature":…}            for each batch of each source, in order
    {"kind":"answer","text":…,"proof":[…],"record":…}      for each answer of that batch, in order
    {"kind":"stamp",…}                                     for each time-stamp on that statement
    {"kind":"end","lines":…,"sha256":…,"key":…,"signature":…}

Canonical: keys in alphabetical order, no spaces, ASCII. Hashes are hexadecimal digits, other bytes base64. `sha256` is
that of all bytes before the last line; signed is the text of `sealed_text`, by the hub unless the export is a reader's
own.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infra.evidence.lines import ABSENT, MalformedEvidenceError, text_of
from infra.evidence.signatures import SigningKey, key_id_of
from infra.evidence.statements import Statement

VERSION = 1
DOMAIN = "hub.v1.Exported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """What an export holds of one source, without a gap."""

    topic: str
    partition: int
    first_statement: int
    last_statement: int
    first_position: int
    last_position: int


def range_of(first: Statement, last: Statement) -> Range:
    """Return the range from one statement of a source to another."""
    return Range(
        topic=first.topic,
        partition=first.partition,
        first_statement=first.number,
        last_statement=last.number,
        first_position=first.first_position,
        last_position=last.last_position,
    )


def canonical(content: object) -> bytes:
    """Return the one line of *content*."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def content_of(line: bytes) -> dict[str, object]:
    """Return what *line* says; raise MalformedEvidenceError unless it says it in its one form."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise MalformedEvidenceError("it cannot be read") from None
    if not isinstance(found, dict) or canonical(found) != line:
        raise MalformedEvidenceError("it is not written as it must be")
    return found


def base64_of(data: bytes) -> str:
    """Return *data* in base64."""
    return base64.b64encode(data).decode()


def bytes_in(text: object) -> bytes:
    """Return the bytes that *text* is the base64 of; raise MalformedEvidenceError for any other form."""
    try:
        found = base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not isinstance(text, str) or base64_of(found) != text:
        raise MalformedEvidenceError("bytes are not written as they must be")
    return found


def head_line(
    *, hub: str, made_at_ms: int, records: bool, keys: Iterable[Ed25519PublicKey], sources: Sequence[Range]
) -> bytes:
    """Return the first line; *records* says whether what the ledger holds is in the export."""
    return canonical(
        {
            "kind": "export",
            "version": VERSION,
            "hub": hub,
            "made_at": made_at_ms,
            "records": records,
            "keys": [{"key": key_id_of(key), "public_key": key.public_bytes_raw().hex()} for key in keys],
            "sources": [asdict(each) for each in sources],
        }
    )


def statement_line(text: bytes, signature: bytes) -> bytes:
    """Return the line of a statement."""
    return canonical({"kind": "statement", "text": text.decode("ascii"), "signature": base64_of(signature)})


def answer_line(text: bytes, proof: Sequence[bytes], record: bytes | None) -> bytes:
    """Return the line of an answer, with what the ledger holds of it."""
    return canonical(
        {
            "kind": "answer",
            "text": text.decode("ascii"),
            "proof": [each.hex() for each in proof],
            "record": None if record is None else base64_of(record),
        }
    )


def stamp_line(number: int, index: int, size: int, proof: Sequence[bytes], token: bytes) -> bytes:
    """Return the line of a time-stamp on the statement *number*, which stands above it."""
    return canonical(
        {
            "kind": "stamp",
            "number": number,
            "leaf_index": index,
            "tree_size": size,
            "proof": [each.hex() for each in proof],
            "token": base64_of(token),
        }
    )


def sealed_text(hub: str, lines: int, sha256: str, key_id: str) -> bytes:
    """Return what the hub signs of a whole export."""
    return text_of(DOMAIN, [("hub", hub), ("lines", str(lines)), ("sha256", sha256), ("key", key_id)])


class Sealing:
    """Counts and hashes the lines of an export as they are written, to seal them at the end."""

    def __init__(self, hub: str) -> None:
        self._hub = hub
        self._digest, self._lines = hashlib.sha256(), 0

    def add(self, line: bytes) -> bytes:
        """Return *line*, which is the next one."""
        self._digest.update(line)
        self._lines += 1
        return line

    def end(self, key: SigningKey | None) -> bytes:
        """Return the last line, signed with *key* when there is one."""
        sha256 = self._digest.hexdigest()
        end: dict[str, object] = {"kind": "end", "lines": self._lines, "sha256": sha256}
        if key is None:
            return canonical(end | {"key": ABSENT, "signature": None})
        text = sealed_text(self._hub, self._lines, sha256, key.key_id)
        return canonical(end | {"key": key.key_id, "signature": base64_of(key.sign(text))})
