"""The search at the end of the demonstration sees what is there, and says where."""

import datetime as dt
import secrets

import pytest

from connectors.demo.run import Plan
from connectors.demo.searching import ENCODINGS, SHORTEST, personal_values, search
from infra.home import Home
from infra.topology.model import load_topology
from tests.publishing import Agency, invented


def test_names_dates_of_birth_contacts_documents_and_texts_are_looked_for() -> None:
    acts = Plan(run=1, seed=7, stories=100, start=dt.date(2026, 1, 6)).acts()
    values = personal_values(acts)
    people = [act.event["person"] for act in acts if isinstance(act.event.get("person"), dict)]
    for person in people:
        numbers = [document["number"] for document in person.get("identity_documents", [])]
        contacts = [contact["value"] for contact in person.get("contacts", [])]
        said = [person.get("full_name"), person.get("date_of_birth"), *numbers, *contacts]
        assert {each for each in said if each and len(each) >= SHORTEST} <= values
    assert len(values) > 500
    assert not any(code in values for code in ("PRESUMED_VICTIM", "NOT_REPORTED"))


@pytest.mark.stack
async def test_a_value_in_a_file_is_found_in_each_encoding_and_no_other(home: Home) -> None:
    token = f"Searched {secrets.token_hex(6)}"
    planted = [home.run_dir / f"planted-{secrets.token_hex(4)}" for _ in ENCODINGS]
    try:
        for file, encoding in zip(planted, ENCODINGS, strict=True):
            file.write_bytes(b"\x00\xff" + token.encode(encoding) + b"\x00")
        found = await search(home, load_topology(), frozenset({token}))
    finally:
        for file in planted:
            file.unlink(missing_ok=True)
    assert set(found.found) == {f"run/{file.name}" for file in planted}
    assert found.control
    assert found.records
    assert (await search(home, load_topology(), frozenset({token}))).found == ()


@pytest.mark.stack
async def test_a_value_on_a_topic_is_found_there(home: Home) -> None:
    token = f"Searched {secrets.token_hex(6)}"
    async with Agency(home, "rs-police") as agency:
        event = invented("PersonIdentified", "rs-police", person__full_name=token)
        await agency.send(agency.encode(event, "PersonIdentified"))
        found = await search(home, load_topology(), frozenset({token}))
    assert any("in.rs-police" in place for place in found.arriving)  # in a file longer than on the topic
