"""The compiler for non-personal channels: a whitelist, exact schemas, rows that tell nothing which no rule names."""

import copy
import io
import json
import os
import subprocess
import sys
from typing import Any

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import contract, contracts
from schemas.channel_rules import (
    NonPersonal,
    UnfitRuleError,
    field_at,
    kinds,
    problems_of,
    publishable,
    rules_file,
)
from schemas.channel_table import CHANNELS, carried
from schemas.codec import parse
from schemas.compiler import PADDING, Compiled, K, compile_for, compiled_or_none, issued
from schemas.egress import Egress, NotIssuedError
from schemas.generalising import ladder
from schemas.privacy_rules import NEVER_LEAVES
from schemas.shapes import shape_of, walk
from tests.publishing import invented
from tests.schemas.registries import memory_codec
from tests.schemas.rows import encoded_rows
from tests.schemas.sealed import events

few = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
ISSUED = {f"{each.channel} {each.contract.name}": each for each in issued()}


def rows_of(compiled: Compiled, event: dict[str, Any]) -> tuple[object, ...]:
    """Return the rows of *event* as who reads the channel reads them."""
    schema = parse(compiled.schema)
    return tuple(fastavro.schemaless_reader(io.BytesIO(row), schema, None) for row in encoded_rows(compiled, event))


@pytest.mark.parametrize("name", ISSUED)
def test_no_issued_schema_can_express_what_never_leaves(name: str) -> None:
    compiled = ISSUED[name]
    fields = compiled.schema["fields"]
    assert isinstance(fields, list)
    assert [field for field in fields if field == PADDING] == ([PADDING] if compiled.channel.kind == "anon" else [])
    for field in (each for each in fields if each != PADDING):
        assert field["privacy"]["class"] not in NEVER_LEAVES
        assert field["type"][0] == "null"
        assert field["default"] is None
        allowed = ("string", {"type": "array", "items": "string"})
        assert compiled.channel.kind == "facts" or field["type"][1] in allowed
        for path in field["from"]:
            source = field_at(shape_of(compiled.contract), path)
            assert source is not None
            assert source.privacy["class"] not in NEVER_LEAVES
            if compiled.channel.kind == "facts":
                assert source.privacy["class"] in {"OPERATIONAL", "PUBLIC"}
            own = field["privacy"].get("ladder")
            if own in {"stay", "sentence"}:
                assert field["privacy"]["level"] in ladder(own).levels[:-1], "bands of the rule, see schemas/banding.py"
            elif "ladder" in source.privacy:
                steps = ladder(source.privacy["ladder"])
                level = field["privacy"]["level"]
                assert steps.is_as_coarse(max(level, source.privacy["minimum"], key=steps.levels.index), level)


@pytest.mark.parametrize(
    ("event_type", "path"),
    [
        (each.name, path.replace("[].", "[]."))
        for each in contracts()
        for path, _, field in walk(shape_of(each))
        if field.privacy.get("class") in NEVER_LEAVES
    ],
)
def test_of_no_field_that_names_or_reaches_somebody_a_column_can_be_made(event_type: str, path: str) -> None:
    field = field_at(shape_of(contract(event_type)), path)
    assert field is not None
    for level in (None, "*", "value"):
        with pytest.raises(UnfitRuleError, match="never-leaves"):
            publishable(path, field, level)


@given(events())
@few
def test_only_what_a_rule_names_changes_a_row(case: Any) -> None:
    found, event = case
    for channel in NonPersonal:
        if (compiled := compiled_or_none(found, channel)) is None:
            continue
        named = {source.path for column in compiled.columns for source in column.sources}
        conditions = {*compiled.kind.only, *compiled.kind.person_counts, *compiled.kind.counted_in}
        conditions |= {"envelope.occurred_at"} | ({compiled.kind.published_in} if compiled.kind.published_in else set())
        twin = copy.deepcopy(event)
        for path, _, field in walk(shape_of(found)):
            plain = path.removesuffix("[]")
            if plain not in named | conditions and field.nullable and field.privacy.get("class") != "CONTAINER":
                blank(twin, plain)
        assert rows_of(compiled, twin) == rows_of(compiled, event)


def blank(event: Any, path: str) -> None:
    """Make the nullable field at *path* of *event* absent wherever it is."""
    name, _, rest = path.partition(".")
    name = name.removesuffix("[]")
    if isinstance(event, list):
        for one in event:
            blank(one, path)
    elif isinstance(event, dict) and name in event:
        if rest:
            for one in event[name] if isinstance(event[name], list) else [event[name]]:
                blank(one, rest)
        else:
            event[name] = None


