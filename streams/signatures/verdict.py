"""The rules of checking a signature again, long after the event was accepted. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from infra.signing.forms import event_form
from infra.signing.keys import Holder, HolderKind, Keyring
from schemas.codec import Record
from schemas.names import TopicName


class Standing(StrEnum):
    """What can be said of the signature of an event in the ledger."""

    SIGNED = "signed"
    DOUBTFUL = "doubtful"
    UNSIGNED = "unsigned"
    ERASED = "erased"
    NOT_VERIFIED = "not-verified"
    OTHER_CONTENT = "other-content"


SAID: Mapping[Standing, str] = {
    Standing.SIGNED: "the agency signed what the ledger says, with a key that it might use then",
    Standing.DOUBTFUL: "the signature fits, but its key was revoked later, and is in doubt for that time",
    Standing.UNSIGNED: "the event came without a signature",
    Standing.ERASED: "data of a person in the event were erased: the signed original is gone with them",
    Standing.NOT_VERIFIED: "THE SIGNATURE DOES NOT VERIFY: find out who wrote to the ledger or changed the keys",
    Standing.OTHER_CONTENT: "THE LEDGER DOES NOT SAY WHAT WAS SIGNED: find out who wrote to it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of checking one event."""

    event_id: str
    agency: str
    received_at: datetime
    key_id: str | None
    standing: Standing
    detail: str = ""


def standing_of(ring: Keyring, agency: str, signed: Record, key_id: str, received_at: datetime) -> tuple[Standing, str]:
    """Return how the content of a signed event of *agency* stands that the hub accepted at *received_at*."""
    salt, event = cast("bytes", signed["salt"]), cast("bytes", signed["event"])
    if signed["key_id"] != key_id:
        return Standing.NOT_VERIFIED, "another key than the ledger names"
    message = event_form(TopicName(f"in.{agency}"), salt, event)
    holder = Holder(HolderKind.AGENCY, agency)
    fault = ring.fault(key_id, holder, message, cast("bytes", signed["signature"]), received_at)
    if fault is not None:
        return Standing.NOT_VERIFIED, str(fault)
    return (Standing.DOUBTFUL if ring.is_doubtful(key_id, received_at) else Standing.SIGNED), ""


def says_the_same(opened: Record, signed: Record, added: tuple[str, ...]) -> bool:
    """Whether the ledger event *opened* says what the agency *signed*, but for what the hub *added* to it."""
    return _plain({name: value for name, value in opened.items() if name not in added}) == _plain(signed)


def _plain(value: object) -> object:
    """Return *value* without the ids that the hub gives to persons."""
    if isinstance(value, dict):
        return {
            name: _plain(inner) for name, inner in value.items() if not (name == "subject" and "person_ref" in value)
        }
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
