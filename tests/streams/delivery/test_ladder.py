"""The ladder: only what is on the feed moves it, once, and whatever the order in which the hub reads."""

import datetime as dt
import random
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.topology.limits import Limit
from streams.delivery.acknowledging import RECORDS_MAX, WHOLE, canonical, claims_in
from streams.delivery.ladder import (
    ADVICE,
    LAST,
    About,
    Claim,
    Known,
    Ladder,
    Step,
    reached,
    refused_rule,
    relayed_in_time,
)
from streams.delivery.settling import settle

NOW = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
IDS = [str(uuid.UUID(int=number)) for number in range(4)]
STEPS: list[Step] = ["DELIVERED", "RETRIEVED", "APPLIED"]


def ladder(event_id: str, about: About = "EVENT") -> Ladder:
    return Ladder(
        recipient="europol",
        id=event_id,
        about=about,
        event_type="PersonIdentified",
        agency="rs-police",
        released=True,
        delivery_breach_at=NOW + HOUR,
        finish_breach_at=NOW + 2 * HOUR,
    )


def claim(offset: int, event_id: str, step: Step = "DELIVERED", at: dt.datetime = NOW) -> Claim:
    return Claim(
        recipient="europol",
        acknowledgement_offset=0,
        position=0,
        feed_offset=offset,
        id=event_id,
        step=step,
        said_at=at,
        heard_at=at,
    )


CLAIMS = st.builds(claim, st.integers(0, 6), st.sampled_from(IDS), st.sampled_from(STEPS))
FEEDS = st.lists(st.one_of(st.none(), st.sampled_from(IDS)), max_size=5)
"""What is at each offset; None is the marker of a transaction."""


class Hub:
    """The books in memory: feeds, decisions and claims arrive in any order, and what can be judged is judged."""

    def __init__(self) -> None:
        self.at: dict[int, str] = {}
        self.read_to = 0
        self.ladders: dict[str, Ladder] = {}
        self.waiting: list[Claim] = []
        self.refused: list[tuple[int, int | None, str]] = []
        self.told: list[tuple[str, Step]] = []

    def settle(self, end: int | None = None) -> None:
        found = settle((each, self.known(each, end)) for each in self.waiting)
        for moved in found.moves:
            name = "delivered_at" if moved.step.step == "DELIVERED" else "finished_at"
            before = self.ladders[moved.ladder.id]
            self.ladders[before.id] = replace(before, **{name: moved.step.at})
            self.told.append((before.id, moved.step.step))
        self.refused += [(each.position, each.feed_offset, each.rule) for each in found.refusals]
        self.waiting = found.waiting

    def known(self, each: Claim, end: int | None) -> Known:
        at = self.at.get(each.feed_offset)
        return Known(id_at_offset=at, ladder=self.ladders.get(at or ""), read_to=self.read_to, end=end)


@given(FEEDS, st.lists(CLAIMS, max_size=8), st.randoms())
def test_in_whatever_order_the_sources_are_read_the_ladders_and_refusals_are_the_same(
    feed: list[str | None], claims: list[Claim], chance: random.Random
) -> None:
    sources: list[list[tuple[str, object]]] = [
        [("feed", offset) for offset in range(len(feed))],
        [("decision", event_id) for event_id in dict.fromkeys(filter(None, feed))],
        [("claim", each) for each in claims],
    ]

    def run(order: list[int]) -> Hub:
        hub, left = Hub(), [list(source) for source in sources]
        for index in order:
            kind, what = left[index].pop(0)
            if kind == "feed":
                assert isinstance(what, int)
                event_id = feed[what]
                if event_id is not None:
                    hub.at[what] = event_id
                hub.read_to = what + 1
            elif kind == "decision":
                hub.ladders[str(what)] = ladder(str(what))
            else:
                assert isinstance(what, Claim)
                hub.waiting.append(what)
            hub.settle()
        hub.settle(end=len(feed))
        return hub

    order = [index for index, source in enumerate(sources) for _ in source]
    one = run(order)
    chance.shuffle(order)
    other = run(order)
    assert not one.waiting
    assert not other.waiting, "nothing waits once all is read"
    assert one.ladders == other.ladders
    assert sorted(one.told) == sorted(other.told)
    assert len(set(one.told)) == len(one.told), "each step once"
    assert sorted(map(repr, one.refused)) == sorted(map(repr, other.refused))
    for event_id, found in one.ladders.items():
        true = [
            each for each in claims if each.feed_offset < len(feed) and feed[each.feed_offset] == each.id == event_id
        ]
        assert (found.delivered_at is not None) == any(each.step != "APPLIED" for each in true)
        assert (found.finished_at is not None) == any(each.step == "RETRIEVED" for each in true)


@given(st.sampled_from(STEPS), st.sampled_from(["EVENT", "RECALL"]))
def test_what_is_finished_is_delivered_and_said_again_nothing_moves(step: Step, about: About) -> None:
    before = ladder(IDS[0], about)
    said = claim(0, IDS[0], step)
    rule = refused_rule(said, Known(id_at_offset=IDS[0], ladder=before, read_to=1))
    assert rule == (None if step in ("DELIVERED", LAST[about]) else "wrong-step")
    if rule is None:
        steps = [each.step for each in reached(before, said)]
        assert steps == (["DELIVERED"] if step == "DELIVERED" else ["DELIVERED", step])
        after = replace(before, delivered_at=NOW, finished_at=NOW if step != "DELIVERED" else None)
        assert reached(after, said) == ()


@given(st.integers(-5, 5))
def test_a_step_is_late_from_its_breach_on(minutes: int) -> None:
    at = NOW + HOUR + dt.timedelta(minutes=minutes)
    (step,) = reached(ladder(IDS[0]), claim(0, IDS[0], at=at))
    assert step.outcome == ("LATE" if minutes >= 0 else "REACHED")
    limit = Limit(warn_hours=0.5, breach_hours=1)
    assert relayed_in_time(limit, NOW, at) == step.outcome
    assert relayed_in_time(limit, None, at) == "REACHED"


@pytest.mark.parametrize(
    ("changes", "rule", "position"),
    [
        ({"partner": "selec"}, "another-partner", WHOLE),
        ({"step": "READ"}, "unknown-step", WHOLE),
        ({"records": []}, "too-many", WHOLE),
        ({"records": [{"feed_offset": 0, "id": IDS[0]}] * (RECORDS_MAX + 1)}, "too-many", WHOLE),
        ({"records": [{"feed_offset": 0, "id": "Petar Petrović"}]}, "malformed-id", 0),
        ({"records": [{"feed_offset": -1, "id": IDS[0]}]}, "malformed-offset", 0),
    ],
)
def test_a_malformed_acknowledgement_is_refused_and_its_values_are_not_kept(
    changes: dict[str, object], rule: str, position: int
) -> None:
    record = {"partner": "europol", "step": "DELIVERED", "at": NOW, "records": [{"feed_offset": 0, "id": IDS[0]}]}
    claims, refusals = claims_in(record | changes, "europol", 3, NOW)
    assert not claims
    assert [(each.rule, each.position) for each in refusals] == [(rule, position)]
    assert rule in ADVICE
    assert "Petar" not in repr(refusals)


@given(st.text())
def test_only_a_uuid_as_the_feed_writes_it_is_an_id(text: str) -> None:
    found = canonical(text)
    assert found is None or str(uuid.UUID(found)) == text.lower()
