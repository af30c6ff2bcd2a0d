"""After erasure who has all that is on the disks, and every key that is left, reads nothing of the person.

Bad seals too: what was altered or moved is parked with its reason, and while the vault is away nothing passes.
"""

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.vault.holders import holder_of_subject
from schemas.catalogue import contract, contracts
from schemas.derive import Channel, derive
from schemas.errors import UnavailableError
from schemas.field_steps import persons
from schemas.names import SubjectId
from tests.attacks.hub import Hub, Sent, Sinks, agency_for, codec, every_text, published
from tests.attacks.score_table import score
from tests.attacks.sealed_events import at, seals_in
from tests.attacks.spellings import Search
from tests.attacks.test_canaries import planted


def about(event_type: str, record: Any) -> dict[str, str]:
    """Return of a record on a topic the subject of each person by path."""
    return {path: str(person["subject"]) for path, person in persons(contract(event_type), record).items()}


def ciphertexts(record: Any) -> Iterator[tuple[str, str, bytes]]:
    """Yield path, kid and ciphertext of every seal of a record."""
    for path in seals_in(record):
        yield path, at(record, path)["kid"], at(record, path)["ct"]


def brute(
    event_id: str, fullname: str, sealed: tuple[str, str, bytes], keys: dict[str, tuple[str, bytes]]
) -> bytes | None:
    """Return what any of *keys* (by kid: subject and secret) opens of a seal, whoever it says it is for."""
    path, kid, ct = sealed
    for other, (subject, secret) in keys.items():
        for named in {kid, other}:
            try:
                aad = f"{event_id}|{fullname}|{path}|{subject}|{named}".encode()
                return AESGCM(secret).decrypt(ct[:12], ct[12:], aad)
            except InvalidTag:
                continue
    return None


