"""Approvals: an officer lets an audience have an event that its handling code holds back, signed by that officer. Pure.

Rule 1: what is signed is every word of the approval, under a line of its own (`infra/signing/forms.py`).
Rule 2: one that is not signed by a good key of its officer counts for nothing, and stays visible.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import cast

from infra.signing.forms import line, signed_form
from infra.signing.keys import Fault, Holder, HolderKind, Keyring
from schemas.codec import Record
from schemas.names import PartnerId

DOMAIN = "hub.v1.EventApproved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One officer approved one event for one audience until a moment."""

    approval_id: str
    event_id: str
    audience: PartnerId
    approved_by: str
    """`<organisation>/<officer id>`."""
    reason: str
    approved_at: dt.datetime
    valid_until: dt.datetime
    """Exclusive."""
    key_id: str
    signature: bytes = field(repr=False)

    @property
    def organisation(self) -> str:
        """The organisation for which the officer speaks."""
        return self.approved_by.partition("/")[0]

    def holds_at(self, moment: dt.datetime) -> bool:
        """Whether it counts at *moment*, if it is genuine."""
        return self.approved_at <= moment < self.valid_until


def approval_form(approval: Approval) -> bytes:
    """Return what the officer signs; raise ValueError for a word with a line break."""
    words = (
        approval.approval_id,
        approval.event_id,
        approval.audience,
        approval.approved_by,
        approval.reason,
        _millis(approval.approved_at),
        _millis(approval.valid_until),
        approval.key_id,
    )
    return signed_form(DOMAIN, *map(line, words))


def fault_of(approval: Approval, ring: Keyring) -> Fault | None:
    """Return why *approval* counts for nothing, None when it is genuine.

    The key must have been valid when it was approved. One that was revoked since, whenever, vouches for nothing: who
    stole it may have written any time into an approval.
    """
    holder = Holder(HolderKind.OFFICER, approval.approved_by)
    try:
        message = approval_form(approval)
    except ValueError:
        return Fault.MALFORMED
    return ring.arriving(approval.key_id, holder, message, approval.signature, approval.approved_at)


def approval_from(record: Record) -> Approval:
    """Return the approval in an EventApproved."""
    return Approval(
        approval_id=str(record["approval_id"]),
        event_id=str(record["event_id"]),
        audience=PartnerId(str(record["audience"])),
        approved_by=str(record["approved_by"]),
        reason=str(record["reason"]),
        approved_at=cast("dt.datetime", record["approved_at"]),
        valid_until=cast("dt.datetime", record["valid_until"]),
        key_id=str(record["key_id"]),
        signature=cast("bytes", record["signature"]),
    )


def record_of_approval(approval: Approval) -> Record:
    """Return the content of the EventApproved of *approval*."""
    return {name: getattr(approval, name) for name in Approval.__slots__}


def _millis(moment: dt.datetime) -> str:
    return str((moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1))
