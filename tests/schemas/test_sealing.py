"""Sealing: back to the same values with the keys, to nothing without them, and never readable in another place."""

import copy
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from schemas.catalogue import Contract, contract
from schemas.derive import Channel, derive
from schemas.errors import UnreadableSealError
from schemas.field_steps import AGENCY, persons, plan_of, without_persons
from schemas.opening import ERASED, kids_in, open_record
from schemas.privacy_classes import SEALED_CLASSES
from schemas.sealing import PAD_BYTES, DataKey, Sealing, associated_data
from schemas.shapes import inner_record, shape_of
from tests.schemas.events import change, event
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import (
    FEEDS,
    SEALED_CHANNELS,
    canaries_in,
    canary_of,
    counted,
    events,
    keys_for,
    opener,
    sealed,
    with_canaries,
)

CODEC = memory_codec()
ADDED = ("received_at", "release", "signed_by", "signed_original")
few = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])


def without_additions(found: Contract, record: dict[str, Any]) -> dict[str, Any]:
    """Return an opened *record* without what the hub adds to an event and to its persons."""
    out = copy.deepcopy({name: value for name, value in record.items() if name not in ADDED})
    for person in persons(found, out).values():
        del person["subject"]
    return out


@given(events(), st.sampled_from([Channel.LEDGER, Channel.PERSONAL]))
@few
def test_what_is_sealed_opens_to_the_same_event(case: Any, channel: Channel) -> None:
    found, record = case
    keys = keys_for(found, record)
    derived = derive(found, channel)
    value = CODEC.writer(derived.fullname, derived.schema).encode(sealed(found, channel, record, keys))
    opened = open_record(found, channel, CODEC.decode(value).record, opener(keys))
    assert without_additions(found, opened) == record


@given(events())
@few
def test_what_was_not_said_is_null_at_rest_and_the_default_again_when_opened(case: Any) -> None:
    found, record = case
    keys = keys_for(found, record)
    at_rest = sealed(found, Channel.LEDGER, record, keys)
    opened = open_record(found, Channel.LEDGER, at_rest, opener(keys, gone=AGENCY))
    for step in plan_of(found, Channel.LEDGER).steps:
        if step.kind == "seal" and step.default is not None:
            said = record[step.name] != step.default
            assert (at_rest[step.name] is not None) == said, step.name
            assert said or opened[step.name] == step.default, step.name


@given(events(), st.sampled_from(SEALED_CHANNELS))
@few
def test_no_text_of_a_sealed_class_is_in_the_bytes(case: Any, channel: Channel) -> None:
    found, record = case
    record = with_canaries(found, record)
    derived = derive(found, channel)
    value = CODEC.writer(derived.fullname, derived.schema).encode(
        sealed(found, channel, record, keys_for(found, record))
    )
    clear = {canary for canary in canaries_in(record) if canary.encode() in value}
    assert clear == clear & canaries_in_clear_classes(found, record)


def canaries_in_clear_classes(found: Contract, record: dict[str, Any]) -> set[str]:
    """Return the canaries of the fields that may travel in clear."""
    allowed: set[str] = set()

    def walk(shape: Any, value: Any, legal_form: str | None) -> None:
        for entry in shape.fields:
            item, kind = value[entry.name], entry.privacy["class"]
            inner = inner_record(entry.shape)
            if kind == "CONTAINER":
                for each in item if isinstance(item, list) else [] if item is None else [item]:
                    walk(inner, each, each.get("legal_form"))
            elif kind not in SEALED_CLASSES and (kind != "ENTITY" or legal_form == "LEGAL_PERSON"):
                allowed.update(canaries_in(item))

    walk(shape_of(found), record, None)
    return allowed


SHORT = [("YES", "NO"), ("NOT_REPORTED", "SUPPRESSED"), ("WOMAN", "GIRL"), ("MAN", "BOY"), ([], ["SRB"])]


@pytest.mark.parametrize("pair", SHORT, ids=str)
def test_answers_that_differ_are_equally_long_at_rest(pair: tuple[object, object]) -> None:
    key = DataKey("k", "s", b"k" * 32)  # type: ignore[arg-type]
    lengths = {len(sealing(counted()).seal("f", value, [key])["ct"]) for value in pair}  # type: ignore[arg-type]
    assert lengths == {12 + PAD_BYTES + 16}


