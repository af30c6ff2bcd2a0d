"""Events of older versions, in the current form: at intake, on the ledger, on a feed; the same as Avro's."""

import copy
import io
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.feed_events import opened_content, sealed_event
from projections.decoding import event_of
from schemas import upcasters
from schemas.catalogue import Contract, contract, hub_contract
from schemas.codec import Codec, Decoded, parse
from schemas.derive import Channel, derive
from schemas.errors import RejectedError, UnknownSchemaError
from schemas.names import AgencyId, TopicName
from schemas.opening import ERASED, open_record
from schemas.upcasters import in_turn, moved, recoded
from schemas.upcasting import Lineage, UnknownVersionError, conformer, lineage, opened, published, sealed, version_of
from streams.intake.reading import Readable, Refused, Sender, read
from streams.pump.records import SourceRecord
from tests.schemas.events import event
from tests.schemas.evolutions import OF_ONESELF, OF_THE_PERSON, Edit, add, alter, changed, lineages, remove, rename
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import keys_for, opener
from tests.schemas.sealed import sealed as sealed_for_test
from tests.schemas.strategies import NOW, valid_events

NOW_VERSION = contract("PersonIdentified")
OLD = changed(NOW_VERSION, remove("means_of_control"), remove("aliases", "Person"), remove("trafficked_before"))
"""As if the current contract had got these three fields since."""
OLDEST = changed(OLD, add("hair", ["null", "string"], None, **OF_THE_PERSON))
LEDGER = TopicName("ledger")


def old_event(version: Contract = OLD) -> dict[str, Any]:
    record = event()
    for name in ("means_of_control", "trafficked_before"):
        del record[name]
    del record["person"]["aliases"]
    return record if version == OLD else {**record, "hair": "brown"}


def published_as(version: Contract, record: Any, found: Any) -> Readable | Refused:
    codec = memory_codec()
    value = codec.writer(version.fullname, version.schema).encode(record)
    agency = AgencyId(event()["envelope"]["agency"])
    source = SourceRecord(topic=TopicName(f"in.{agency}"), partition=0, offset=0, key=None, value=value)
    sender = Sender(agency=agency, event_types={NOW_VERSION.name})
    return read(source, sender, codec, NOW, found)


@pytest.mark.parametrize("version", [OLD, OLDEST], ids=["old", "oldest"])
def test_intake_takes_every_version_that_landed_and_says_it_as_the_current_one(version: Contract) -> None:
    entered = published_as(version, old_event(version), lineages(OLDEST, OLD, NOW_VERSION))
    assert isinstance(entered, Readable)
    assert entered.contract is NOW_VERSION
    assert entered.record == event() | {"means_of_control": [], "trafficked_before": "NOT_REPORTED"}


def test_intake_takes_no_version_that_never_landed() -> None:
    refused = published_as(OLDEST, old_event(OLDEST), lineages(OLD, NOW_VERSION))
    assert isinstance(refused, Refused)
    assert [problem.rule for problem in refused.problems] == ["schema-not-allowed"]


def test_an_event_of_an_older_version_keeps_the_rules_of_today() -> None:
    record = old_event()
    record["person"]["role"] = "HERO"
    refused = published_as(OLD, record, lineages(OLD, NOW_VERSION))
    assert isinstance(refused, Refused)
    assert [(problem.path, problem.rule) for problem in refused.problems] == [("person.role", "unknown-code")]


EDITS: list[Edit] = [
    add("hair", ["null", "string"], None, **OF_THE_PERSON),
    add("marks", {"type": "array", "items": "string"}, [], **OF_THE_PERSON),
    add("armed", "string", "NOT_REPORTED", codes="flag", **OF_THE_PERSON),
    add("height", ["null", "int"], None, record="Person", unit="cm", **OF_ONESELF),
    add("seal", ["null", "string"], None, record="IdentityDocument", **OF_ONESELF),
    remove("place"),
    remove("indicators"),
    remove("aliases", "Person"),
    remove("narrative"),
    alter("status", doc="How far it went."),
]