def opened_by_anybody(sinks: Sinks, keys: dict[str, tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """Yield topic and plaintext of everything on topics that any of *keys* opens."""
    for each in sinks.stored:
        decoded = codec().decode(each.value)
        envelope = decoded.record.get("envelope")
        event_id = str(envelope["event_id"]) if isinstance(envelope, dict) else ""  # type: ignore[index]
        if not event_id:
            origin = decoded.record
            event_id = f"{origin.get('source_topic')}:{origin.get('source_partition')}:{origin.get('source_offset')}"
        for sealed in ciphertexts(decoded.record):
            plain = brute(event_id, decoded.fullname, sealed, keys)
            if plain is not None:
                yield str(each.topic), plain


async def test_without_the_key_of_a_person_nobody_reads_anything_of_that_person(
    record_property: Callable[[str, object], None],
) -> None:
    planter, events = planted()
    hub = Hub()
    sinks = await hub.run(
        [Sent(agency=agency_for(name), value=published(name, event)) for name, event in events.items()]
    )
    before = {kid: (subject, secret) for kid, subject, secret in hub.vault.data_keys.values() if secret is not None}
    known = Search(planter.made).names(plain for _, plain in opened_by_anybody(sinks, before))
    assert len(known) > len(planter.made) * 0.8, "with all keys the attacker reads"

    name = "PersonIdentified"
    reference = (agency_for(name), events[name]["person"]["person_ref"])
    subject = SubjectId(hub.vault.known["subject", reference])
    hub.vault.destroy_keys(holder_of_subject(subject))
    left = {kid: (written, secret) for kid, written, secret in hub.vault.data_keys.values() if secret is not None}
    of_the_person = {path: value for path, value in planter.made.items() if path.startswith(f"{name}.person.")}
    search = Search(of_the_person)
    assert search.names(plain for _, plain in opened_by_anybody(sinks, before)) == of_the_person.keys()

    assert search.names(plain for _, plain in opened_by_anybody(sinks, left)) == set()
    assert search.names(content for _, content in every_text(sinks)) == set()
    sealed = sum(len(list(ciphertexts(codec().decode(each.value).record))) for each in sinks.stored)
    record_property(*score("ciphertexts tried with every key that is left", sealed, sealed))
    feeds = {key[0] for key in hub.vault.data_keys if key[1] == holder_of_subject(subject)}
    assert len(feeds) > 1, "partners had keys too, and those are gone"


async def test_a_text_about_several_persons_is_gone_with_the_first_of_them() -> None:
    planter, events = planted()
    for name in ("InvestigationOpened", "VerdictDelivered", "ProsecutionOpened"):
        people = persons(contract(name), events[name])
        texts = {path: value for path, value in planter.made.items() if path == f"{name}.narrative"}
        assert texts
        for person in people.values():
            hub = Hub()
            sinks = await hub.run([Sent(agency=agency_for(name), value=published(name, events[name]))])
            subject = hub.vault.known["subject", (agency_for(name), person["person_ref"])]
            hub.vault.destroy_keys(holder_of_subject(SubjectId(subject)))
            left = {kid: (held, secret) for kid, held, secret in hub.vault.data_keys.values() if secret is not None}
            assert Search(texts).names(plain for _, plain in opened_by_anybody(sinks, left)) == set()


def _altered(record: dict[str, Any], _other: dict[str, Any]) -> None:
    ct = record["person"]["full_name"]["ct"]
    record["person"]["full_name"]["ct"] = ct[:-1] + bytes([ct[-1] ^ 1])


def _of_another_event(record: dict[str, Any], other: dict[str, Any]) -> None:
    record["person"]["full_name"] = copy.deepcopy(other["person"]["full_name"])


def _of_another_field(record: dict[str, Any], _other: dict[str, Any]) -> None:
    record["person"]["full_name"] = copy.deepcopy(record["person"]["person_ref"])


def _of_another_person(record: dict[str, Any], other: dict[str, Any]) -> None:
    record["person"]["subject"] = other["person"]["subject"]


def _under_another_key(record: dict[str, Any], other: dict[str, Any]) -> None:
    record["person"]["full_name"]["kid"] = other["person"]["full_name"]["kid"]


def _as_another_event(record: dict[str, Any], other: dict[str, Any]) -> None:
    record["envelope"]["event_id"] = other["envelope"]["event_id"]


BAD_SEALS = (_altered, _of_another_event, _of_another_field, _of_another_person, _under_another_key, _as_another_event)


@pytest.mark.parametrize("attack", BAD_SEALS, ids=lambda attack: attack.__name__.strip("_"))
async def test_a_seal_that_was_altered_or_moved_is_parked_with_its_reason(
    attack: Callable[[dict[str, Any], dict[str, Any]], None],
) -> None:
    planter, events = planted()
    name = "PersonIdentified"
    second = copy.deepcopy(events[name])
    second["envelope"]["event_id"] = second["envelope"]["event_id"][:-1] + "f"
    second["person"]["person_ref"] = "another-1"
    hub = Hub(project=False)
    sent = [Sent(agency=agency_for(name), value=published(name, each)) for each in (events[name], second)]
    await hub.intake(sent)
    one, other = (codec().decode(each.value).record for each in hub.sinks.on("ledger"))
    attack(one, other)  # type: ignore[arg-type]
    known = derive(contract(name), Channel.LEDGER)
    forged = codec().writer(f"ledger-{known.fullname}", known.schema).encode(one)
    place = next(index for index, each in enumerate(hub.sinks.stored) if each.topic == "ledger")
    hub.sinks.stored[place] = dataclasses.replace(hub.sinks.stored[place], value=forged)

    await hub.release()

    (processor, parked), *more = hub.sinks.parked
    assert not [each for _, each in more if each.code != "behind-parked"]
    assert (processor, parked.code) == ("release", "unreadable-seal")
    assert parked.advice.startswith(("person.", "envelope."))
    assert Search(planter.made).names([json.dumps([parked.code, parked.advice]).encode()]) == set()
    fed = [codec().decode(each.value).record for each in hub.sinks.stored if each.topic.startswith(("to.", "stage."))]
    assert all(each["envelope"]["event_id"] == second["envelope"]["event_id"] for each in fed)  # type: ignore[index]


async def test_while_the_vault_is_away_nothing_passes_and_nothing_is_lost() -> None:
    _, events = planted()
    sent = [Sent(agency=agency_for(name), value=published(name, event)) for name, event in events.items()]
    hub = Hub(project=False)
    hub.vault.away = True
    with pytest.raises(UnavailableError):
        await hub.intake(sent)
    assert (hub.sinks.stored, hub.sinks.parked) == ([], [])

    hub.vault.away = False
    hub.sinks.seen.clear()  # its transaction was rolled back
    await hub.intake(sent)
    accepted = len(hub.sinks.stored)
    hub.vault.away = True
    with pytest.raises(UnavailableError):
        await hub.release()
    assert (len(hub.sinks.stored), hub.sinks.parked) == (accepted, [])

    hub.vault.away = False
    await hub.release()
    assert len(hub.sinks.on("ledger")) == len(contracts())
    assert hub.sinks.on("decisions")
