"""Two partners lay their feeds side by side: what links the persons of one to those of the other, and what does not.

From pseudonyms and key ids nobody does better than by chance. Of the same event both feeds carry the same `event_id`
and the same times: who has both links by them, and so a partner that colludes with another knows that they were told of
one person. That is measured here, so that the statement in the users' documentation stays true.
"""

import itertools
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from infra.home import Home
from schemas.catalogue import contract
from schemas.field_steps import persons
from schemas.names import AgencyId
from tests.attacks.hub import Hub, Sent, codec, published
from tests.attacks.score_table import score
from tests.attacks.sealed_events import at, seals_in
from tests.publishing import Agency, invented
from tests.running import ensure_worker, records, wait_until

PERSONS, REAL_PERSONS = 60, 40
TRIALS = 200
ONE, OTHER = "to.europol", "to.rs-prosecution"


def about(person_ref: str) -> dict[str, Any]:
    """Return an event about a person whom both partners may know of."""
    event = invented("PersonIdentified", "rs-police")
    event["person"] |= {"person_ref": person_ref, "restricted": "NO"}
    event["envelope"] |= {"purpose": "INVESTIGATE", "legal_basis": ["LED:8"], "handling": "H0", "tlp": "AMBER"}
    return event


async def feeds() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what two partners get of the same persons, three events of each."""
    sent = []
    for number, _ in itertools.product(range(PERSONS), range(3)):
        event = about(f"P-{number}")
        sent.append(Sent(agency=AgencyId("rs-police"), value=published("PersonIdentified", event)))
    random.Random(4).shuffle(sent)  # noqa: S311 - the same in every run
    sinks = await Hub(project=False).run(sent)
    one, other = ([codec().decode(each.value).record for each in sinks.on(topic)] for topic in (ONE, OTHER))
    assert len(one) == len(other) == len(sent)
    return one, other  # type: ignore[return-value]


def names_in(record: Mapping[str, Any]) -> list[str]:
    """Return the pseudonyms and the ids of keys of a record, but for those of its agency."""
    people = persons(contract("PersonIdentified"), record).values()
    return [str(person["subject"]) for person in people] + [
        str(at(record, path)["kid"]) for path in seals_in(record) if path.startswith("person.")
    ]


async def test_no_pseudonym_and_no_key_of_one_feed_is_on_the_other() -> None:
    one, other = await feeds()
    mine = {name for record in one for name in names_in(record)}
    theirs = {name for record in other for name in names_in(record)}
    assert len({record["person"]["subject"] for record in one}) == PERSONS, "a partner sees who is the same"
    assert mine & theirs == set()


async def test_who_has_pseudonyms_and_keys_alone_links_no_better_than_by_chance(
    record_property: Callable[[str, object], None],
) -> None:
    one, other = await feeds()
    truth = {
        mine["person"]["subject"]: theirs["person"]["subject"]
        for mine in one
        for theirs in other
        if mine["envelope"]["event_id"] == theirs["envelope"]["event_id"]
    }
    assert len(truth) == PERSONS
    draw = random.Random(9)  # noqa: S311 - the same in every run
    hits = sum(guess(truth.keys(), truth.values(), draw, truth) for _ in range(TRIALS))

    # Of a random match of n persons one is right on average, with variance one: five sigma over all trials.
    assert abs(hits - TRIALS) < 5 * TRIALS**0.5
    for order in (sorted, lambda names: sorted(names, key=lambda name: name[::-1])):
        matched = zip(order(truth), order(truth.values()), strict=True)
        assert sum(truth[mine] == theirs for mine, theirs in matched) <= 6, "sorting links"
    record_property(*score(f"persons linked by pseudonym and key, of {PERSONS} (chance: 1)", round(hits / TRIALS), 1))


@pytest.mark.stack
async def test_the_real_vault_gives_two_partners_nothing_in_common(home: Home) -> None:
    """The same on the real stack, whose vault makes pseudonyms by HMAC and keys at random."""
    ensure_worker(home)
    run = uuid.uuid4().hex[:8]
    async with Agency(home, "rs-police") as agency:
        events = [about(f"P-{run}-{number % REAL_PERSONS}") for number in range(2 * REAL_PERSONS)]
        offsets = await agency.send_all([agency.encode(event) for event in events])
        answers = await agency.answers(offsets)
        ids = [str(answers[offset].event_id) for offset in offsets]

        def on(topic: str) -> dict[str, Any]:
            values = [stored.value for stored in records(home, topic)]
            agency.codec.learn(values)
            decoded = [agency.codec.decode(value).record for value in values]
            return {str(each["envelope"]["event_id"]): each for each in decoded}  # type: ignore[index]

        wait_until(lambda: set(ids) <= on(ONE).keys() & on(OTHER).keys(), "both partners have every event")
        one, other = on(ONE), on(OTHER)
    mine, theirs = ({name for each in ids for name in names_in(feed[each])} for feed in (one, other))
    assert len({one[each]["person"]["subject"] for each in ids}) == REAL_PERSONS, "a partner sees who is the same"
    assert mine & theirs == set()
    order = [sorted({feed[each]["person"]["subject"] for each in ids}) for feed in (one, other)]
    truth = {one[each]["person"]["subject"]: other[each]["person"]["subject"] for each in ids}
    matched = sum(truth[left] == right for left, right in zip(*order, strict=True))
    assert matched <= 8, "chance is one; nine of forty is one in a million"


def guess(mine: Iterable[str], theirs: Iterable[str], draw: random.Random, truth: Mapping[str, str]) -> int:
    """Return how many persons a match at random links rightly."""
    shuffled = list(theirs)
    draw.shuffle(shuffled)
    return sum(truth[one] == other for one, other in zip(mine, shuffled, strict=True))


async def test_partners_who_collude_link_by_event_ids_and_that_is_all_that_is_the_same(
    record_property: Callable[[str, object], None],
) -> None:
    one, other = await feeds()
    same: dict[str, int] = {}
    for mine, theirs in zip(one, other, strict=True):
        for path in sorted(values_of(mine).keys() & values_of(theirs).keys()):
            same[path] = same.get(path, 0) + (values_of(mine)[path] == values_of(theirs)[path])
    always = {path for path, times in same.items() if times == len(one)}
    telling = {path for path in always if len({values_of(record)[path] for record in one}) == len(one)}
    assert telling == {"envelope.event_id"}, "known, and told to data protection officers; nothing else singles out"
    record_property(*score("values by which two colluding partners link an event (event_id)", len(telling), 1))


def values_of(record: Any, path: str = "") -> dict[str, str]:
    """Return every value of a record by path; of a seal key and length of the ciphertext."""
    if isinstance(record, dict):
        if record.keys() == {"kid", "ct"}:
            return {f"{path}.kid": record["kid"], f"{path}.ct": record["ct"].hex()}
        return {
            name: value
            for key, inner in record.items()
            for name, value in values_of(inner, f"{path}.{key}" if path else key).items()
        }
    return {path: str(record)}
