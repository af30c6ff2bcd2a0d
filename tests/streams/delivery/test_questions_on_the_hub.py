"""Questions on a running hub: asked, answered by the right and the wrong agency, withdrawn, overdue; each told once."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest

from infra.clock import now_in
from infra.home import Home
from infra.workplace import workplace
from streams.delivery import question_books
from streams.delivery.looking import clock_of
from streams.delivery.question_screens import Row, questions_of, unanswered
from streams.delivery.questions import Asked, Parties, Question, joined
from streams.pump.records import Transaction
from tests.publishing import Agency
from tests.running import command, ensure_worker, records, rows, wait_until
from tests.streams.delivery.test_on_the_hub import codec_of

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("deliveries")]
POLICE, HELPERS, OTHERS = "rs-police", "rs-counselling", "rs-social-service"
LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""Before anything else on this hub is due."""


async def publish(home: Home, name: str, agency: str, **changes: object) -> str:
    """Publish an event of *agency* and return its id."""
    ensure_worker(home)
    async with Agency(home, agency) as one:
        offset = await one.send(one.event(name, **changes))
        answer = (await one.answers([offset]))[offset]
        assert answer.outcome == "ACCEPTED", answer.problems
        return str(answer.event_id)


def told(home: Home, event_id: str) -> list[tuple[str, str]]:
    """Return whom an answer of the question *event_id* was told of, or its lack, and the outcome."""
    with codec_of(home) as codec:
        found = [codec.decode(each.value).record for each in records(home, "deliveries")]
    return [
        (str(each["recipient"]), str(each["outcome"]))
        for each in found
        if each.get("id") == event_id and each.get("about") == "QUESTION" and each["step"] == "ANSWERED"
    ]


def question(home: Home, event_id: str) -> Row:
    """Return the question of *event_id* as a screen shows it, nothing before it was read."""
    return next(iter(questions_of(home, event_id, now_in(home))), {})


async def offered(home: Home, referral_id: str, **changes: object) -> str:
    """Offer a person to the counselling centre, and return the id of the event once the question is known."""
    changes = {"to_agency": HELPERS, "urgency": "IMMEDIATE", "answer_due_at": None} | changes
    event_id = await publish(home, "ReferralOffered", POLICE, referral_id=referral_id, **changes)
    wait_until(lambda: question(home, event_id) != {}, "the question is known")
    return event_id


def make_due(home: Home, event_id: str) -> None:
    """Let the limits of the question of *event_id* be past."""
    past = now_in(home) - dt.timedelta(hours=1)
    rows(home, "UPDATE streams.question SET warn_at = %s, breach_at = %s WHERE id = %s", past, past, event_id)


async def test_a_referral_is_answered_by_whom_it_was_offered_to_and_by_nobody_else(home: Home) -> None:
    referral_id = str(uuid.uuid4())
    event_id = await offered(home, referral_id)
    known = question(home, event_id)
    assert (known["addressee"], known["standing"]) == (HELPERS, "open")
    assert isinstance(known["asked_at"], dt.datetime)
    assert known["breach_at"] == known["asked_at"] + dt.timedelta(hours=8)
    other = await publish(home, "ReferralAnswered", OTHERS, referral_id=referral_id, to_agency=POLICE)
    read = "SELECT 1 FROM streams.question WHERE reference = %s AND addressee = %s"
    wait_until(lambda: rows(home, read, referral_id, OTHERS) != [], "it was read")
    assert question(home, event_id)["answered_at"] is None, other
    for _ in range(2):
        await publish(home, "ReferralAnswered", HELPERS, referral_id=referral_id, to_agency=POLICE)
    wait_until(lambda: question(home, event_id)["standing"] == "in time", "the answer counts")
    wait_until(lambda: told(home, event_id) != [], "the answer is told")
    assert told(home, event_id) == [(HELPERS, "REACHED")]
    screen = command(home, "evidence", "show", event_id)
    assert screen.returncode == 0, screen.stderr
    assert f"asks {HELPERS}" in screen.stdout
    assert "in time" in screen.stdout


async def test_a_request_to_a_state_is_answered_by_an_agency_of_it_even_when_that_is_read_first(home: Home) -> None:
    named = {"request_id": str(uuid.uuid4()), "requesting_state": "BGR", "requested_state": "SRB"}
    await publish(home, "ExtraditionDecided", "bg-justice", **named)
    await publish(home, "ExtraditionDecided", "rs-prosecution", **named)
    event_id = await publish(home, "ExtraditionRequested", "bg-prosecution", **named, deadline_at=None)
    wait_until(lambda: told(home, event_id) != [], "the answer is told")
    assert told(home, event_id) == [("SRB", "REACHED")]


