"""The signed original in the ledger: it opens with the keys of all whom it is about, and never without one of them."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import UnreadableSealError
from schemas.field_steps import AGENCY
from schemas.names import KeyId
from schemas.opening import ERASED
from schemas.originals import HOLDER_BYTES, ORIGINAL_BYTES, open_original, seal_original
from schemas.sealing import DataKey, Sealing
from tests.schemas.sealed import counted

SCHEMA = "hub.ledger.v1.InvestigationOpened"
EVENT_ID, AGENCY_ID = "0190b6a0-0000-7000-8000-000000000001", "rs-police"


def keys(people: int) -> dict[str, DataKey]:
    """Return the key of the agency and of each of *people* suspects."""
    names = {AGENCY: AGENCY_ID} | {f"suspects[{number}]": f"{number:036}" for number in range(people)}
    return {
        path: DataKey(KeyId(f"{number:036}"), subject, hashlib.sha256(path.encode()).digest())
        for number, (path, subject) in enumerate(names.items())
    }


def sealing(held: dict[str, DataKey]) -> Sealing:
    return Sealing(event_id=EVENT_ID, schema=SCHEMA, keys=held, nonce=counted())


def ledger_event(original: bytes, held: dict[str, DataKey], event_id: str = EVENT_ID) -> dict[str, object]:
    envelope = {"event_id": event_id, "agency": AGENCY_ID}
    return {"envelope": envelope, "signed_original": seal_original(original, sealing(held))}


@given(original=st.binary(max_size=200), people=st.integers(0, 4))
def test_it_opens_to_the_same_bytes_with_all_keys_and_is_erased_without_any_one(original: bytes, people: int) -> None:
    held = keys(people)
    record = ledger_event(original, held)
    secrets = {key.kid: key.secret for key in held.values()}
    assert open_original(record, SCHEMA, secrets.get) == original
    for gone in secrets:
        assert open_original(record, SCHEMA, {**secrets, gone: None}.get) is ERASED


def test_it_does_not_open_in_another_event_or_altered() -> None:
    held = keys(2)
    secrets = {key.kid: key.secret for key in held.values()}
    moved = ledger_event(b"original", held, "0190b6a0-0000-7000-8000-000000000002")
    altered = ledger_event(b"original", held)
    kept = altered["signed_original"]
    assert isinstance(kept, dict)
    kept["ct"] = kept["ct"][:-1] + bytes([kept["ct"][-1] ^ 1])
    for record, schema in [(moved, SCHEMA), (altered, SCHEMA), (ledger_event(b"original", held), f"{SCHEMA}x")]:
        with pytest.raises(UnreadableSealError):
            open_original(record, schema, secrets.get)


def test_an_event_that_came_unsigned_has_none() -> None:
    assert open_original({"envelope": {}}, SCHEMA, lambda _kid: None) is None


@pytest.mark.parametrize("people", [0, 1, 2, 10, 200])
def test_it_grows_by_what_was_signed_once_and_a_little_for_each_holder(people: int) -> None:
    held = keys(people)
    found = seal_original(bytes(10_000), sealing(held))
    assert isinstance(found, dict)
    assert len(found["ct"]) <= 10_000 + ORIGINAL_BYTES
    assert len(found["key"]["ct"]) <= (people + 1) * HOLDER_BYTES
