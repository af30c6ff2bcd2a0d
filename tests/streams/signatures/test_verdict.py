"""How a signature stands, long after: by the key as it was then, and by what is known of the key today."""

import dataclasses
from typing import Any

from infra.signing.keys import Keyring
from schemas.codec import Record
from schemas.names import TopicName
from streams.signatures.verdict import SAID, Standing, says_the_same, standing_of
from tests.infra.signing.making import DAY, NOW, key_of, revocation, ring_of, signer

AGENCY = "rs-police"
SIGNER = signer()
KEY = key_of(SIGNER, start=NOW - 9 * DAY)


def signed() -> Record:
    return SIGNER.event(TopicName(f"in.{AGENCY}"), b"event")


def standing(ring: Keyring, *, agency: str = AGENCY, key_id: str = SIGNER.key_id, **changes: object) -> Any:
    return standing_of(ring, agency, {**signed(), **changes}, key_id, NOW - 3 * DAY)


def test_a_key_that_expired_or_was_revoked_since_does_not_undo_what_it_signed() -> None:
    for ring in (
        ring_of(KEY),
        ring_of(dataclasses.replace(KEY, valid_until=NOW)),
        ring_of(KEY, revocations=(revocation(KEY),)),
        ring_of(KEY, revocations=(revocation(KEY, since=NOW - 2 * DAY),)),
    ):
        assert standing(ring) == (Standing.SIGNED, "")


def test_what_a_key_signed_since_it_is_in_doubt_is_in_doubt() -> None:
    assert standing(ring_of(KEY, revocations=(revocation(KEY, since=NOW - 3 * DAY),))) == (Standing.DOUBTFUL, "")


def test_what_does_not_verify_says_why() -> None:
    ring = ring_of(KEY)
    assert standing(ring, event=b"other") == (Standing.NOT_VERIFIED, "signature-wrong")
    assert standing(ring, agency="bg-police") == (Standing.NOT_VERIFIED, "key-of-another")
    assert standing(ring_of()) == (Standing.NOT_VERIFIED, "signed-by-unknown-key")
    assert standing(ring, key_id="f" * 64)[0] is Standing.NOT_VERIFIED
    late = ring_of(dataclasses.replace(KEY, valid_from=NOW))
    assert standing(late) == (Standing.NOT_VERIFIED, "key-not-yet-valid")


def test_ledger_and_original_are_compared_but_for_what_the_hub_added() -> None:
    event: Record = {"envelope": {"event_id": "1"}, "suspects": [{"person_ref": "P-1", "role": "SUSPECT"}], "n": None}
    at_rest: Record = {
        **event,
        "suspects": [{"person_ref": "P-1", "role": "SUSPECT", "subject": "random"}],
        "received_at": NOW,
    }
    assert says_the_same(at_rest, event, ("received_at",))
    assert not says_the_same({**at_rest, "n": 1}, event, ("received_at",))
    assert not says_the_same(at_rest, event, ())
    assert not says_the_same(at_rest, {}, ("received_at",))


def test_every_standing_has_words() -> None:
    assert SAID.keys() == set(Standing)