@given(events())
@few
def test_every_row_has_the_columns_of_its_schema_and_codes_of_its_step(case: Any) -> None:
    found, event = case
    for channel in NonPersonal:
        if (compiled := compiled_or_none(found, channel)) is None:
            continue
        for row in rows_of(compiled, event):
            assert [name for name in row if name != "padding"] == [column.name for column in compiled.columns]
            for column in compiled.columns:
                level, privacy = column.sources[0].level, column.sources[0].field.privacy
                if level is None or privacy["ladder"] in ("all-or-nothing", "date"):
                    continue
                steps = ladder(str(privacy["ladder"]))
                for code in row[column.name] if isinstance(row[column.name], list) else [row[column.name]]:
                    assert code is None or steps.generalise(code, level) == code, "no finer than the rule says"


@given(events())
@few
def test_the_public_gets_a_part_of_what_partners_get_and_never_finer(case: Any) -> None:
    found, event = case
    for kind in ("anon", "facts"):
        wide, narrow = (compiled_or_none(found, NonPersonal(f"{kind}.{tier}")) for tier in ("partner", "open"))
        if wide is None or narrow is None:
            continue
        pairs = zip(wide.transform(event), narrow.transform(event), strict=True)
        assert all(row.items() <= whole.items() or {**whole, **row} == whole for whole, row in pairs)


def test_a_value_that_no_list_knows_is_not_reported_and_never_passed_on() -> None:
    event = invented("PersonIdentified", "rs-police")
    token = "Canary-5c01"
    event |= {"status": token, "setting": token, "exploitation_forms": [token], "country_of_exploitation": token}
    event["person"] |= {"group": token, "citizenships": [token], "age_band": token, "date_of_birth": None}
    (row,) = compile_for(contract("PersonIdentified"), NonPersonal.ANON_PARTNER).transform(event)
    assert token not in json.dumps(row)
    assert row["status"] is row["setting"] is row["group"] is row["age"] is row["citizenship"] is None


def test_of_several_citizenships_the_finest_step_on_which_they_are_one_leaves() -> None:
    compiled = compile_for(contract("PersonIdentified"), NonPersonal.ANON_PARTNER)
    event = invented("PersonIdentified", "rs-police")
    steps = ladder("country")

    def of(*countries: str) -> object:
        event["person"] |= {"citizenships": list(countries), "citizenship_region": None}
        return compiled.transform(event)[0]["citizenship"]

    assert of("SRB") == "SRB"
    assert of("SRB", "SRB") == "SRB"
    assert of("SRB", "ALB") == steps.generalise("SRB", "M49 sub-region")
    assert of("SRB", "NGA") is None
    assert of() is None


def test_a_row_is_about_one_person_and_there_is_one_for_each() -> None:
    compiled = compile_for(contract("InvestigationOpened"), NonPersonal.ANON_PARTNER)
    event = invented("InvestigationOpened", "rs-police")
    first = event["suspects"][0]
    event["suspects"] = [{**first, "group": group} for group in ("MAN", "WOMAN", "BOY")]
    assert [row["group"] for row in compiled.transform(event)] == ["MAN", "WOMAN", "BOY"]
    assert compiled.transform({**event, "suspects": []}) == ()


@given(st.integers(0, 2 * K), st.booleans())
def test_a_small_count_of_persons_leaves_only_when_it_is_published_elsewhere(count: int, published: bool) -> None:
    compiled = compile_for(contract("IndicatorReturned"), NonPersonal.FACTS_OPEN)
    event = invented("IndicatorReturned", "rs-secretariat")
    event |= {"unit": "COUNT", "value": float(count), "numerator": None, "denominator": None}
    event["published_in"] = "Invented gazette 3" if published else None
    assert bool(compiled.transform(event)) == (published or count == 0 or count >= K)


def test_a_licence_of_a_sole_trader_does_not_leave() -> None:
    compiled = compile_for(contract("LicenceDecided"), NonPersonal.FACTS_PARTNER)
    event = invented("LicenceDecided", "rs-labour-inspectorate")
    event["establishment"]["legal_form"] = "LEGAL_PERSON"
    assert len(compiled.transform(event)) == 1
    event["establishment"]["legal_form"] = "SOLE_TRADER"
    assert compiled.transform(event) == ()


def test_what_is_issued_is_the_same_in_every_process() -> None:
    code = "from schemas.compiler import issued; print([(e.channel, e.fullname, e.fingerprint) for e in issued()])"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{[(e.channel, e.fullname, e.fingerprint) for e in issued()]}\n"}


