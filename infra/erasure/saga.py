"""One erasure, step after step; each may be repeated, so that an interrupted one goes on where it was."""

import hashlib

from psycopg_pool import AsyncConnectionPool

from infra.erasure import orders
from infra.erasure.orders import Order
from infra.erasure.register import Erasure, Register
from infra.vault.holders import LEDGER
from infra.vault.vault import Vault
from infra.workplace import Workplace
from schemas.codec import Record
from schemas.errors import MisuseError
from schemas.names import SubjectId


class NotApprovedError(MisuseError):
    """Nobody has agreed to the erasure yet."""

    code = "not-approved"


class ErasureDesk:
    """What operators do about persons' data, with the vault behind *pool* (role hub_vault)."""

    def __init__(self, place: Workplace, pool: AsyncConnectionPool) -> None:
        self._place = place
        self.vault: Vault = place.vault(pool)
        self.register = Register(pool)

    async def declare_same(self, subject: SubjectId, other: SubjectId, reason: str, operator: str) -> SubjectId:
        """Declare two ids one person's and return the older; written on the topic too, so that no restore loses it."""
        older = await self.vault.same_person(subject, other)
        merged: list[Record] = [{"older": older, "younger": each} for each in (subject, other) if each != older]
        control, codec = self._place.credentials("hub-control"), self._place.codec
        await orders.write(control, codec, "SubjectsMerged", merged)
        await self.register.note_same(subject, other, reason, operator)
        return older

    async def ask(self, subject: SubjectId, reason: str, operator: str) -> Erasure:
        """Note that *operator* asks to erase *subject* under all ids; see `Register.ask` for what it raises."""
        return await self.register.ask(subject, await self.vault.expect(subject), reason, operator)

    async def approve(self, erasure_id: str, operator: str) -> Erasure:
        """Let *operator* agree, and erase; given again it goes on with an erasure that was interrupted."""
        asked = await self.register.erasure(erasure_id)
        await self.register.approve(erasure_id, await self.vault.aliases(asked.subject_id), operator)
        return await self.carry_out(erasure_id)

    async def carry_out(self, erasure_id: str) -> Erasure:
        """Order, destroy, prove; raise NotApprovedError before somebody agreed."""
        erasure = await self.register.erasure(erasure_id)
        if erasure.approved_by is None or erasure.approved_at is None:
            raise NotApprovedError("nobody has agreed to this erasure yet")
        control, codec = self._place.credentials("hub-control"), self._place.codec
        group = await self.vault.aliases(erasure.subject_id)
        told = await orders.read(control, codec)
        ordered = {each for order in told.orders if order.erasure_id == erasure_id for each in order.subject_ids}
        if not ordered >= group:
            order = Order(
                erasure_id=erasure_id,
                subject_ids=tuple(sorted(group)),
                reason=erasure.reason,
                requested_by=erasure.requested_by,
                approved_by=erasure.approved_by,
                ordered_at=erasure.approved_at,
            )
            await orders.write(control, codec, "SubjectErased", [order.record])
        destroyed = await self.vault.destroy(group)
        kids = sorted(kid for several in destroyed.kids.values() for kid in several)
        partitions = next(topic.partitions for topic in self._place.topology.topics if topic.name == "ledger")
        done = await self.register.complete(
            erasure_id,
            len(kids),
            hashlib.sha256("\n".join(kids).encode()).hexdigest(),
            sorted(str(recipient) for recipient in destroyed.kids if recipient != LEDGER),
            await orders.ledger_ends(self._place.credentials("hub-projections"), partitions),
        )
        if erasure_id not in told.completed:
            await orders.write(control, codec, "ErasureCompleted", [_proof(done)])
        return done


def _proof(done: Erasure) -> dict[str, object]:
    return {
        "erasure_id": done.erasure_id,
        "keys": done.keys,
        "keys_hash": done.keys_hash,
        "partners": list(done.partners),
        "ledger_ends": list(done.ledger_ends),
        "completed_at": done.completed_at,
    }
