"""Receipts while publishing: each finds its event, little waits, and a silent hub ends the waiting."""

import asyncio
from typing import cast

import pytest

from connectors import answers as answers_module
from connectors.answers import Answers
from connectors.events_file import Place
from connectors.receipts import Receipt, Receipts
from infra.evidence.receipts import UnprovedReceiptError
from schemas.errors import UnavailableError


def receipt(offset: int) -> Receipt:
    return Receipt(
        event_id=None, event_type=None, outcome="ACCEPTED", source_offset=offset, original_offset=None, problems=()
    )


class Topic:
    """Receipts as they come."""

    def __init__(self) -> None:
        self.coming: asyncio.Queue[list[int] | None] = asyncio.Queue()
        self.is_forged = False

    async def some(self) -> list[Receipt]:
        offsets = await self.coming.get()
        if self.is_forged:
            raise UnprovedReceiptError("not the hub's")
        if offsets is None:
            raise UnavailableError
        return [receipt(offset) for offset in offsets]


class Watched:
    """What has been answered so far."""

    def __init__(self) -> None:
        self.topic = Topic()
        self.noted: list[tuple[int, int]] = []

    def answers(self, timeout_s: float = 20) -> Answers:
        return Answers(cast("Receipts", self.topic), self._note, timeout_s=timeout_s)

    def _note(self, place: Place, found: Receipt) -> None:
        self.noted.append((place.number, found.source_offset))


def line(number: int) -> Place:
    return Place("line", number)


async def test_a_receipt_finds_its_event_whichever_is_heard_of_first() -> None:
    watched = Watched()
    async with watched.answers() as answers:
        watched.topic.coming.put_nowait([10, 11, 12, 14])  # 11 and 14 are another publisher's
        await asyncio.sleep(0.01)
        for number, offset in enumerate((10, 12, 13, 15), 1):
            await answers.expect(offset, line(number))
        watched.topic.coming.put_nowait([15, 13, 16])
        await answers.all()
    assert sorted(watched.noted) == [(1, 10), (2, 12), (3, 13), (4, 15)]
    assert not answers.has_given_up


async def test_publishing_waits_when_too_much_is_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_module, "UNANSWERED_MAX", 3)
    watched = Watched()
    async with watched.answers() as answers:
        for offset in range(2):
            await answers.expect(offset, line(offset))
        third = asyncio.create_task(answers.expect(2, line(2)))
        await asyncio.sleep(0.01)
        assert not third.done()
        watched.topic.coming.put_nowait([0])
        await third
        watched.topic.coming.put_nowait([1, 2])
        await answers.all()
    assert [offset for _, offset in watched.noted] == [0, 1, 2]


@pytest.mark.parametrize("silent", [True, False])
async def test_a_hub_that_does_not_answer_ends_the_waiting_and_not_the_publishing(silent: bool) -> None:
    watched = Watched()
    async with watched.answers(timeout_s=0.01 if silent else 20) as answers:
        await answers.expect(0, line(1))
        if not silent:
            watched.topic.coming.put_nowait(None)
        await answers.all()
        assert answers.has_given_up
        for offset in range(1, 100):
            await answers.expect(offset, line(offset))
    assert watched.noted == []


async def test_receipts_of_others_are_not_collected_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers_module, "EARLY_MAX", 5)
    watched = Watched()
    async with watched.answers() as answers:
        await answers.expect(0, line(1))
        for offset in range(100):
            watched.topic.coming.put_nowait([offset])
        await asyncio.sleep(0.01)
        assert watched.topic.coming.qsize() > 80
        await answers.expect(99, line(2))
        await answers.all()
    assert watched.noted == [(1, 0), (2, 99)]


async def test_a_receipt_that_is_not_the_hubs_is_told_and_none_is_taken_after_it() -> None:
    watched = Watched()
    async with watched.answers() as answers:
        await answers.expect(10, line(1))
        watched.topic.is_forged = True
        watched.topic.coming.put_nowait([10])
        with pytest.raises(UnprovedReceiptError):
            await answers.all()
    assert watched.noted == []
