"""Evidence of a running hub: what agencies hold, what an export shows offline, and that OpenSSL alone can check it."""

import io
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from connectors.receipts import Receipt
from infra.evidence.receipts import UnprovedReceiptError
from infra.evidence.signatures import key_id_of, keys_in
from infra.evidence.verifying import verify
from infra.home import Home
from tests.evidence import KEYS
from tests.publishing import Agency, invented
from tests.running import command, ensure_worker, rows

pytestmark = pytest.mark.stack
AGENCY = "bg-labour-inspectorate"
BITS = 300
OPENSSL_CHECK = """
set -e
openssl pkeyutl -verify -pubin -inkey hub.pem -rawin -in statement.txt -sigfile statement.sig
h=$( (printf '\\0'; cat answer.txt) | openssl dgst -sha256 -r | cut -c1-64)
while read side other; do
  if [ $side = left ]; then pair=$other$h; else pair=$h$other; fi
  h=$(printf "$(echo 01$pair | sed 's/../\\\\x&/g')" | openssl dgst -sha256 -r | cut -c1-64)
done < path.txt
grep "^root $h$" statement.txt
"""


def openssl_says(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the parts of a receipt in *folder* as the page of agencies says."""
    bash = shutil.which("bash") or "bash"
    return subprocess.run([bash, "-c", OPENSSL_CHECK], cwd=folder, capture_output=True, text=True, check=False)


def public_key(home: Home, folder: Path) -> Path:
    path = folder / "hub.pem"
    assert command(home, "evidence", "key", "--output", str(path)).returncode == 0
    return path


async def answered(home: Home) -> list[Receipt]:
    """Publish an event, one that is refused, and the first once more; return their receipts in order."""
    ensure_worker(home)
    async with Agency(home, AGENCY) as agency:
        good = agency.event()
        bad = agency.encode(invented("PersonIdentified", AGENCY, envelope__purpose="NO_SUCH_PURPOSE"))
        offsets = await agency.send_all([good, bad, good, agency.event()])
        found = await agency.answers(offsets)
    return [found[offset] for offset in offsets]


async def test_a_receipt_proves_itself_to_whoever_has_the_public_key(home: Home, tmp_path: Path) -> None:
    accepted, refused, duplicate, _ = await answered(home)
    keys = keys_in(public_key(home, tmp_path))
    for receipt, outcome in ((accepted, "ACCEPTED"), (refused, "REFUSED")):
        assert receipt.evidence is not None
        answer = receipt.evidence.check(keys)
        assert (answer.outcome, answer.offset, answer.event_id) == (outcome, receipt.source_offset, receipt.event_id)
        assert answer.problems == receipt.problems
        with pytest.raises(UnprovedReceiptError):
            receipt.evidence.check(KEYS)
    assert duplicate.outcome == "DUPLICATE"
    assert duplicate.evidence is None
    assert duplicate.chain_position == accepted.chain_position


async def test_an_export_is_verified_offline_and_each_bit_of_it_counts(home: Home, tmp_path: Path) -> None:
    accepted, *_ = await answered(home)
    key, export = public_key(home, tmp_path), tmp_path / "export.jsonl"
    made = command(home, "evidence", "export", "--agency", AGENCY, "--output", str(export), "--json")
    assert made.returncode == 0, made.stderr
    checked = command(home, "verify", str(export), "--key", str(key), "--json")
    said = json.loads(checked.stdout)
    assert checked.returncode == 0, checked.stdout
    assert said["accepted"] + said["refused"] == json.loads(made.stdout)["answers"]
    assert said["refused"] > 0
    assert (said["problems"], said["notes"]) == ([], [])
    content, keys, draw = export.read_bytes(), keys_in(key), random.Random(8)  # noqa: S311 - not a secret
    assert (accepted.event_id or "-").encode() in content
    missed = []
    for _ in range(BITS):
        bit = draw.randrange(len(content) * 8)
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        if verify(io.BytesIO(bytes(changed)), keys).is_good:
            missed.append(bit)
    assert missed == []


async def test_what_is_wrong_with_an_export_is_said_with_its_place(home: Home, tmp_path: Path) -> None:
    accepted, *_ = await answered(home)
    key, export = public_key(home, tmp_path), tmp_path / "export.jsonl"
    assert command(home, "evidence", "export", "--agency", AGENCY, "--output", str(export)).returncode == 0
    lines = export.read_bytes().splitlines(keepends=True)
    place = next(at for at, line in enumerate(lines) if (accepted.event_id or "-").encode() in line)
    lines[place] = lines[place].replace(b"outcome ACCEPTED", b"outcome REFUSED")
    export.write_bytes(b"".join(lines))
    found = command(home, "verify", str(export), "--key", str(key))
    assert found.returncode == 1
    where = f"line {place + 1}, in.{AGENCY}-0 position {accepted.chain_position}: answer-altered"
    assert where in found.stdout
    assert "file-altered" in found.stdout


async def test_a_part_of_a_chain_is_exported_as_whole_batches(home: Home, tmp_path: Path) -> None:
    *_, last = await answered(home)
    export, position = tmp_path / "export.jsonl", str(last.chain_position)
    given = ("--agency", AGENCY, "--from-position", position, "--to-position", position, "--output", str(export))
    assert command(home, "evidence", "export", *given).returncode == 0
    found = command(home, "verify", str(export), "--key", str(public_key(home, tmp_path)))
    assert found.returncode == 0, found.stdout
    assert "1 statements" in found.stdout
    nothing = command(home, "evidence", "export", "--agency", AGENCY, "--until", "2001-01-01", "--output", str(export))
    assert (nothing.returncode, "nothing-to-export" in nothing.stderr) == (2, True)
    assert command(home, "evidence", "export", "--agency", "nobody", "--output", str(export)).returncode == 2


async def test_an_agency_exports_its_own_receipts(home: Home, tmp_path: Path) -> None:
    await answered(home)
    export = tmp_path / "own.jsonl"
    assert command(home, "receipt", "export", "--agency", AGENCY, "--output", str(export)).returncode == 0
    found = command(home, "verify", str(export), "--key", str(public_key(home, tmp_path)))
    assert found.returncode == 0, found.stdout
    assert "not signed as a whole" in found.stdout


async def test_openssl_alone_verifies_a_receipt(home: Home, tmp_path: Path) -> None:
    accepted, *_ = await answered(home)
    file = tmp_path / "receipt.json"
    key, folder = public_key(home, tmp_path), tmp_path / "parts"
    parts = ("--parts", str(folder), "--key", str(key), "--output", str(file))
    shown = command(home, "receipt", "show", str(accepted.event_id), "--agency", AGENCY, *parts)
    assert shown.returncode == 0, shown.stderr
    assert "outcome ACCEPTED" in shown.stdout
    checked = openssl_says(folder)
    assert checked.returncode == 0, checked.stderr
    assert "Signature Verified Successfully" in checked.stdout
    good = command(home, "receipt", "verify", str(file), "--key", str(key))
    assert (good.returncode, "accepted" in good.stdout) == (0, True)
    answer = folder / "answer.txt"
    answer.write_text(answer.read_text().replace("ACCEPTED", "REFUSED"))
    assert openssl_says(folder).returncode != 0
    file.write_text(file.read_text().replace("ACCEPTED", "REFUSED"))
    bad = command(home, "receipt", "verify", str(file), "--key", str(key))
    assert (bad.returncode, "unproved-receipt" in bad.stderr) == (1, True)
    none = command(home, "receipt", "show", "0199c0de-0000-7000-8000-000000000001", "--agency", AGENCY)
    assert none.returncode == 2


async def test_what_was_signed_with_an_older_key_verifies_after_a_rotation(home: Home, tmp_path: Path) -> None:
    await answered(home)
    before = keys_in(public_key(home, tmp_path))
    made = command(home, "evidence", "key", "--rotate", "--json")
    newest = json.loads(made.stdout)["keys"][-1]["key"]
    assert newest not in before
    after = public_key(home, tmp_path)
    assert set(keys_in(after)) >= {*before, newest}
    assert all(key_id_of(key) == name for name, key in keys_in(after).items())
    export = tmp_path / "export.jsonl"
    assert command(home, "evidence", "export", "--agency", AGENCY, "--output", str(export)).returncode == 0
    assert command(home, "verify", str(export), "--key", str(after)).returncode == 0
    names = {each[0] for each in rows(home, "SELECT key_id FROM vault.evidence_key")}
    assert {newest, *before} <= names
