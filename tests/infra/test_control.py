"""The control reader: what it cannot read halts whoever asks, again and again, and nothing is passed over."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from infra import control_log
from infra.control import AGREEMENTS, ControlReader, record_of
from infra.control_log import ControlUnreadableError
from infra.topology.agreements import Agreement
from schemas.catalogue import hub_contract
from schemas.errors import UnavailableError
from schemas.names import AgencyId, PartnerId
from tests.schemas.registries import memory_codec

AGREEMENT = Agreement(
    id="a",
    version=1,
    title="t",
    basis="b",
    agencies=(AgencyId("rs-police"),),
    partner=PartnerId("europol"),
    event_types=("PersonIdentified",),
    purposes=("INVESTIGATE",),
    roles=("VICTIM",),
    view="personal",
    legal_bases=("LED:8",),
    valid_from=dt.date(2020, 1, 1),
    valid_until=dt.date(2030, 12, 31),
    retention_days=30,
    onward_sharing=False,
)
SOURCE = TopicPartition(AGREEMENTS, 0)
CODEC = memory_codec()


def written(*, withdrawn: bool = False) -> bytes:
    writer = CODEC.writer("control.agreements-hub.v1.Agreement", hub_contract("Agreement").schema)
    return writer.encode(record_of(AGREEMENT, withdrawn=withdrawn))


class Log:
    """A consumer over a list of records: like the real one it moves past a whole batch when it hands it out."""

    def __init__(self, records: list[bytes]) -> None:
        self._records = records
        self._position = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def assign(self, _sources: object) -> None: ...

    def pause(self, *_sources: object) -> None: ...

    def resume(self, *_sources: object) -> None: ...

    def seek(self, _source: object, offset: int) -> None:
        self._position = offset

    async def beginning_offsets(self, _sources: object) -> Mapping[TopicPartition, int]:
        return {SOURCE: 0}

    async def end_offsets(self, _sources: object) -> Mapping[TopicPartition, int]:
        return {SOURCE: len(self._records)}

    async def position(self, _source: object) -> int:
        return self._position

    async def getmany(self, _source: object, *, timeout_ms: int) -> Mapping[TopicPartition, list[Any]]:
        del timeout_ms
        await asyncio.sleep(0)
        found = [SimpleNamespace(offset=i, value=v) for i, v in enumerate(self._records) if i >= self._position]
        self._position = len(self._records)
        return {SOURCE: found}


def reader(monkeypatch: pytest.MonkeyPatch, records: list[bytes]) -> ControlReader:
    monkeypatch.setattr(control_log, "consumer_for", lambda _credentials: Log(records))
    return ControlReader(SimpleNamespace(), CODEC)  # type: ignore[arg-type]  # the log asks for none


@pytest.mark.parametrize("bad", [b"garbage", b"", b"\0\0\0\0\1garbage"])
async def test_an_unreadable_record_halts_every_question_and_hides_nothing_behind_it(
    monkeypatch: pytest.MonkeyPatch, bad: bytes
) -> None:
    records = [written(), bad, written(withdrawn=True)]
    asked = reader(monkeypatch, records)

    for _ in range(3):
        with pytest.raises(ControlUnreadableError):
            await asked.state()
    records[1] = written()

    assert (await asked.state()).agreements == ()


async def test_a_record_whose_schema_cannot_be_fetched_is_read_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = reader(monkeypatch, [written(), written(withdrawn=True)])
    with monkeypatch.context() as away:
        away.setattr(CODEC, "knows", lambda _value: False)
        away.setattr(CODEC, "learn", lambda _values: (_ for _ in ()).throw(UnavailableError("away")))
        with pytest.raises(UnavailableError):
            await asked.state()

    state = await asked.state()
    assert (state.agreements, state.offset) == ((), 2)


async def test_a_question_that_is_cancelled_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = reader(monkeypatch, [written(), written(withdrawn=True)])
    task = asyncio.create_task(asked.state())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (await asked.state()).agreements == ()


async def test_a_withdrawn_agreement_keeps_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = reader(monkeypatch, [written(), written(withdrawn=True)])

    assert (await asked.state()).agreements == ()
    assert (asked.agreements.versions, asked.agreements.newest("a")) == ({}, 1)
