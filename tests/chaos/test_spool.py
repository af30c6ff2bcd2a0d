"""The broker is away while an agency publishes: with a spool nothing is lost, doubled or overtaken."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from connectors.placing import PublishUnavailableError, Sent, Spooled
from connectors.publisher import Publisher
from infra.arrival.keys import ArrivalKeys
from infra.home import Home
from infra.settings import Settings
from infra.stack import supervisor
from infra.topology.credentials import Credentials
from infra.workplace import workplace
from schemas.errors import InvalidEventError
from schemas.examples import example
from schemas.names import TopicName
from streams.intake.signatures import unwrapped
from streams.intake.unsealing import Unsealer
from streams.pump.records import SourceRecord
from tests.chaos.trial import Trial
from tests.running import Stored, records, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

AGENCY = "rs-social-service"  # none whose events the trial counts
NAME = "Invented Spooled"


def event(number: int) -> dict[str, object]:
    found = example("PersonIdentified")
    envelope, person = found["envelope"], found["person"]
    assert isinstance(envelope, dict)
    assert isinstance(person, dict)
    own = {key: value for key, value in envelope.items() if key not in ("agency", "event_id")}
    return {
        **found,
        "envelope": {**own, "case_ref": f"K-{number}"},
        "person": {**person, "person_ref": f"P-{number}", "full_name": NAME},
    }


def in_clear(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and NAME.encode() in file.read_bytes()]


def start(trial: Trial) -> None:
    """Start what was killed, and nothing else."""
    supervisor.start(trial.home, Settings(), lambda _part, _doing: None, lambda _home, _tell: None)


async def test_the_broker_is_killed_and_comes_back_while_an_agency_publishes(trial: Trial, tmp_path: Path) -> None:
    credentials = Credentials.of(trial.home, AGENCY)
    before = len(records(trial.home, f"in.{AGENCY}"))
    spool = tmp_path / "spool"

    async def killing() -> AsyncIterator[dict[str, object]]:
        for number in range(300):
            if number == 150:
                await asyncio.sleep(0.2)  # some are on their way, some there
                os.kill(trial.part("kafka"), signal.SIGKILL)
            yield event(number)

    async with Publisher(credentials, spool=spool, patience_s=1) as publisher:
        results = [result async for result in publisher.publish_all(killing())]
        sent = sum(isinstance(result, Sent) for result in results)
        assert all(isinstance(result, Spooled) for result in results[sent:])
        assert 0 < sent < len(results) == 300
        with pytest.raises(InvalidEventError):  # what is wrong is refused at once, not later
            await publisher.publish({"event_type": "PersonIdentified"})
        with pytest.raises(PublishUnavailableError):
            await publisher.send(*publisher.encode(event(0)))
        assert publisher.spooled == 300 - sent
    async with Publisher(credentials, spool=spool, patience_s=1) as publisher:  # another process, while it is away
        assert [type(each) for each in await publisher.publish_many([event(300), event(301)])] == [Spooled, Spooled]
        assert not in_clear(tmp_path)
        await asyncio.to_thread(start, trial)
        await asyncio.to_thread(wait_until, lambda: publisher.spooled == 0, "the spool is empty")
        last = await publisher.publish(event(302))
    assert isinstance(last, Sent)

    held = await unsealed(trial.home, AGENCY, records(trial.home, f"in.{AGENCY}")[before:])
    assert held[-1] == publisher.encode(event(302))[1]
    first = list(dict.fromkeys(held))  # what was acknowledged too late is there again, with the same bytes: a duplicate
    assert first == [publisher.encode(event(number))[1] for number in range(303)]


async def unsealed(home: Home, agency: str, stored: Sequence[Stored]) -> list[bytes | None]:
    """Return what *agency* signed and sealed into *stored*, as intake opens it."""
    batch = [SourceRecord(TopicName(f"in.{agency}"), 0, each.offset, None, each.value) for each in stored]
    async with workplace(home) as place, place.pool("hub_vault", 2, by_statement=True) as pool:
        place.codec.learn([each.value for each in stored])
        opened = await Unsealer(ArrivalKeys(pool, place.vault(pool)), place.codec).opened(batch, sealed_only=True)
        await place.codec.learn_aside([each.value for each in opened if isinstance(each, SourceRecord)])
        found = unwrapped(opened, place.codec, signed_only=True).records
    assert all(isinstance(each, SourceRecord) for each in found)
    return [each.value for each in found if isinstance(each, SourceRecord)]
