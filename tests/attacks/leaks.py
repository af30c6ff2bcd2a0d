"""Builds of release that leak, each in another way: the attacks must catch every one of them."""

import base64
import gzip
import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import cramjam
import structlog

from schemas.errors import RejectedError
from schemas.names import TopicName
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.release.processor import Opened, ReleaseProcessor

log = structlog.get_logger()
DECISIONS = TopicName("decisions")
Leak = Callable[[Opened, list[Output]], list[Output]]


def leaking(leak: Leak) -> type[ReleaseProcessor]:
    """Return release as it would be with *leak*, which sees each opened event and changes the outputs."""

    class Leaking(ReleaseProcessor):
        async def process(
            self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
        ) -> Sequence[Output]:
            outputs = list(await super().process(batch, inputs, transaction))
            for event in await self.open(batch):
                outputs = leak(event, outputs)
            return outputs

    return Leaking


def person_of(event: Opened) -> dict[str, Any]:
    """Return the person of an event, an empty one where there is none."""
    person = event.record.get("person")
    return person if isinstance(person, dict) else {}


def name_of(event: Opened) -> str:
    return str(person_of(event).get("full_name") or "")


def _beside(form: Callable[[Opened], bytes]) -> Leak:
    """Return the leak that appends something of a person's event to a decision."""

    def leak(event: Opened, outputs: list[Output]) -> list[Output]:
        if not name_of(event):
            return outputs
        return [each._replace(value=each.value + form(event)) if each.topic == DECISIONS else each for each in outputs]

    return leak


def _key(form: Callable[[Opened], bytes]) -> Leak:
    def leak(event: Opened, outputs: list[Output]) -> list[Output]:
        return [each._replace(key=form(event)) for each in outputs] if name_of(event) else outputs

    return leak


def _log_line(event: Opened, outputs: list[Output]) -> list[Output]:
    log.warning("released", topic=name_of(event))
    return outputs


def _log_text(event: Opened, outputs: list[Output]) -> list[Output]:
    import logging

    logging.getLogger("aiokafka").error("could not send %s", name_of(event))
    return outputs


def _error_text(event: Opened, outputs: list[Output]) -> list[Output]:
    if name_of(event):
        raise RejectedError(f"the event about {name_of(event)} cannot be sent")
    return outputs


def _ordered(event: Opened, outputs: list[Output]) -> list[Output]:
    return outputs[::-1] if len(name_of(event)) % 2 else outputs


def _counted(event: Opened, outputs: list[Output]) -> list[Output]:
    return outputs + [each for each in outputs if each.topic == DECISIONS][: len(name_of(event)) % 2]


def _born(event: Opened) -> bytes:
    return str(person_of(event).get("date_of_birth")).encode()


LEAKS: dict[str, Leak] = {
    "name beside a decision": _beside(lambda event: name_of(event).encode()),
    "name in capitals": _beside(lambda event: name_of(event).upper().encode()),
    "name in UTF-16": _beside(lambda event: name_of(event).encode("utf-16-le")),
    "name without accents": _beside(lambda event: name_of(event).encode("ascii", "ignore")),
    "name reversed": _beside(lambda event: name_of(event)[::-1].encode()),
    "six letters of a name": _beside(lambda event: name_of(event)[:6].encode()),
    "name in base64": _beside(lambda event: base64.b64encode(b"x" + name_of(event).encode())),
    "name in hexadecimal": _beside(lambda event: name_of(event).encode().hex().encode()),
    "hash of a name": _beside(lambda event: hashlib.sha256(name_of(event).encode()).digest()),
    "name under gzip": _beside(lambda event: gzip.compress(name_of(event).encode())),
    "name under zstd": _beside(lambda event: bytes(cramjam.zstd.compress(name_of(event).encode()))),
    "name under lz4": _beside(lambda event: bytes(cramjam.lz4.compress(name_of(event).encode()))),
    "name under snappy": _beside(lambda event: bytes(cramjam.snappy.compress(name_of(event).encode()))),
    "date of birth beside a decision": _beside(_born),
    "reference in a key": _key(lambda event: str(person_of(event)["person_ref"]).encode()),
    "hash of a reference in a key": _key(
        lambda event: hashlib.sha256(str(person_of(event)["person_ref"]).encode()).digest()
    ),
    "value in a line of the log": _log_line,
    "value in a line of a library": _log_text,
    "value in the text of an error": _error_text,
    "order by a value": _ordered,
    "number of records by a value": _counted,
    "length of a value": _beside(lambda event: b"\0" * len(name_of(event))),
}
