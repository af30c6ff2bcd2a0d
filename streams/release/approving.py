"""The desk of approvals: an officer's approval is checked before it is told, for what is told stays for ever."""

import asyncio
import dataclasses
import datetime as dt
import uuid
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaError

from infra.approvals import Approval, approval_form, fault_of, record_of_approval
from infra.control import APPROVALS, ControlReader
from infra.control_log import ControlUnavailableError
from infra.kafka import append
from infra.signing.keys import Fault
from infra.signing.signer import Signer
from infra.workplace import Workplace
from schemas.catalogue import hub_contract
from schemas.errors import MisuseError, RejectedError
from schemas.names import PartnerId

VALID_DAYS = 30


class ApprovalRefusedError(RejectedError):
    """An approval would count for nothing."""

    code = "approval-refused"


class ApprovalDesk:
    """Gives and lists approvals in the hub of *place*; use it as a context manager."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._reader = ControlReader(place.credentials("hub-admin"), place.codec, decides=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.stop()

    async def give(
        self, event_id: str, audience: str, officer: str, signer: Signer, reason: str, *, valid_days: int = VALID_DAYS
    ) -> Approval:
        """Tell that *officer* approves the event for *audience*, signed by *signer*; raise ApprovalRefusedError."""
        if self._place.topology.partner(PartnerId(audience)) is None:
            raise MisuseError("no such partner in the topology: `hub topology show` lists them")
        await self._reader.state()
        now = await self._place.clock.now()
        unsigned = Approval(
            approval_id=str(uuid.uuid4()),
            event_id=_id(event_id),
            audience=PartnerId(audience),
            approved_by=officer,
            reason=reason,
            approved_at=now,
            valid_until=now + dt.timedelta(days=valid_days),
            key_id=signer.key_id,
            signature=b"",
        )
        approval = dataclasses.replace(unsigned, signature=signer.sign(approval_form(unsigned)))
        if (fault := fault_of(approval, self._reader.ring)) is not None:
            raise ApprovalRefusedError(f"the approval would count for nothing: {fault}; `hub key list` has the keys")
        await self._tell(approval)
        return approval

    async def listed(self) -> list[tuple[Approval, Fault | None]]:
        """Return every approval that was told, with what is wrong with its signature."""
        await self._reader.state()
        return [(each, fault_of(each, self._reader.ring)) for each in self._reader.approvals]

    async def now(self) -> dt.datetime:
        """Return the hub's time."""
        return await self._place.clock.now()

    async def _tell(self, approval: Approval) -> None:
        contract = hub_contract("EventApproved")
        writer = await asyncio.to_thread(self._place.codec.writer, f"{APPROVALS}-{contract.fullname}", contract.schema)
        try:
            value = writer.encode(record_of_approval(approval))
            await append(self._place.credentials("hub-control"), APPROVALS, [value])
        except (KafkaError, OSError) as error:
            raise ControlUnavailableError(
                f"the approval was not told ({type(error).__name__}): give it again"
            ) from None


def _id(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise MisuseError("give the id of an event, as its receipt has it") from None
