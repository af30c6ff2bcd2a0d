"""A partner says how far it has come with records of its feed: one record on `acks.<its id>` for up to 1000 of them."""

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.catalogue import hub_contract
from schemas.codec import Codec
from schemas.errors import UnavailableError

RECORDS_MAX = 1000


class Step(StrEnum):
    """How far a record of a feed has come at the partner."""

    DELIVERED = "DELIVERED"
    """Taken over for good: a crash of the partner no longer loses it."""
    RETRIEVED = "RETRIEVED"
    """An event was opened by whom it is for."""
    APPLIED = "APPLIED"
    """What a recall names was deleted."""


class AcknowledgementUnavailableError(UnavailableError):
    """The broker does not take the acknowledgement now; repeat it, once too often is no harm."""

    code = "acknowledgement-unavailable"


class Acknowledger:
    """Writes acknowledgements as the partner of *credentials*; connects when it has something to say."""

    def __init__(self, credentials: Credentials, codec: Codec) -> None:
        self._credentials = credentials
        self._codec = codec
        self._partner = str(credentials.principal)
        self._producer: AIOKafkaProducer | None = None

    async def say(self, records: Sequence[tuple[int, str]], step: Step) -> None:
        """Say that *records*, offset and id of each, have reached *step*; returns when the broker has it for good.

        Raises AcknowledgementUnavailableError, and UnavailableError when the schema cannot be looked up.
        """
        topic, contract = f"acks.{self._partner}", hub_contract("Acknowledged")
        writer = self._codec.writer(f"{topic}-{contract.fullname}", contract.schema)
        now = dt.datetime.now(dt.UTC)
        try:
            if self._producer is None:
                producer = producer_for(self._credentials)
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            for begin in range(0, len(records), RECORDS_MAX):
                named = [{"feed_offset": offset, "id": each} for offset, each in records[begin : begin + RECORDS_MAX]]
                content = {"partner": self._partner, "step": step.value, "at": now, "records": named}
                await self._producer.send_and_wait(topic, writer.encode(content))
        except KafkaError as error:
            raise AcknowledgementUnavailableError(
                f"the broker does not take the acknowledgement ({type(error).__name__}); repeat it"
            ) from None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._producer is not None:
            await self._producer.stop()
