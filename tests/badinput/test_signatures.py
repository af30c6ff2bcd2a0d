"""Bad signatures through the real broker: refused with their reason, never in the ledger, and the stream goes on."""

import datetime as dt
from collections.abc import Sequence

import pytest

from connectors.placing import Sent
from connectors.publisher import Publisher
from connectors.receipts import Receipt
from infra.home import Home
from infra.signing.key_log import tell
from infra.signing.keys import Holder, HolderKind, Revocation, SigningKey
from infra.signing.signer import Signer
from infra.topology.credentials import Credentials
from infra.workplace import workplace
from schemas.names import TopicName
from tests.infra.signing.making import key_of, signer
from tests.publishing import Agency, invented, now
from tests.running import rows

pytestmark = pytest.mark.stack
SENDER, OTHER = "rs-social-service", "rs-police"
DAY = dt.timedelta(days=1)


async def told(home: Home, *records: SigningKey | Revocation) -> None:
    """Write *records* to `control.keys`, past the desk that would refuse some of them."""
    async with workplace(home) as place:
        await tell(place.credentials("hub-control"), place.codec, records)


def key(made: Signer, start_days: int = -1, days: int = 10) -> SigningKey:
    """Return a key of the sender, valid for *days* from so many days from now on."""
    return key_of(made, Holder(HolderKind.AGENCY, SENDER), start=now() + start_days * DAY, days=days)


async def refusals(agency: Agency, values: Sequence[bytes | None]) -> list[str]:
    """Send *values* as they are, then a good event, and return the rule for each of them."""
    placed = [await agency.send_as_it_is(value, key=None if value else b"k") for value in values]
    good = await agency.send(agency.event())
    answers = await agency.answers([*placed, good])
    assert answers[good].outcome == "ACCEPTED"
    return [rule_of(answers[offset]) for offset in placed]


def rule_of(receipt: Receipt) -> str:
    assert (receipt.outcome, receipt.event_id) == ("REFUSED", None)
    (problem,) = receipt.problems
    assert problem.path == "$"
    assert problem.advice
    return problem.rule


async def test_forged_truncated_and_missing_signatures_are_refused(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        event, forger = agency.event(), signer()
        topic = TopicName(agency.topic)
        signed = agency.signer.event(topic, event)
        forged = {**forger.event(topic, event), "key_id": agency.signer.key_id}
        changed = {**signed, "event": agency.event()}
        found = await refusals(
            agency,
            [
                event,
                agency.wrapped(forged),
                agency.wrapped(changed),
                agency.wrapped({**signed, "signature": bytes(64)}),
                agency.wrapped({**signed, "signature": b""}),
                agency.wrapped({**signed, "salt": bytes(8)}),
                agency.wrapped(signed)[:-9],
                agency.signed(event, signer=forger),
                agency.signed(agency.signed(event)),
                None,
            ],
        )
    assert found == [
        "not-signed",
        "signature-wrong",
        "signature-wrong",
        "signature-wrong",
        "malformed-signature",
        "malformed-signature",
        "malformed-record",
        "signed-by-unknown-key",
        "signed-twice",
        "malformed-record",
    ]


async def test_what_another_agency_signed_is_refused_whoever_publishes_it_and_for_whichever_topic(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency, Agency(hub, OTHER) as other:
        event = agency.event()
        found = await refusals(
            agency,
            [
                other.signed(other.event()),  # replayed on another topic
                agency.signed(event, topic=other.topic),
                agency.signed(event, signer=other.signer),
            ],
        )
    assert found == ["key-of-another", "signature-wrong", "key-of-another"]


async def test_a_key_signs_in_its_time_alone(hub: Home) -> None:
    early, late, revoked, fine = signer(), signer(), signer(), signer()
    stolen = key(revoked)
    await told(
        hub,
        key(early, 1),
        key(late, -9, 8),
        stolen,
        Revocation(key_id=stolen.key_id, revoked_at=now(), doubtful_since=None, reason="test", revoked_by="test"),
        key(fine),
    )
    async with Agency(hub, SENDER) as agency:
        values = [agency.signed(agency.event(), signer=one) for one in (early, late, revoked)]
        assert await refusals(agency, values) == ["key-not-yet-valid", "key-expired", "key-revoked"]
        accepted = await agency.send_as_it_is(agency.signed(agency.event(), signer=fine))
        assert (await agency.answers([accepted]))[accepted].outcome == "ACCEPTED"


async def test_a_signed_event_again_is_a_duplicate_with_the_same_salt_or_another(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        event = agency.event()
        once = agency.signed(event)
        offsets = [await agency.send_as_it_is(value) for value in (once, once, agency.signed(event))]
        answers = await agency.answers(offsets)
    assert [answers[offset].outcome for offset in offsets] == ["ACCEPTED", "DUPLICATE", "DUPLICATE"]
    assert {answers[offset].original_offset for offset in offsets[1:]} == {offsets[0]}
    (found,) = rows(
        hub, "SELECT signed_by FROM streams.seen_event WHERE event_id = %s::uuid", str(answers[offsets[0]].event_id)
    )
    assert found == (agency.signer.key_id,)


async def test_an_event_of_another_agency_is_refused_however_well_it_is_signed(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        bad = await agency.send(agency.event(envelope__agency=OTHER))
        answer = (await agency.answers([bad]))[bad]
    assert {problem.rule for problem in answer.problems} == {"agency-not-owner"}


async def test_the_sdk_signs_of_itself_and_what_it_sends_unsigned_is_refused(hub: Home) -> None:
    credentials = Credentials.of(hub, SENDER)
    async with Agency(hub, SENDER) as agency:
        outcomes = []
        for sign in (True, False):
            event = {"event_type": "PersonIdentified", **invented("PersonIdentified", SENDER)}
            async with Publisher(credentials, sign=sign) as publisher:
                placed = await publisher.publish(event)
            assert isinstance(placed, Sent)
            answer = (await agency.answers([placed.offset]))[placed.offset]
            outcomes.append((answer.outcome, [problem.rule for problem in answer.problems]))
    assert outcomes == [("ACCEPTED", []), ("REFUSED", ["not-signed"])]
