"""More than a hundred thousand broken messages: none crashes or stops intake, and no answer repeats what it was told.

A message that is still whole after its changes is sealed for the ledger as any other. What hangs meets the time limit
of every test.
"""

import asyncio
import datetime as dt
import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.events_file import read_events
from infra.arrival.sealed import Session, sealed_event
from infra.signing.keys import Holder, HolderKind, Keyring, SigningKey
from infra.signing.signer import Signer, signed_event
from schemas.catalogue import contracts
from schemas.errors import InvalidEventError, Problem
from schemas.json_form import read_event
from schemas.names import AgencyId, CaseId, TopicName
from streams.intake.reading import Readable, Refused, Sender, read
from streams.intake.signatures import unwrapped
from streams.intake.unsealing import Unsealer
from streams.intake.writing import ledger_output
from streams.pump.records import SourceRecord
from tests.badinput.fuzz.messages import CODEC, Message, documents, keys_of, messages
from tests.badinput.fuzz.mutating import bent, chance_of, mutated
from tests.schemas.strategies import NOW
from tests.streams.intake.test_unsealing import KEYS

PARTS = 8
"""So many tests share the mutants, side by side."""
EXAMPLES, EACH = 60, 250
TYPES = frozenset(known.name for known in contracts())
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def sender(agency: str) -> Sender:
    return Sender(agency=AgencyId(agency), event_types=TYPES, organisations=("rs-counselling", "bg-counselling"))


def assert_tells_nothing(problems: Sequence[Problem], secrets: frozenset[str]) -> None:
    """Show that no problem holds a text of the message."""
    assert problems, "a refusal without a reason"
    told = "\n".join(map(str, problems))
    assert not [each for each in secrets if each in told]


def assert_enters(event: Readable) -> None:
    """Show that what was taken for whole can be sealed."""
    nonces = (number.to_bytes(12, "big") for number in itertools.count())
    keys = keys_of(event.contract.name, event.record)
    assert ledger_output(event, CaseId("a-case"), keys, CODEC, NOW, lambda: next(nonces)).value


def mutants(chance: random.Random) -> list[tuple[Message, bytes]]:
    """Return messages, each with what became of it."""
    chosen = chance.choices(messages(), k=EACH)
    return [(each, mutated(chance, each.value, chance.choice(messages()).value)) for each in chosen]


@pytest.mark.parametrize("part", range(PARTS))
def test_a_broken_message_is_refused_with_a_reason_or_is_whole(part: int) -> None:
    tried = refused = 0

    @many
    @given(st.integers(0, 2**32))
    def each(seed: int) -> None:
        nonlocal tried, refused
        for message, value in mutants(chance_of(f"{part}|{seed}")):
            source = SourceRecord(TopicName(f"in.{message.agency}"), 0, tried, None, value)
            found = read(source, sender(message.agency), CODEC, NOW)
            tried += 1
            if isinstance(found, Refused):
                refused += 1
                assert_tells_nothing(found.problems, message.secrets)
            else:
                assert_enters(found)

    each()
    assert tried >= EXAMPLES * EACH, "100,000 and more, over all parts"
    assert tried * 0.5 < refused < tried, "most are refused, and some are whole: else nothing was shown"


@pytest.mark.parametrize("part", range(2))
def test_a_broken_sealed_message_is_refused_with_a_reason_or_opens(part: int) -> None:
    writer, tried = CODEC.writer("x", sealed_event().schema), 0
    agency = "rs-police"
    session = Session(TopicName(f"in.{agency}"), KEYS.public())
    whole = [writer.encode(session.seal(each.value)) for each in messages()[:200]]

    @many
    @given(st.integers(0, 2**32))
    def each(seed: int) -> None:
        nonlocal tried
        chance = chance_of(f"{part}|{seed}")
        values = [mutated(chance, chance.choice(whole), chance.choice(whole)) for _ in range(EACH)]
        batch = [SourceRecord(TopicName(f"in.{agency}"), 0, at, None, value) for at, value in enumerate(values)]
        tried += len(batch)
        for found in asyncio.run(Unsealer(KEYS, CODEC).opened(batch, sealed_only=chance.random() < 1 / 2)):
            if isinstance(found, Refused):
                assert_tells_nothing(found.problems, frozenset())
            else:
                assert isinstance(read(found, sender(agency), CODEC, NOW), Readable | Refused)

    each()
    assert tried >= EXAMPLES * EACH


