"""The verifier: reads an export line by line and says everything that is wrong with it, and where. Offline.

It needs the public keys of the hub and nothing else; for time-stamps the certificate of who vouches for the authority.
It trusts nothing that the file says of itself: every hash is computed anew.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509 import Certificate

from infra.evidence.batch_check import BatchCheck
from infra.evidence.export_file import VERSION, Range, bytes_in, content_of, range_of, sealed_text
from infra.evidence.findings import Findings
from infra.evidence.lines import ABSENT, MalformedEvidenceError, digest_of
from infra.evidence.signatures import PublicKeys, by_id, is_signed
from infra.evidence.statements import Statement

NOT_OURS = "the keys are those that the file itself names: compare their ids with what the hub's operator publishes"


@dataclass(slots=True)
class _Source:
    """How far one source has been read."""

    promised: Range | None
    first: Statement | None = None
    last: Statement | None = None


@dataclass(slots=True)
class Verifier:
    """Checks one export; *keys* of the hub, None for those that the file names; *roots* vouch for time-stamps."""

    keys: PublicKeys | None
    roots: Sequence[Certificate] = ()
    found: Findings = field(default_factory=Findings)
    _hub: str = ""
    _records: bool = True
    _sources: dict[tuple[str, int], _Source] = field(default_factory=dict)
    _batch: BatchCheck | None = None
    _is_lost: bool = False
    """Whether the statement that should be above could not be read: its answers are then not told one by one."""
    _is_ended: bool = False

    def verify(self, lines: Iterable[bytes]) -> Findings:
        """Return what is found in *lines*, each with its end."""
        before = digest = hashlib.sha256()
        for number, line in enumerate(lines, 1):
            self.found.line = number
            before = digest.copy()
            digest.update(line)
            if number == 1:
                self._guarded(self._head, line)
            else:
                self._guarded(partial(self._line, digest_before=before.hexdigest()), line)
        self._close_batch()
        if not self._is_ended:
            self.found.wrong("cut-off", "the last line of the export is missing: ask for the export again")
        if self.found.statements == 0:
            self.found.note("the export holds no statement of the hub: it shows nothing")
        for (topic, partition), source in self._sources.items():
            self._check_range(f"{topic}-{partition}", source)
        return self.found

    def _guarded(self, check: Callable[[bytes], None], line: bytes) -> None:
        try:
            check(line)
        except (MalformedEvidenceError, KeyError, TypeError, ValueError, AttributeError) as error:
            known = isinstance(error, MalformedEvidenceError)
            told = str(error) if known else "a part of it is missing or of a wrong kind"
            self.found.wrong("malformed-line", f"the line was changed: {told}")

    def _head(self, line: bytes) -> None:
        content = content_of(line)
        if content.get("kind") != "export" or content["version"] != VERSION:
            raise MalformedEvidenceError(f"an export begins with its head, of version {VERSION}")
        self._hub, self._records = str(content["hub"]), bool(content["records"])
        for each in cast("list[dict[str, object]]", content["sources"]):
            promised = Range(**each)  # type: ignore[arg-type]  # what is wrong in it differs from what is found
            self._sources[promised.topic, promised.partition] = _Source(promised)
        if self.keys is None:
            named = cast("list[dict[str, str]]", content["keys"])
            raw = [bytes.fromhex(each["public_key"]) for each in named]
            self.keys = by_id(Ed25519PublicKey.from_public_bytes(each) for each in raw)
            self.found.note(f"{NOT_OURS}: {', '.join(sorted(self.keys)) or 'none'}")
        if not self._records:
            self.found.note("the export is without what the ledger holds; that it holds it was not checked")

    def _line(self, line: bytes, digest_before: str) -> None:
        content = content_of(line)
        if self._is_ended:
            raise MalformedEvidenceError("nothing may follow the last line")
        match content.get("kind"):
            case "statement":
                self._close_batch()
                self._is_lost = True
                self._statement(str(content["text"]).encode(), bytes_in(content["signature"]))
            case "answer":
                self._answer(content)
            case "stamp":
                self._stamp(content)
            case "end":
                self._end(content, digest_before)
            case _:
                raise MalformedEvidenceError("it is of no known kind")

    def _statement(self, text: bytes, signature: bytes) -> None:
        said = Statement.parse(text)
        self._is_lost = False
        source = self._sources.setdefault((said.topic, said.partition), _Source(None))
        self.found.source, self.found.position = f"{said.topic}-{said.partition}", said.first_position
        key = (self.keys or {}).get(said.key_id)
        if key is None:
            self.found.wrong("unknown-key", "the statement names a key that is not among the hub's public keys")
        elif not is_signed(text, signature, key):
            self.found.wrong("signature-wrong", "the hub has not signed this statement: it was changed, or never made")
        self._batch = BatchCheck(said, self._hub, source.last, self._records, self.found)
        self._batch.open()
        source.first, source.last = source.first or said, said
        self.found.statements += 1

    def _answer(self, content: dict[str, object]) -> None:
        if self._is_lost:
            return
        if self._batch is None:
            raise MalformedEvidenceError("an answer must follow a statement")
        record = content["record"]
        proof = [digest_of(each) for each in cast("list[str]", content["proof"])]
        self._batch.answer(str(content["text"]).encode(), proof, None if record is None else bytes_in(record))

    def _stamp(self, content: dict[str, object]) -> None:
        if self._is_lost:
            return
        if self._batch is None:
            raise MalformedEvidenceError("a time-stamp must follow a statement")
        proof = [digest_of(each) for each in cast("list[str]", content["proof"])]
        place = (int(str(content["number"])), int(str(content["leaf_index"])), int(str(content["tree_size"])))
        self._batch.stamp(place, proof, bytes_in(content["token"]), self.roots)

    def _end(self, content: dict[str, object], digest_before: str) -> None:
        self._close_batch()
        self._is_ended = True
        self.found.source, self.found.position = "", None
        lines = self.found.line - 1
        if content["lines"] != lines:
            self.found.wrong("lines-missing", f"{content['lines']} lines were exported, and {lines} are here")
        if content["sha256"] != digest_before:
            self.found.wrong("file-altered", "the file is not as it was exported; other findings may say where")
        if content["key"] == ABSENT and content["signature"] is None:
            self._unsigned()
            return
        key = (self.keys or {}).get(str(content["key"]))
        if key is None:
            self.found.wrong("unknown-key", "the export names a key that is not among the hub's public keys")
        elif not is_signed(
            sealed_text(self._hub, lines, digest_before, str(content["key"])), bytes_in(content["signature"]), key
        ):
            self.found.wrong("export-signature-wrong", "the hub has not signed this file as it is")

    def _unsigned(self) -> None:
        if self._records:
            self.found.wrong("not-signed", "an export with what the ledger holds is signed by the hub; this one is not")
        self.found.note("a reader's own export, not signed as a whole: nobody can tell what came after its end")

    def _close_batch(self) -> None:
        if self._batch is not None:
            self._batch.close()
        self._batch = None

    def _check_range(self, name: str, source: _Source) -> None:
        first, last = source.first, source.last
        if first is not None and last is not None:
            begins = "" if first.number == 0 else ", not from its beginning"
            self.found.ranges.append(f"{name}: statements {first.number} to {last.number}{begins}")
        found = None if first is None or last is None else range_of(first, last)
        if found != source.promised:
            self.found.source, self.found.position = name, None
            self.found.wrong("range-missing", "the head of the export promises another range than is here")


def verify(lines: Iterable[bytes], keys: PublicKeys | None, roots: Sequence[Certificate] = ()) -> Findings:
    """Return what is wrong with the export of *lines*, and what it holds."""
    return Verifier(keys, roots).verify(lines)