async def test_a_question_without_an_answer_is_warned_of_and_overdue_once_and_its_answer_is_late(home: Home) -> None:
    referral_id = str(uuid.uuid4())
    event_id = await offered(home, referral_id)
    make_due(home, event_id)
    wait_until(lambda: len(told(home, event_id)) >= 2, "both limits are told", 120)
    async with workplace(home) as place, place.pool("hub_streams", 2) as pool:
        clock = clock_of(place, pool)
        await clock.look()  # once too often
    found = unanswered(home)
    assert isinstance(found["overdue"], dict)
    assert [each["id"] for each in found["overdue"][HELPERS]].count(event_id) == 1
    screen = command(home, "evidence", "overdue")
    assert screen.returncode == 0, screen.stderr
    assert f"{HELPERS}:" in screen.stdout
    assert '"questions"' in command(home, "evidence", "overdue", "--json").stdout
    await publish(home, "ReferralAnswered", HELPERS, referral_id=referral_id, to_agency=POLICE)
    wait_until(lambda: len(told(home, event_id)) >= 3, "the late answer is told")
    assert told(home, event_id) == [(HELPERS, "WARNED"), (HELPERS, "OVERDUE"), (HELPERS, "LATE")]
    assert question(home, event_id)["standing"] == "late"


async def test_a_question_that_was_revoked_never_warns(home: Home) -> None:
    referral_id = str(uuid.uuid4())
    event_id = await offered(home, referral_id)
    await publish(home, "ReferralRevoked", POLICE, referral_id=referral_id, to_agency=HELPERS)
    wait_until(lambda: question(home, event_id)["standing"] == "ended", "it has ended")
    make_due(home, event_id)
    after = await offered(home, str(uuid.uuid4()))
    make_due(home, after)
    wait_until(lambda: len(told(home, after)) >= 2, "what came later is told", 120)
    assert told(home, event_id) == []
    assert "no more waited for" in command(home, "evidence", "show", event_id).stdout


@pytest.fixture
async def transaction(home: Home) -> AsyncIterator[Transaction]:
    """Yield a transaction of the streams that is taken back."""
    async with await psycopg.AsyncConnection.connect(home.dsn("hub_streams")) as connection:
        yield connection
        await connection.rollback()


async def test_what_was_read_of_a_question_is_kept_whole_and_its_limits_are_taken_once(
    transaction: Transaction,
) -> None:
    event_id = str(uuid.uuid4())
    parties = Parties("ReferralOffered", str(uuid.uuid4()), "rs-police", "of-a-test")
    hour = dt.timedelta(hours=1)
    asked = Asked(at=LONG_AGO, id=event_id, agency="rs-police", warn_at=LONG_AGO + hour, breach_at=LONG_AGO + 2 * hour)
    several = [
        Question(parties=parties, asked=asked),
        Question(parties=parties._replace(addressee="another"), ended_at=LONG_AGO),
    ]
    await question_books.keep(transaction, several)
    assert await question_books.known(transaction, [each.parties for each in several]) == {
        each.parties: each for each in several
    }
    assert await question_books.take_unanswered(transaction, LONG_AGO) == []
    (warned,) = await question_books.take_unanswered(transaction, LONG_AGO + hour)
    (overdue,) = await question_books.take_unanswered(transaction, LONG_AGO + 2 * hour)
    assert (warned.outcome, warned.at, warned.recipient) == ("WARNED", asked.warn_at, "of-a-test")
    assert (overdue.outcome, overdue.at, overdue.id) == ("OVERDUE", asked.breach_at, event_id)
    await question_books.keep(transaction, several)
    assert await question_books.take_unanswered(transaction, LONG_AGO + 3 * hour) == []
    ended = joined(several[0], Question(parties=parties, ended_at=LONG_AGO))
    await question_books.keep(transaction, [ended])
    assert await question_books.known(transaction, [parties]) == {parties: ended}


async def test_of_what_has_ended_before_its_limit_nothing_is_taken(transaction: Transaction) -> None:
    parties = Parties("ReferralOffered", str(uuid.uuid4()), "rs-police", "of-a-test")
    asked = Asked(at=LONG_AGO, id=str(uuid.uuid4()), agency="rs-police", warn_at=LONG_AGO, breach_at=LONG_AGO)
    ended = [
        Question(parties=parties, asked=asked, ended_at=LONG_AGO),
        Question(parties=parties._replace(addressee="another"), asked=asked, answered_at=LONG_AGO),
    ]
    await question_books.keep(transaction, ended)
    assert await question_books.take_unanswered(transaction, LONG_AGO) == []


async def test_a_limit_that_was_taken_and_not_committed_is_taken_again(transaction: Transaction) -> None:
    parties = Parties("ReferralOffered", str(uuid.uuid4()), "rs-police", "of-a-test")
    asked = Asked(at=LONG_AGO, id=str(uuid.uuid4()), agency="rs-police", warn_at=LONG_AGO, breach_at=LONG_AGO)
    await question_books.keep(transaction, [Question(parties=parties, asked=asked)])
    async with transaction.transaction(force_rollback=True):
        lost = await question_books.take_unanswered(transaction, LONG_AGO)
    assert [each.outcome for each in lost] == ["WARNED", "OVERDUE"], "what is past when it is asked is overdue at once"
    assert await question_books.take_unanswered(transaction, LONG_AGO) == lost
