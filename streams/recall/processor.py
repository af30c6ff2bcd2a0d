"""Recall as a processor: an order to erase a person becomes a record for each partner with a key and for each stage."""

from collections.abc import Sequence

from infra.erasure.orders import SUBJECTS, Order, order_of
from infra.vault.vault import Vault
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.names import PartnerId, TopicName
from streams.hub_records import hub_output, withdrawal_outputs
from streams.pump.records import Inputs, Output, SourceRecord, Transaction


class Recall:
    """Stateless: whom it tells follows from the order and from the keys that were ever made."""

    name = "recall"
    stateful = False
    keyed = False
    topics: Sequence[TopicName] = (TopicName(SUBJECTS),)

    def __init__(
        self, *, codec: Codec, vault: Vault, partners: Sequence[PartnerId], populations: Sequence[str] = ()
    ) -> None:
        self._codec = codec
        self._vault = vault
        self._partners = frozenset(partners)
        self._stages = tuple(TopicName(f"stage.{each}") for each in populations)

    async def process(
        self,
        batch: Sequence[SourceRecord],
        inputs: Inputs,  # noqa: ARG002 - the order says when
        transaction: Transaction,  # noqa: ARG002 - stateless
    ) -> Sequence[Output]:
        """Return the recalls of *batch*; the keys are destroyed first, whoever gave the order and was interrupted."""
        await self._codec.learn_aside([record.value for record in batch])
        outputs: list[Output] = []
        for source in batch:
            decoded = self._codec.decode(source.value)
            if decoded.fullname == hub_contract("SubjectErased").fullname:
                outputs += await self._recalls(order_of(decoded.record))
        return outputs

    async def discard(
        self,
        record: SourceRecord,  # noqa: ARG002 - the audit of parking has its position
        inputs: Inputs,  # noqa: ARG002 - as above
        transaction: Transaction,  # noqa: ARG002 - as above
    ) -> Sequence[Output]:
        """Return nothing: an order that cannot be read tells nobody's name."""
        return ()

    async def _recalls(self, order: Order) -> list[Output]:
        await self._vault.destroy(order.subject_ids)
        found = await self._vault.recipients(order.subject_ids)
        recalls = [self._recall(order, partner, names) for partner, names in found.items() if partner in self._partners]
        return [*recalls, *withdrawal_outputs(order.erasure_id, order.subject_ids, self._stages, self._codec)]

    def _recall(self, order: Order, partner: PartnerId, names: Sequence[str]) -> Output:
        content: Record = {
            "recall_id": order.erasure_id,
            "partner": partner,
            "subjects": list(names),
            "reason": order.reason,
            "recalled_at": order.ordered_at,
        }
        return hub_output(TopicName(f"to.{partner}"), "Recalled", content, self._codec)