def _rule(**changes: Any) -> list[str]:
    source = rules_file("anon")
    kind = source["kinds"]["PersonIdentified"]
    kind["columns"]["group"] |= changes
    return [problem.rule for problem in problems_of("anon", source)]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"from": ["person.full_name"]}, "never-leaves"),
        ({"from": ["person.contacts"]}, "never-leaves"),
        ({"from": ["person.person_ref"]}, "never-leaves"),
        ({"from": ["narrative"]}, "never-leaves"),
        ({"from": ["no.such.field"]}, "unknown-field"),
        ({"from": ["person.date_of_birth"], "level": "year"}, "unknown-level"),
        ({"from": ["exploitation_forms"], "level": "14 forms"}, "too-fine"),
        ({"from": ["envelope.event_id"]}, "linkable"),
        ({"from": ["envelope.recorded_at"]}, "linkable"),
        ({"tiers": ["open"]}, "wrong-tiers"),
        ({"tiers": ["partner", "everybody"]}, "wrong-tiers"),
        ({"from": ["place"], "level": "municipality"}, "held-back"),
    ],
)
def test_a_rule_that_may_not_stand_is_named(changes: dict[str, Any], rule: str) -> None:
    assert rule in _rule(**changes)


def test_all_that_is_wrong_with_rules_comes_at_once() -> None:
    source = rules_file("anon")
    source["kinds"]["NoSuchEvent"] = {"columns": {}}
    source["kinds"]["SuspectArrested"]["columns"]["name"] = {"from": ["person.full_name"], "tiers": ["partner"]}
    source["kinds"]["ProsecutionOpened"]["columns"]["other"] = {"from": ["victims[].group"], "tiers": ["open"]}
    found = {problem.rule for problem in problems_of("anon", source)}
    assert {"unknown-event-type", "never-leaves", "another-person", "wrong-tiers", "missing-level"} <= found


def test_a_fact_may_not_tell_of_a_person() -> None:
    source = rules_file("facts")
    columns = source["kinds"]["ControlCampaign"]["columns"]
    columns["victims"] = {"from": ["women_victims_found"], "tiers": ["partner"]}
    source["kinds"]["ControlFinding"] = {"persons": "victims[]", "columns": {}}
    found = {problem.rule for problem in problems_of("facts", source)}
    assert {"personal-fact", "person-in-facts"} <= found


def test_egress_takes_what_was_issued_for_the_channel_and_stops_at_everything_else() -> None:
    codec, channel = memory_codec(), NonPersonal.ANON_OPEN
    compiled = compile_for(contract("PersonIdentified"), channel)
    egress = Egress(codec)
    rows = compiled.transform(invented("PersonIdentified", "rs-police"))
    (value,) = egress.encode(channel, compiled.schema, rows)
    decoded = codec.decode(value).record
    assert not decoded.pop("padding").strip(b"\0"), "padding says nothing"
    assert decoded == rows[0]
    wider = copy.deepcopy(compiled.schema)
    wider["fields"].append({"name": "full_name", "type": ["null", "string"], "default": None})  # type: ignore[union-attr]
    for_partners = compile_for(contract("PersonIdentified"), NonPersonal.ANON_PARTNER)
    for schema in (wider, contract("PersonIdentified").schema, for_partners.schema):
        with pytest.raises(NotIssuedError, match="compiler has not issued"):
            egress.encode(channel, schema, rows)
    with pytest.raises(NotIssuedError, match="other columns"):
        egress.encode(channel, compiled.schema, [{**rows[0], "full_name": "Invented"}])


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_field_of_every_event_type_leaves_or_says_why_not(channel: str) -> None:
    for each in contracts():
        found = carried(each, channel)
        assert {side.path for side in found.sides} == {
            path.removesuffix("[]") if not path.endswith("[]") else path[:-2]
            for path, _, field in walk(shape_of(each))
            if field.privacy["class"] != "CONTAINER" and not _within_unit(each.name, path)
        }
        assert all(side.form for side in found.sides)
        assert (found.fullname is None) == (not any(side.becomes for side in found.sides))


def _within_unit(event_type: str, path: str) -> bool:
    """Whether a field above *path* is sealed as a whole."""
    root, names = shape_of(contract(event_type)), path.split(".")
    above = (field_at(root, ".".join(names[:number])) for number in range(1, len(names)))
    return any(field is not None and field.privacy["class"] != "CONTAINER" for field in above)


def test_the_kinds_of_rules_are_those_of_the_populations_and_of_facts() -> None:
    from infra.topology.model import load_topology

    populations = {name for population in load_topology().populations for name in population.event_types}
    assert set(kinds("anon")) == populations
    assert set(kinds("facts")) == {"ControlCampaign", "LicenceDecided", "IndicatorReturned", "SurveyReturned"}