def sealing(nonce: Callable[[], bytes]) -> Sealing:
    return Sealing(event_id="e", schema="s", keys={}, nonce=nonce)


def seals_of(record: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Return every sealed field of *record* with its path."""
    if isinstance(record, dict):
        if record.keys() == {"kid", "ct"}:
            return [(path, record)]
        return [found for name, inner in record.items() for found in seals_of(inner, f"{path}.{name}".lstrip("."))]
    if isinstance(record, list):
        return [found for i, inner in enumerate(record) for found in seals_of(inner, f"{path}[{i}]")]
    return []


@given(events(), st.sampled_from(SEALED_CHANNELS), st.data())
@few
def test_a_seal_opens_nowhere_else_and_not_when_altered(case: Any, channel: Channel, data: st.DataObject) -> None:
    found, record = case
    keys = keys_for(found, record)
    good = sealed(found, channel, record, keys)
    broken = copy.deepcopy(good)
    fields = seals_of(broken)
    _path, field = data.draw(st.sampled_from(fields))
    how = data.draw(st.sampled_from(["event", "field", "bit", "cut", "schema"]))
    if how == "event":
        broken["envelope"]["event_id"] = "00000000-0000-4000-8000-000000000000"
    elif how == "field":
        _other, source = data.draw(st.sampled_from(fields))
        assume(source["ct"] != field["ct"])
        field["ct"], field["kid"] = source["ct"], source["kid"]
    elif how == "bit":
        at = data.draw(st.integers(0, len(field["ct"]) * 8 - 1))
        field["ct"] = (int.from_bytes(field["ct"]) ^ (1 << at)).to_bytes(len(field["ct"]))
    elif how == "cut":
        field["ct"] = field["ct"][: data.draw(st.integers(0, len(field["ct"]) - 1))]
    else:
        other = Channel.LEDGER if channel is not Channel.LEDGER else Channel.PERSONAL
        source = dict(seals_of(sealed(found, other, record, keys)))[_path]
        field["ct"], field["kid"] = source["ct"], source["kid"]
    with pytest.raises(UnreadableSealError) as caught:
        open_record(found, channel, broken, opener(keys))
    assert caught.value.__cause__ is None
    assert open_record(found, channel, good, opener(keys))


def test_a_seal_does_not_open_under_the_key_of_another_person() -> None:
    found, record = contract("InvestigationOpened"), investigation(2)
    keys = keys_for(found, record)
    broken = sealed(found, Channel.LEDGER, record, keys)
    broken["suspects"][0], broken["suspects"][1] = broken["suspects"][1], broken["suspects"][0]
    with pytest.raises(UnreadableSealError):
        open_record(found, Channel.LEDGER, broken, opener(keys))
    stolen = sealed(found, Channel.LEDGER, record, keys)
    stolen["suspects"][0]["full_name"]["kid"] = keys["suspects[1]"].kid
    with pytest.raises(UnreadableSealError):
        open_record(found, Channel.LEDGER, stolen, opener(keys))


def investigation(suspects: int, victims: int = 1) -> dict[str, Any]:
    """Return an investigation with so many persons, each with a name of their own, and a narrative about all."""
    record = change("InvestigationOpened", {})
    for name, count in (("suspects", suspects), ("victims", victims)):
        first = record[name][0] if record[name] else copy.deepcopy(event("PersonIdentified")["person"])
        record[name] = [
            {**copy.deepcopy(first), "person_ref": f"{name}-{i}", "full_name": f"{name} {i}"} for i in range(count)
        ]
    record["narrative"] = "what happened to all of them"
    return record


@given(events(), st.sampled_from(SEALED_CHANNELS), st.data())
@few
def test_a_destroyed_key_erases_that_persons_fields_and_no_others(
    case: Any, channel: Channel, data: st.DataObject
) -> None:
    found, record = case
    keys = keys_for(found, record)
    gone = data.draw(st.sampled_from(sorted(keys)))
    value = sealed(found, channel, record, keys)
    whole = open_record(found, channel, value, opener(keys))
    left = open_record(found, channel, value, opener(keys, gone=gone))
    assert kept(whole, left, value, keys[gone].kid)


def kept(whole: Any, left: Any, value: Any, kid: str) -> bool:
    """Whether *left* is *whole* but for the fields under the key *kid* (or texts about several, that person too)."""
    if left is ERASED:
        assert value["kid"] == kid or len(value["ct"]) > 12 + PAD_BYTES + 16
        return True
    if isinstance(value, dict) and value.keys() == {"kid", "ct"}:
        assert value["kid"] != kid
        return bool(left == whole)
    if isinstance(value, dict):
        return all(kept(whole[name], left[name], inner, kid) for name, inner in value.items())
    if isinstance(value, list):
        return all(kept(*three, kid) for three in zip(whole, left, value, strict=True))
    return bool(left == whole)


@pytest.mark.parametrize("channel", [Channel.LEDGER, Channel.PERSONAL])
def test_each_person_is_under_a_key_of_their_own_and_a_narrative_under_all(channel: Channel) -> None:
    found, record = contract("InvestigationOpened"), investigation(3, 2)
    keys = keys_for(found, record)
    value = sealed(found, channel, record, keys)
    assert {person["full_name"]["kid"] for person in value["suspects"]} == {f"k-suspects[{i}]" for i in range(3)}
    assert open_record(found, channel, value, opener(keys))["narrative"] == record["narrative"]
    for gone in set(keys) - {AGENCY}:
        left = open_record(found, channel, value, opener(keys, gone=gone))
        assert left["narrative"] is ERASED
        names = [person["full_name"] for person in left["suspects"] + left["victims"]]
        assert names.count(ERASED) == 1
    left = open_record(found, channel, value, opener(keys, gone=AGENCY))
    assert left["narrative"] == record["narrative"]
    assert left["envelope"]["officer_ref"] is ERASED


def test_a_narrative_about_many_grows_with_their_number_and_not_with_its_power() -> None:
    found = contract("InvestigationOpened")
    sizes = []
    for count in (50, 100, 200):
        record = investigation(count, count)
        keys = keys_for(found, record)
        value = sealed(found, Channel.LEDGER, record, keys)
        sizes.append(len(value["narrative"]["ct"]))
        assert open_record(found, Channel.LEDGER, value, opener(keys))["narrative"] == record["narrative"]
    assert sizes[2] < 3 * sizes[1] < 9 * sizes[0] < 9 * 40_000


def control(legal_form: str) -> dict[str, Any]:
    record = change("ControlFinding", {"establishment.legal_form": legal_form})
    record["establishment"]["proprietor"] = copy.deepcopy(event("PersonIdentified")["person"]) | {"role": "SUSPECT"}
    record["establishment"]["name"] = canary_of("name")
    return record


@pytest.mark.parametrize("channel", SEALED_CHANNELS)
@pytest.mark.parametrize(("legal_form", "clear"), [("LEGAL_PERSON", True), ("SOLE_TRADER", False), ("UNKNOWN", False)])
def test_a_legal_persons_name_is_in_clear_and_everybody_elses_sealed(
    legal_form: str, clear: bool, channel: Channel
) -> None:
    found, record = contract("ControlFinding"), control(legal_form)
    keys = keys_for(found, record)
    name = sealed(found, channel, record, keys)["establishment"]["name"]
    assert (name == canary_of("name")) is clear
    if not clear and channel in (Channel.LEDGER, Channel.PERSONAL):
        assert name["kid"] == keys["establishment.proprietor"].kid
    elif not clear:
        assert name is None  # a sole trader is a person: no name where persons have none


def test_a_company_of_a_restricted_person_has_no_name_where_persons_have_none() -> None:
    found, record = contract("ControlFinding"), control("LEGAL_PERSON")
    record["establishment"]["proprietor"]["restricted"] = "YES"
    establishment = sealed(found, Channel.PSEUDONYMOUS, record, keys_for(found, record))["establishment"]
    assert [establishment[name] for name in ("name", "registration_no", "address")] == [None] * 3


@pytest.mark.parametrize("legal_form", [None, "", "legal_person", "NEW_FORM"])
def test_a_legal_form_that_is_not_known_counts_as_a_person(legal_form: str | None) -> None:
    found, record = contract("ControlFinding"), control("UNKNOWN")
    record["establishment"]["legal_form"] = legal_form
    name = sealed(found, Channel.LEDGER, record, keys_for(found, record))["establishment"]["name"]
    assert name.keys() == {"kid", "ct"}


def test_an_establishment_without_a_known_proprietor_is_under_the_agencys_key() -> None:
    found, record = contract("ControlFinding"), control("UNKNOWN")
    record["establishment"]["proprietor"] = None
    keys = keys_for(found, record)
    value = sealed(found, Channel.LEDGER, record, keys)
    assert value["establishment"]["name"]["kid"] == keys[AGENCY].kid
    assert open_record(found, Channel.LEDGER, value, opener(keys))["establishment"]["name"] == canary_of("name")


def test_persons_who_are_left_out_leave_nothing_behind() -> None:
    found, record = contract("InvestigationOpened"), investigation(3, 2)
    everyone = {"SUSPECT", "ACCUSED", "CONVICTED", "PRESUMED_VICTIM", "VICTIM", "WITNESS"}
    left = without_persons(found, record, {"suspects[0]", "suspects[2]", "victims[1]"}, {"SUSPECT", "VICTIM"})
    assert [person["full_name"] for person in left["suspects"] + left["victims"]] == ["suspects 1", "victims 0"]
    assert left["narrative"] is None
    assert without_persons(found, record, (), everyone) == record
    assert len(record["suspects"]) == 3
    keys = keys_for(found, left)
    opened = open_record(found, Channel.PERSONAL, sealed(found, Channel.PERSONAL, left, keys), opener(keys))
    assert without_additions(found, opened) == left


def test_a_text_that_may_name_a_victim_goes_even_when_no_victim_is_listed() -> None:
    found, record = contract("InvestigationOpened"), investigation(1, 0)
    assert without_persons(found, record, (), {"SUSPECT", "ACCUSED", "CONVICTED"})["narrative"] is None


@given(events())
@few
def test_the_ids_of_all_keys_that_a_record_needs_are_found(case: Any) -> None:
    found, record = case
    value = sealed(found, Channel.LEDGER, record, keys_for(found, record))
    assert kids_in(value) == {field["kid"] for _, field in seals_of(value)}


@pytest.mark.parametrize("channel", SEALED_CHANNELS)
@given(events())
@few
def test_naming_the_branches_gives_the_same_bytes(channel: Channel, case: Any) -> None:
    found, record = case
    keys = keys_for(found, record)
    writer = memory_codec().writer("any", derive(found, channel).schema)
    plain, for_wire = (sealed(found, channel, record, keys, wire=wire) for wire in (False, True))
    assert writer.encode(for_wire) == writer.encode(plain)


def test_three_lines_of_any_language_open_a_field() -> None:
    found, record = contract("PersonIdentified"), event("PersonIdentified")
    keys = keys_for(found, record)
    feed = sealed(found, Channel.PERSONAL, record, keys)
    field, secret = feed["person"]["full_name"], keys["person"].secret
    schema, subject = "hub.feed.personal.v1.PersonIdentified", feed["person"]["subject"]
    place = f"{feed['envelope']['event_id']}|{schema}|person.full_name|{subject}|{field['kid']}"
    plain = AESGCM(secret).decrypt(field["ct"][:12], field["ct"][12:], place.encode())
    assert orjson.loads(plain) == record["person"]["full_name"]


def test_associated_data_is_as_the_design_writes_it() -> None:
    assert associated_data("e", "s", "f", "p", "k") == b"e|s|f|p|k"


def test_keys_and_what_stands_for_erased_show_no_secret() -> None:
    assert repr(DataKey("kid", "sub", b"secret")) == "DataKey(kid='kid', subject='sub')"  # type: ignore[arg-type]
    assert repr(ERASED) == "ERASED"
    assert not re.search("secret", str(sealing(counted())))


@pytest.mark.parametrize("channel", FEEDS)
def test_what_the_hub_adds_is_kept(channel: Channel) -> None:
    found, record = contract("PersonIdentified"), event("PersonIdentified")
    keys = keys_for(found, record)
    opened = open_record(found, channel, sealed(found, channel, record, keys), opener(keys))
    assert opened["release"]["partner"] == "europol"
    assert opened["person"]["subject"] == "subject-person"
