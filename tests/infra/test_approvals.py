"""Approvals count when the officer's own good key signed every word of them."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.approvals import Approval, approval_form, approval_from, fault_of, record_of_approval
from infra.control import AGREEMENTS, APPROVALS, ControlFold, genuine
from infra.signing.key_log import KEYS
from infra.signing.keys import Fault, Holder, HolderKind, Keyring, Revocation, SigningKey
from infra.signing.records import record_of_key, record_of_revocation
from infra.signing.signer import Signer
from schemas.catalogue import hub_contract
from schemas.codec import Record
from schemas.names import PartnerId
from tests.schemas.registries import memory_codec

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEY = SigningKey(
    key_id=SIGNER.key_id,
    holder=Holder(HolderKind.OFFICER, "rs-police/7"),
    organisation="rs-police",
    public_key=SIGNER.public_key,
    valid_from=NOW - DAY,
    valid_until=NOW + DAY,
    registered_at=NOW - DAY,
    registered_by="operator",
)
RING = Keyring(keys={KEY.key_id: KEY}, revocations={})


def approval(**changes: Any) -> Approval:
    content: dict[str, Any] = {
        "approval_id": "a",
        "event_id": "e",
        "audience": PartnerId("europol"),
        "approved_by": "rs-police/7",
        "reason": "asked for",
        "approved_at": NOW,
        "valid_until": NOW + DAY,
        "key_id": SIGNER.key_id,
        "signature": b"",
    }
    unsigned = Approval(**{**content, **changes})
    return dataclasses.replace(unsigned, signature=SIGNER.sign(approval_form(unsigned)))


def test_an_approval_signed_by_its_officer_is_genuine() -> None:
    assert fault_of(approval(), RING) is None
    assert genuine([approval()], RING) == {"e": (approval(),)}


@pytest.mark.parametrize(
    "change",
    [
        {"approval_id": "b"},
        {"event_id": "f"},
        {"audience": PartnerId("selec")},
        {"reason": "else"},
        {"approved_at": NOW + dt.timedelta(seconds=1)},
        {"valid_until": NOW + 2 * DAY},
    ],
    ids=lambda change: next(iter(change)),
)
def test_no_word_of_it_can_be_another(change: dict[str, Any]) -> None:
    forged = dataclasses.replace(approval(), **change)
    assert fault_of(forged, RING) is Fault.WRONG
    assert genuine([forged], RING) == {}


def test_nobody_signs_for_another_officer() -> None:
    assert fault_of(approval(approved_by="hub-operator/1"), RING) is Fault.ANOTHERS


def test_an_agencys_key_is_no_officers() -> None:
    agencys = dataclasses.replace(KEY, holder=Holder(HolderKind.AGENCY, "rs-police/7"))
    assert fault_of(approval(), Keyring(keys={KEY.key_id: agencys}, revocations={})) is Fault.ANOTHERS


def test_a_key_that_was_not_valid_or_was_revoked_since_approves_nothing() -> None:
    assert fault_of(approval(approved_at=NOW - 2 * DAY), RING) is Fault.NOT_YET_VALID
    assert fault_of(approval(approved_at=NOW + DAY), RING) is Fault.EXPIRED
    revoked = Revocation(
        key_id=KEY.key_id, revoked_at=NOW + DAY, doubtful_since=None, reason="lost", revoked_by="operator"
    )
    assert fault_of(approval(), Keyring(keys=RING.keys, revocations={KEY.key_id: revoked})) is Fault.REVOKED


def test_a_word_with_a_line_break_is_malformed_and_not_an_error() -> None:
    forged = dataclasses.replace(approval(), reason="a\nb")
    assert fault_of(forged, RING) is Fault.MALFORMED


def test_an_approval_survives_its_record() -> None:
    assert approval_from(record_of_approval(approval())) == approval()


CODEC = memory_codec()
REVOKED = Revocation(key_id=KEY.key_id, revoked_at=NOW, doubtful_since=None, reason="lost", revoked_by="operator")


def written(name: str, record: Record) -> bytes:
    return CODEC.writer(f"control-hub.v1.{name}", hub_contract(name).schema).encode(record)


TOLD = [
    (KEYS, written("SigningKeyRegistered", record_of_key(KEY))),
    (KEYS, written("SigningKeyRevoked", record_of_revocation(REVOKED))),
    *(
        (APPROVALS, written("EventApproved", record_of_approval(each)))
        for each in (
            approval(),
            approval(approval_id="b"),
            approval(approval_id="c", event_id="f"),
            dataclasses.replace(approval(approval_id="d"), reason="forged"),
            dataclasses.replace(approval(), event_id="the id of another once more"),
        )
    ),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(TOLD), max_size=12))
def test_whatever_comes_first_an_approval_counts_by_the_keys_that_are_known(told: list[tuple[str, bytes]]) -> None:
    fold = ControlFold(CODEC, decides=True)
    for topic, value in told:
        fold.takers[topic](value)
        assert fold.state({AGREEMENTS: 0}).approvals == genuine(fold.approvals, fold.ring)
    before = fold.state({AGREEMENTS: 0}).approvals
    kept = dict(before)
    fold.takers[APPROVALS](TOLD[4][1])
    assert before == kept, "a state that was handed out does not change"