@given(valid_events("PersonIdentified"), st.lists(st.sampled_from(EDITS), unique=True, max_size=5))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_the_form_of_a_later_version_is_the_one_that_avro_gives(record: dict[str, Any], edits: list[Edit]) -> None:
    versions = [NOW_VERSION]
    for edit in edits:
        versions.append(changed(versions[-1], edit))
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parse(NOW_VERSION.schema), record)
    writer, reader = parse(NOW_VERSION.schema), parse(versions[-1].schema)
    resolved = fastavro.schemaless_reader(io.BytesIO(out.getvalue()), writer, reader)
    before = copy.deepcopy(record)
    assert Lineage(versions=tuple(versions)).upcast(record, NOW_VERSION, published) == resolved
    assert record == before


def test_a_record_of_the_current_version_is_taken_as_it_is() -> None:
    record = event()
    assert lineage("PersonIdentified").upcast(record, NOW_VERSION, published) is record
    assert conformer(NOW_VERSION.schema, NOW_VERSION.schema)(record) is record


def on_channel(version: Contract, channel: Channel, record: dict[str, Any], codec: Codec) -> tuple[bytes, Any]:
    keys = keys_for(version, record)
    content = sealed_for_test(version, channel, record, keys)
    return codec.writer("x", derive(version, channel).schema).encode(content), opener(keys)


def test_a_projection_sees_an_old_ledger_event_in_the_form_of_today() -> None:
    codec, found = memory_codec(), lineages(OLDEST, OLD, NOW_VERSION)
    value, _ = on_channel(OLDEST, Channel.LEDGER, old_event(OLDEST), codec)
    today, _ = on_channel(NOW_VERSION, Channel.LEDGER, event(), codec)
    old_form, form = (event_of(codec, LEDGER, 0, None, each, found).record for each in (value, today))
    assert old_form.keys() == form.keys()
    assert old_form["means_of_control"] is None
    assert old_form["person"].keys() == form["person"].keys()
    assert old_form["identified_by"] == form["identified_by"]


def test_a_ledger_event_of_a_version_that_never_landed_stops_the_reader() -> None:
    codec = memory_codec()
    value, _ = on_channel(OLDEST, Channel.LEDGER, old_event(OLDEST), codec)
    with pytest.raises(UnknownVersionError, match="install the release"):
        event_of(codec, LEDGER, 0, None, value, lineages(OLD, NOW_VERSION))
    with pytest.raises(UnknownVersionError):
        version_of(codec.decode(value), "PersonIdentified")


def test_an_old_ledger_event_opens_with_the_version_that_sealed_it() -> None:
    codec, versions = memory_codec(), lineages(OLDEST, OLD, NOW_VERSION)("PersonIdentified")
    value, key_of = on_channel(OLDEST, Channel.LEDGER, old_event(OLDEST), codec)
    decoded = codec.decode(value)
    assert versions.find(decoded.origin) == OLDEST
    record = open_record(OLDEST, Channel.LEDGER, decoded.record, key_of)
    record = versions.upcast(record, OLDEST, opened(Channel.LEDGER))
    assert record["trafficked_before"] == "NOT_REPORTED"
    assert record["means_of_control"] == []
    assert "hair" not in record
    assert record["person"]["full_name"] == event()["person"]["full_name"]
    assert {"received_at"} <= record.keys()
    assert "subject" in record["person"]


@pytest.mark.parametrize("channel", [Channel.PERSONAL, Channel.PSEUDONYMOUS])
def test_a_partner_sees_an_old_event_in_the_form_of_its_sdk_and_no_field_that_its_view_lacks(channel: Channel) -> None:
    codec, found = memory_codec(), lineages(OLDEST, OLD, NOW_VERSION)
    contents = []
    for version, record in ((OLDEST, old_event(OLDEST)), (NOW_VERSION, event())):
        value, key_of = on_channel(version, channel, record, codec)
        contents.append(opened_content(sealed_event(codec, value, found), key_of, found))
    old, today = contents
    assert old.keys() == today.keys()
    assert old["person"].keys() == today["person"].keys()  # type: ignore[attr-defined]
    assert ("place" in old) is (channel is Channel.PERSONAL)
    assert old["trafficked_before"] == "NOT_REPORTED"


