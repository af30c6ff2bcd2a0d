"""How much is parked and since when, by processor and error: what an operator asks first."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from streams.parked.ids import ParkedId
from streams.parked.shelf import Connection
from streams.presence import GONE_S
from streams.pump.parking import BEHIND

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What is parked at one processor with one error."""

    processor: str
    code: str
    records: int
    oldest: ParkedId
    oldest_at: dt.datetime
    oldest_age_s: int
    """By the database's clock, which also wrote when it was parked."""

    @property
    def is_a_cause(self) -> bool:
        """Whether these failed themselves, and do not just wait for another one."""
        return self.code != BEHIND


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Partitions of one processor that stand still with one error: nothing of them is parked meanwhile."""

    processor: str
    code: str
    advice: str
    partitions: int


def tallies(connection: Connection) -> list[Tally]:
    """Return what is parked, by processor, causes before what waits for them, the oldest first."""
    rows = connection.execute(
        "SELECT DISTINCT ON (processor, code) processor, code, count(*) OVER (PARTITION BY processor, code), "
        'topic, partition, "offset", parked_at, '
        "greatest(0, extract(epoch FROM now() - parked_at))::bigint FROM streams.parked "
        'ORDER BY processor, code, parked_at, topic, partition, "offset"'
    ).fetchall()
    found = [
        Tally(
            processor=str(processor),
            code=str(code),
            records=int(str(records)),
            oldest=ParkedId(str(processor), str(topic), int(str(partition)), int(str(offset))),
            oldest_at=_time(parked_at),
            oldest_age_s=int(str(age_s)),
        )
        for processor, code, records, topic, partition, offset, parked_at, age_s in rows
    ]
    return sorted(found, key=lambda tally: (tally.processor, not tally.is_a_cause, tally.oldest_at, tally.code))


def halts(connection: Connection) -> list[Halt]:
    """Return which processors stand still, and on how many partitions."""
    rows = connection.execute(
        "SELECT processor, code, advice, count(*) FROM streams.partition_state WHERE state = 'halted' "
        # What a worker said that is gone by now no longer holds.
        "AND updated_at >= (SELECT min(started_at) FROM streams.worker WHERE seen_at > now() - %s) "
        "GROUP BY processor, code, advice ORDER BY processor, code, advice",
        (dt.timedelta(seconds=GONE_S),),
    ).fetchall()
    return [
        Halt(processor=str(processor), code=str(code), advice=str(advice), partitions=int(str(partitions)))
        for processor, code, advice, partitions in rows
    ]


def oldest_by_processor(found: Iterable[Tally]) -> dict[str, Tally]:
    """Return of each processor the tally with the record that waits longest."""
    oldest: dict[str, Tally] = {}
    for tally in found:
        known = oldest.get(tally.processor)
        if known is None or tally.oldest_at < known.oldest_at:
            oldest[tally.processor] = tally
    return oldest


def age_text(age_s: int) -> str:
    """Return an age as people say it, in the largest whole unit."""
    for unit_s, name in ((_DAY_S, "day"), (_HOUR_S, "hour"), (_MINUTE_S, "minute")):
        if age_s >= unit_s:
            number = age_s // unit_s
            return f"{number} {name}{'s' if number > 1 else ''}"
    return "less than a minute"


def _time(value: object) -> dt.datetime:
    assert isinstance(value, dt.datetime), "the column is a timestamp"
    return value.astimezone(dt.UTC)
