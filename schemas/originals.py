"""The signed original of an event as the ledger keeps it: evidence of who said what, gone with anyone it is about.

Rule 1: it is under a random key of its own. That key is sealed as a narrative about several persons is: under the keys
        of all persons of the event and of the agency, one within the other. So size grows by what was signed, once.
Rule 2: pure. Keys and random bytes come in as arguments.
"""

import base64
from collections.abc import Callable, Mapping
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.codec import Record
from schemas.derive import SEALED_NAME
from schemas.errors import UnreadableSealError
from schemas.field_steps import AGENCY
from schemas.names import KeyId
from schemas.opening import ERASED, Erased, Place, open_value
from schemas.sealing import NONCE_BYTES, DataKey, Sealing
from schemas.stamps import SIGNED_ORIGINAL

BRANCH = "hub.v1.SealedOriginal"
KEY_BYTES = 32
ORIGINAL_BYTES = 64
"""What a sealed original has beyond what it holds, but for the keys: nonce, tag, lengths."""
HOLDER_BYTES = 160
"""What each holder of its key adds at most: an id, a subject, a layer, in base64."""


def seal_original(original: bytes, sealing: Sealing) -> object:
    """Return *original*, the signed event in its wire format, as a ledger event carries it."""
    random = b"".join(sealing.nonce() for _ in range(-(-KEY_BYTES // NONCE_BYTES)))
    secret, nonce = random[:KEY_BYTES], sealing.nonce()
    ct = nonce + AESGCM(secret).encrypt(nonce, original, _bound(sealing.event_id, sealing.schema))
    key = sealing.seal(SIGNED_ORIGINAL, base64.b64encode(secret).decode(), _holders(sealing))
    if not sealing.wire:
        return {"key": key, "ct": ct}
    return BRANCH, {"key": (SEALED_NAME, key), "ct": ct}


def open_original(
    record: Mapping[str, object], schema: str, key_of: Callable[[KeyId], bytes | None]
) -> bytes | Erased | None:
    """Return the signed event of the ledger event *record*; None when it came unsigned, ERASED when it is gone.

    *schema* is the full name of the record. Raises UnreadableSealError for one that was altered or moved.
    """
    held = cast("Record | None", record.get(SIGNED_ORIGINAL))
    if held is None:
        return None
    envelope = cast("Record", record["envelope"])
    event_id, agency = str(envelope["event_id"]), str(envelope["agency"])
    place = Place(event_id, schema, SIGNED_ORIGINAL)
    secret = open_value(cast("Record", held["key"]), place, [agency], key_of)
    if secret is ERASED:
        return ERASED
    ct = cast("bytes", held["ct"])
    try:
        cipher = AESGCM(base64.b64decode(cast("str", secret)))
        return cipher.decrypt(ct[:NONCE_BYTES], ct[NONCE_BYTES:], _bound(event_id, schema))
    except (InvalidTag, ValueError):
        raise UnreadableSealError(f"{SIGNED_ORIGINAL}: it does not open: altered, or moved from elsewhere") from None


def _holders(sealing: Sealing) -> list[DataKey]:
    """Return the key of every person once, then the agency's, which is the outermost."""
    people = {key.kid: key for path, key in sorted(sealing.keys.items()) if path != AGENCY}
    return [*people.values(), sealing.keys[AGENCY]]


def _bound(event_id: str, schema: str) -> bytes:
    return f"{event_id}|{schema}|{SIGNED_ORIGINAL}".encode()