def test_an_sdk_that_is_older_than_the_hub_reads_on_without_what_it_does_not_know() -> None:
    codec, found = memory_codec(), lineages(OLD)
    value, key_of = on_channel(NOW_VERSION, Channel.PERSONAL, event(), codec)
    content = opened_content(sealed_event(codec, value, found), key_of, found)
    assert {"means_of_control", "trafficked_before"}.isdisjoint(content)
    assert content["status"] == event()["status"]


def test_a_feed_with_an_event_type_that_the_sdk_does_not_know_is_refused() -> None:
    codec = memory_codec()
    value = codec.writer("x", hub_contract("Decision").schema).encode(_decision())
    with pytest.raises(RejectedError, match="update"):
        sealed_event(codec, value)


def _decision() -> dict[str, Any]:
    from schemas.examples import hub_example

    return {**hub_example("Decision"), "decided_at": NOW}


def test_a_record_of_the_hub_from_another_version_has_the_form_of_today() -> None:
    codec, today = memory_codec(), hub_contract("Decision")
    other = changed(today, remove("view"), add("weight", ["null", "int"], None, unit="points"))
    value = codec.writer("x", other.schema).encode({**_decision(), "weight": 3})
    record = event_of(codec, TopicName("decisions"), 0, None, value).record
    assert record.keys() == {entry["name"] for entry in today.schema["fields"]}  # type: ignore[attr-defined]
    assert record["view"] is None
    assert codec.decode(value, today).record == record


def test_a_record_that_the_hub_does_not_write_is_refused() -> None:
    codec = memory_codec()
    value = codec.writer("x", NOW_VERSION.schema).encode(event())
    with pytest.raises(UnknownSchemaError):
        event_of(codec, TopicName("decisions"), 0, None, value)


def test_upcasters_go_from_version_to_version() -> None:
    middle = changed(NOW_VERSION, rename("place", "town"))
    last = changed(middle, alter("setting", codes="other"))
    known = {
        NOW_VERSION.fingerprint: moved("place", "town"),
        middle.fingerprint: in_turn(recoded("setting", {"BORDER": "B"}), recoded("person.role", {"VICTIM": "V"})),
    }
    versions = Lineage(versions=(NOW_VERSION, middle, last), upcasters=known)
    record = event() | {"place": "Invented Town"}
    said = versions.upcast(record, NOW_VERSION, published)
    assert (said["town"], said["setting"]) == ("Invented Town", "B")
    assert "place" not in said
    assert versions.upcast({**record, "setting": "BORDER"}, last, published)["setting"] == "BORDER"


@pytest.mark.parametrize("value", [None, ERASED, {"kid": "k", "ct": b"x"}, "OTHER", ["OTHER"]])
def test_an_upcaster_leaves_alone_what_it_cannot_read_or_does_not_know(value: Any) -> None:
    change = in_turn(recoded("codes", {"A": "X"}), recoded("person.code", {"A": "X"}), moved("gone", "come"))
    record = {"codes": value, "person": {"code": value}, "persons": None}
    assert change(record) == record
    assert change({"persons": [{"code": value}]}) == {"persons": [{"code": value}]}


@given(st.lists(st.sampled_from("ABCD")))
def test_codes_that_become_one_stand_once_in_their_order(codes: list[str]) -> None:
    found = recoded("list.codes", {"A": "X", "B": "X", "C": "Y"})({"list": [{"codes": codes}]})
    merged = [{"A": "X", "B": "X", "C": "Y"}.get(code, code) for code in codes]
    assert found == {"list": [{"codes": sorted(set(merged), key=merged.index)}]}


def test_every_upcaster_steps_from_a_version_that_landed() -> None:
    for name, known in upcasters.UPCASTERS.items():
        landed = {version.fingerprint for version in lineage(name).versions[:-1]}
        assert known.keys() <= landed, name


def test_a_version_shows_nothing_of_a_record() -> None:
    decoded = Decoded(schema_id=1, fullname="f", fingerprint="p", origin="o", record=event())  # type: ignore[arg-type]
    with pytest.raises(UnknownVersionError) as caught:
        version_of(decoded, "PersonIdentified")
    assert event()["person"]["full_name"] not in str(caught.value)
    assert sealed(Channel.LEDGER)(NOW_VERSION) == derive(NOW_VERSION, Channel.LEDGER).schema