@pytest.mark.parametrize("part", range(2))
def test_a_broken_signed_message_is_refused_for_its_signature_or_is_the_one_that_was_signed(part: int) -> None:
    agency, topic = AgencyId("rs-police"), TopicName("in.rs-police")
    signer, writer = Signer(Ed25519PrivateKey.generate()), CODEC.writer("x", signed_event().schema)
    key = SigningKey(
        key_id=signer.key_id,
        holder=Holder(HolderKind.AGENCY, str(agency)),
        organisation=str(agency),
        public_key=signer.public_key,
        valid_from=NOW - dt.timedelta(days=1),
        valid_until=NOW + dt.timedelta(days=1),
        registered_at=NOW,
        registered_by="test",
    )
    ring = Keyring(keys={key.key_id: key}, revocations={})
    events = [each.value for each in messages()[:200]]
    whole = [writer.encode(signer.event(topic, event)) for event in events]
    tried = refused = 0

    @many
    @given(st.integers(0, 2**32))
    def each(seed: int) -> None:
        nonlocal tried, refused
        chance = chance_of(f"{part}|{seed}")
        values = [mutated(chance, chance.choice(whole), chance.choice(whole)) for _ in range(EACH)]
        batch = [SourceRecord(topic, 0, at, None, value) for at, value in enumerate(values)]
        found = unwrapped(batch, CODEC, signed_only=True)
        faults = found.faults(ring, agency, NOW)
        for source in found.records:
            tried += 1
            answer = faults.get(source.offset, source) if isinstance(source, SourceRecord) else source
            if isinstance(answer, Refused):
                refused += 1
                assert_tells_nothing(answer.problems, frozenset())
            elif source.offset in found.claims:
                assert answer.value in events, "only what was signed passes for signed"

    each()
    assert tried >= EXAMPLES * EACH
    assert tried * 0.5 < refused < tried


def test_a_bent_document_is_refused_with_a_reason_or_is_valid() -> None:
    tried = refused = 0

    @many
    @given(st.integers(0, 2**32))
    def each(seed: int) -> None:
        nonlocal tried, refused
        chance = chance_of(seed)
        for _ in range(EACH):
            document = chance.choice(documents())
            tried += 1
            try:
                read_event(bent(chance, document), NOW)
            except InvalidEventError as error:
                refused += 1
                assert_tells_nothing(error.problems, frozenset(_names(document)))

    each()
    assert tried >= EXAMPLES * EACH
    assert 0 < refused < tried


def test_a_broken_file_of_events_gives_a_problem_for_each_line_that_is_none() -> None:
    @many
    @given(st.integers(0, 2**32))
    def each(seed: int) -> None:
        chance = chance_of(seed)
        lines = b"\n".join(orjson.dumps(event) for event in chance.choices(documents(), k=20))
        text = mutated(chance, lines, lines).decode("utf-8", chance.choice(("replace", "surrogateescape")))
        for line in read_events(text.splitlines(keepends=True)):
            assert (line.event is None) == (line.problem is not None)

    each()


def _names(document: Mapping[str, Any]) -> set[str]:
    """Return the names and texts in *document* that no advice could hold by chance."""
    person = document.get("person") or {}
    found = [person.get("full_name"), document.get("narrative"), *(person.get("aliases") or ())]
    return {each for each in found if isinstance(each, str) and each}
