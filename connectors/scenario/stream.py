"""The scenario as a stream: every story is planned when it begins, told step by step, and forgotten.

What is still to come is kept as one whole number for each event: the moment, the story, the step. An event is made
when its moment has come, from what its story's number gives (draws.py). So two million events need little more memory
than two thousand, and the same seed gives the same bytes.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from typing import NamedTuple

from connectors.scenario.controls import Campaign, Control, Licence
from connectors.scenario.distributions import DAY_MS, after, branch, shares, wait
from connectors.scenario.draws import DRAW_BITS, draws, root_of
from connectors.scenario.life import Life
from connectors.scenario.returns import Official, Return
from connectors.scenario.story import KIND_LANE, STEPS, Event, Moment, Setting, Step, Story

YEARS_DAYS = 730
START = dt.date(2024, 1, 1)
SAMPLE = 2_000
"""Up to how many stories are planned to know how many make the events that are asked for."""
SPARE_PERCENT = 105
"""Where a sample tells, so many are begun that all events are told within the time whatever the rest is like."""
_KINDS: Mapping[str, type[Story]] = {
    "VICTIM": Life,
    "CONTROL": Control,
    "LICENCE": Licence,
    "CAMPAIGN": Campaign,
    "OFFICIAL": Official,
    "RETURN": Return,
}
_STORIES, _REPEATED = shares("stories"), branch("repeated")
_STEP_BITS, _STORY_BITS = 7, 40
_REPETITION = STEPS
"""Added to the step of an event that is told once more."""


class Act(NamedTuple):
    """One event that an agency publishes at a moment of the scenario."""

    agency: str
    at: dt.datetime
    """When it is published."""
    event: Event
    """In JSON form, as `hub publish` takes it."""
    story: int
    """Which story it belongs to."""
    repeated: bool
    """Whether the same event was published before: its receipt must say DUPLICATE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The scenario of *seed* from *start* on; another *run* tells the same stories under references of its own."""

    seed: int
    run: int = 1
    start: dt.date = START
    days: int = YEARS_DAYS

    def events(self, number: int) -> Iterator[Act]:
        """Yield *number* acts in order of time, spread over the time of the scenario."""
        if number > 0:
            yield from islice(self._told(self._spacing(number)), number)

    def stories(self, number: int) -> Iterator[Act]:
        """Yield the acts of *number* stories in order of time, as far as the time of the scenario goes."""
        end = dt.datetime.combine(self.start, dt.time(), dt.UTC) + dt.timedelta(days=self.days)
        for act in self._told(self.days * DAY_MS // number):
            if act.at >= end:
                return
            if act.story < number:
                yield act

    def _setting(self, spacing_ms: int) -> Setting:
        return Setting(
            root=root_of(f"scenario|{self.seed}"),
            id_root=root_of(f"scenario|{self.seed}|{self.run}"),
            tag=f"{self.seed}.{self.run}",
            first_day=self.start,
            spacing_ms=spacing_ms,
        )

    def _spacing(self, number: int) -> int:
        """Return how far apart stories begin, so that *number* events fall into the time of the scenario."""
        span = self.days * DAY_MS
        stories = max(1, number // 10)
        while (sample := min(stories, SAMPLE)) == stories:
            if (found := self._events_of(stories)) >= number:
                return span // stories
            stories += max(1, (number - found) * stories // max(found, stories))
        found = self._events_of(sample)
        return span * found * 100 // (sample * number * SPARE_PERCENT)

    def _events_of(self, stories: int) -> int:
        """Return how many events of *stories* fall into the time of the scenario when they are spread over it."""
        end = self.days * DAY_MS
        setting = self._setting(end // stories)
        plans = (_planned(_story(setting, number)) for number in range(stories))
        return sum(at < end for plan in plans for at, _ in plan)

    def _told(self, spacing_ms: int) -> Iterator[Act]:
        """Yield acts without end, a story begun every *spacing_ms*."""
        setting = self._setting(spacing_ms)
        began = dt.datetime.combine(self.start, dt.time(), dt.UTC)
        heap: list[int] = []
        number, next_begins = 0, 0
        while True:
            while not heap or heap[0] >> _STEP_BITS + _STORY_BITS >= next_begins:
                for at, step in _planned(_story(setting, number)):
                    heappush(heap, (at << _STORY_BITS | number) << _STEP_BITS | step)
                number += 1
                next_begins = number * spacing_ms
            entry = heappop(heap)
            at, told = entry >> _STEP_BITS + _STORY_BITS, entry >> _STEP_BITS & (1 << _STORY_BITS) - 1
            step = entry & (1 << _STEP_BITS) - 1
            story = _story(setting, told)
            repeated = step >= _REPETITION
            first = step - _REPETITION if repeated else step
            agency, event = story.tell(first, story.when(first) if repeated else at)
            yield Act(agency, began + dt.timedelta(milliseconds=at), event, told, repeated)


def _story(setting: Setting, number: int) -> Story:
    """Return the story *number*, which begins within its own stretch of time."""
    drawn = draws(setting.root, number, KIND_LANE)
    begins = number * setting.spacing_ms + (setting.spacing_ms * drawn[1] >> DRAW_BITS)
    return _KINDS[_STORIES.pick(drawn[0])](setting, number, begins + DAY_MS // 2)


def _planned(story: Story) -> list[tuple[Moment, Step]]:
    """Return the plan of *story*, with the events that are sent once more by mistake of their agency."""
    plan = story.plan()
    chance = draws(story.setting.root, story.number, KIND_LANE)[2:]
    again = [
        (after(at, wait("repetition"), chance[-1 - place % 8]), step + _REPETITION)
        for place, (at, step) in enumerate(plan)
        if chance[place % 20] < _REPEATED
    ]
    return plan + again
