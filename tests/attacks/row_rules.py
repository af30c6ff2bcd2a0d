"""What must hold of rows that leave on non-personal channels, for any build of the modules that make them."""

import copy
import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from schemas.catalogue import contract
from schemas.channel_rules import Column, NonPersonal, field_at, kinds, publishable, rules_file
from schemas.codec import Codec, Writer
from schemas.compiler import compile_for
from schemas.registry import AvroSchema
from schemas.shapes import shape_of
from tests.publishing import invented
from tests.schemas.registries import memory_codec

TOKEN = "Canary-77"


def rules_hold(module: ModuleType) -> None:
    """Fail unless every rule that may not stand is found, and those that stand have nothing against them."""
    for kind in ("anon", "facts"):
        assert module.problems_of(kind, rules_file(kind)) == ()
        assert set(module.kinds(kind)) == set(kinds(kind))
    for kind, source, rule in _wrong_rules():
        found = module.problems_of(kind, source)
        assert rule in {problem.rule for problem in found}, rule
        assert all(problem.path.partition(": ")[0] in source["kinds"] for problem in found)
        assert all(problem.path.partition(": ")[2] or problem.rule == "unknown-event-type" for problem in found)
    root = shape_of(contract("PersonIdentified"))
    for path, level in (("person.full_name", None), ("person.contacts", None), ("narrative", None)):
        _raises(module.UnfitRuleError, module.publishable, path, field_at(root, path), level)
    born = field_at(root, "person.date_of_birth")
    assert module.publishable("person.date_of_birth", born, "5 years").level == "5 years"
    citizenship = module.kinds("anon")["PersonIdentified"].columns[2]
    assert [source.level for source in citizenship.sources] == ["country", "M49 sub-region"]
    assert [source.level for source in module.kinds("anon")["ReferralClosed"].columns[2].sources] == ["M49 sub-region"]
    assert field_at(root, "person.nobody.group") is module.field_at(root, "person.nobody.group") is None
    assert module.field_at(root, "person.group").name == "group"


def _wrong_rules() -> Iterator[tuple[str, dict[str, Any], str]]:
    changes: list[tuple[dict[str, Any], str]] = [
        ({"from": ["person.full_name"]}, "never-leaves"),
        ({"from": ["person.group", "person.full_name"]}, "never-leaves"),
        ({"from": ["envelope.case_ref"]}, "never-leaves"),
        ({"from": ["no_such"]}, "unknown-field"),
        ({"from": ["person.group", "person.no_such"]}, "unknown-field"),
        ({"from": ["exploitation_forms"], "level": "14 forms"}, "too-fine"),
        ({"from": ["person.citizenship_region"], "level": "country"}, "too-fine"),
        ({"from": ["person.group"], "level": "year"}, "unknown-level"),
        ({"from": ["person.group", "person.date_of_birth"]}, "several-ladders"),
        ({"from": ["identified_by"]}, "needless-level"),
        ({"from": ["entry_date"], "level": "month", "bands": "stays"}, "unknown-bands"),
        ({"from": ["entry_date"], "level": "bands of months", "bands": "sentence"}, "unfit-bands"),
        ({"from": ["entry_date"], "level": "5 years", "bands": "age"}, "unfit-bands"),
        ({"from": ["person.full_name"], "level": "bands of days", "bands": "stay"}, "never-leaves"),
        ({"from": ["entry_date"], "level": "*", "bands": "stay"}, "says-nothing"),
        ({"from": ["entry_date"], "bands": "stay"}, "unknown-level"),
        ({"from": ["no_such"], "bands": "stay"}, "unknown-field"),
        ({"tiers": ["open"]}, "wrong-tiers"),
        ({"tiers": ["partner", "all"]}, "wrong-tiers"),
    ]
    for change, rule in changes:
        source = rules_file("anon")
        source["kinds"]["PersonIdentified"]["columns"]["group"] |= change
        yield "anon", source, rule
    for persons in (None, "no_such", "envelope"):
        source = rules_file("anon")
        source["kinds"]["PersonIdentified"] |= {"persons": persons} if persons else {}
        if persons is None:
            del source["kinds"]["PersonIdentified"]["persons"]
        yield "anon", source, "no-persons"
    source = rules_file("anon")
    source["kinds"]["NoSuchEvent"] = {"columns": {}}
    yield "anon", source, "unknown-event-type"
    source = rules_file("anon")
    column = {"from": ["victims[].group"], "level": "minor or adult", "tiers": ["partner"]}
    source["kinds"]["InvestigationOpened"]["columns"]["other"] = column
    yield "anon", source, "another-person"
    source = rules_file("facts")
    source["kinds"]["ControlFinding"] = {"persons": "victims[]", "columns": {}}
    yield "facts", source, "person-in-facts"
    source = rules_file("facts")
    source["kinds"]["ControlCampaign"]["columns"]["victims"] = {"from": ["women_victims_found"], "tiers": ["partner"]}
    yield "facts", source, "personal-fact"
    source = rules_file("facts")
    source["kinds"]["ControlCampaign"]["columns"]["more"] = {"from": ["no_such"], "tiers": ["partner"]}
    yield "facts", source, "unknown-field"
    conditions: list[tuple[dict[str, Any], str]] = [
        ({"only": {"no_such": "X"}}, "unknown-field"),
        ({"person_counts": ["no_such"]}, "unknown-field"),
        ({"counted_in": {"no_such": "X"}}, "unknown-field"),
        ({"published_in": "no_such"}, "unknown-field"),
        ({"only": {"decision": "X"}}, "personal-condition"),
    ]
    for condition, rule in conditions:
        source = rules_file("facts")
        source["kinds"]["LicenceDecided"] |= condition
        yield "facts", source, rule


def bands_hold(module: ModuleType) -> None:
    """Fail unless only days since a date and months are put in bands, and none finer than the date may leave."""
    _levels_hold(module)
    root = shape_of(contract("PersonIdentified"))
    fields = {name: field_at(root, name) for name in ("entry_date", "person.date_of_birth", "status")}
    fields["sentence_months"] = field_at(shape_of(contract("VerdictDelivered")), "sentence_months")
    stay = {"bands": "stay"}

    def found(said: dict[str, Any], name: str, **privacy: str) -> set[str]:
        field = fields[name]
        assert field is not None
        if privacy:
            own = {**field.attributes, "privacy": {**field.privacy, **privacy}}
            field = dataclasses.replace(field, attributes=own)
        columns = {"column": {"from": [name, "no such"], **said}}
        return {f"{each.path} {each.rule}" for each in module.problems_of_bands(columns, {name: field}.get)}

    assert found(stay, "entry_date") == found({"bands": "sentence"}, "sentence_months") == found({}, "status") == set()
    assert found({"bands": "no such"}, "entry_date") == {"column unknown-bands"}
    for said, name in ((stay, "status"), (stay, "sentence_months"), ({"bands": "age"}, "entry_date")):
        assert found(said, name) == {f"{name} unfit-bands"}
    for minimum, narrow in (("day", False), ("week", False), ("month", False), ("quarter", True), ("*", True)):
        assert bool(found(stay, "entry_date", minimum=minimum)) == narrow, minimum
    entry = fields["entry_date"]
    assert entry is not None
    assert module.banded(entry, {}) == module.banded(entry, {"bands": "no such"}) == entry
    assert module.banded(entry, {}).privacy == entry.privacy
    put = module.banded(entry, stay).privacy
    assert (put["class"], put["ladder"], put["minimum"]) == (entry.privacy["class"], "stay", "bands of days")


def _levels_hold(module: ModuleType) -> None:
    """Fail unless a field leaves on the level of its rule, and a stand-in no finer than it may."""
    root = shape_of(contract("PersonIdentified"))
    region, entry, status = (field_at(root, each) for each in ("person.citizenship_region", "entry_date", "status"))
    said = {"level": "country"}
    assert module.level_of(region, said, 1) == "M49 sub-region"
    assert module.level_of(region, said, 0) == "country"
    assert module.level_of(region, {"level": "no such"}, 1) == "no such"
    assert module.level_of(status, {}, 0) is module.level_of(status, said, 1) is None
    assert module.level_of(entry, {"level": "half years", "bands": "stay"}, 1) == "half years"


def egress_holds(module: ModuleType) -> None:
    """Fail unless the egress stops at every schema that was not issued for its channel, and at every other column."""
    channel = NonPersonal.ANON_OPEN
    compiled = compile_for(contract("PersonIdentified"), channel)
    rows = compiled.transform(invented("PersonIdentified", "rs-police"))
    codec = _Noting(memory_codec().registry)
    egress = module.Egress(codec)
    for _ in range(2):
        sent = egress.encode(channel, compiled.schema, rows)
        decoded = [codec.decode(value).record for value in sent]
        assert [each.pop("padding").strip(b"\0") for each in decoded] == [b""] * len(rows)
        assert decoded == list(rows)
    every = [dict.fromkeys(rows[0], "X" * length) for length in range(1, 60)]
    flat = [{**each, "exploitation_forms": ["X"]} for each in every]
    for value in egress.encode(channel, compiled.schema, flat):
        assert len(value) % module.BUCKET_BYTES == 0, "one row is as long as the next"
    assert len({len(value) for value in egress.encode(channel, compiled.schema, flat[:5])}) == 1
    wider: Any = copy.deepcopy(compiled.schema)
    wider["fields"].append({"name": "full_name", "type": ["null", "string"], "default": None})
    for schema in (wider, compile_for(contract("PersonIdentified"), NonPersonal.ANON_PARTNER).schema):
        told = _raises(module.NotIssuedError, egress.encode, channel, schema, [])
        assert channel in told
        assert f"{schema['namespace']}.{schema['name']}" in told
    for row in ({**rows[0], "full_name": TOKEN}, dict.fromkeys(list(rows[0])[1:])):
        told = _raises(module.NotIssuedError, egress.encode, channel, compiled.schema, [row])
        assert compiled.fullname in told
        assert TOKEN not in told
    codec.subjects.clear()
    module.Egress(codec).encode(channel, compiled.schema, rows)
    assert codec.subjects == [f"anon.open-{compiled.fullname}"]


class _Noting(Codec):
    """Notes under which subjects writers were asked for."""

    def __init__(self, registry: Any) -> None:
        super().__init__(registry)
        self.subjects: list[str] = []

    def writer(self, subject: str, schema: AvroSchema) -> Writer:
        """Note *subject* and do as every codec does."""
        self.subjects.append(subject)
        return super().writer(subject, schema)


def columns_hold(module: ModuleType) -> None:
    """Fail unless a column says what its rule says: a step, never a value that no list knows."""
    kind = kinds("anon")["PersonIdentified"]
    reads = {column.name: module.value_of(column, kind.persons) for column in kind.columns}

    def row(event: dict[str, Any]) -> dict[str, Any]:
        return {name: read(event, event["person"]) for name, read in reads.items()}

    event = invented("PersonIdentified", "rs-police")
    event["envelope"]["occurred_at"] = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
    event |= {"exploitation_forms": ["SEXUAL", "SEXUAL"], "setting": "BORDER", "country_of_exploitation": None}
    event |= {"region_of_exploitation": "151", "self_identified": "NOT_REPORTED", "status": "PRESUMED"}
    event |= {"trafficked_before": "YES", "recruitment_methods": ["Other", TOKEN], "duration_band": TOKEN}
    event["person"] |= {"date_of_birth": dt.date(2000, 3, 11), "age_band": None, "group": "WOMAN"}
    event["person"] |= {"citizenships": ["SRB", "ALB"], "citizenship_region": "151"}
    found = row(event)
    assert found["age"] == "25-29"
    assert (found["group"], found["setting"], found["status"]) == ("WOMAN", "BORDER", "PRESUMED")
    assert (found["citizenship"], found["exploitation_country"]) == ("039", "151")
    assert (found["exploitation_forms"], found["trafficked_before"]) == (["SEXUAL"], "YES")
    for stayed, band in ((0, "0-29"), (29, "0-29"), (30, "30-89"), (365, "365+"), (9_999, "365+"), (-1, None)):
        event["entry_date"] = dt.date(2026, 3, 10) - dt.timedelta(days=stayed)
        assert row(event)["stay_before_identification"] == band, stayed
    event["entry_date"] = TOKEN
    assert row(event)["stay_before_identification"] is None
    assert found["self_identified"] is found["duration"] is found["means_of_control"] is None
    assert found["recruitment_methods"] == ["Other"]
    for citizenships, expected in (([], "151"), (["SRB"], "SRB"), (["SRB", "NGA"], "151"), (["SRB", TOKEN], "151")):
        event["person"]["citizenships"] = citizenships
        assert row(event)["citizenship"] == expected, citizenships
    event["person"] |= {"date_of_birth": dt.date(2026, 3, 11), "age_band": "18-20"}
    assert row(event)["age"] == "18-29", "born after the event: the band counts"
    event["person"]["date_of_birth"] = None
    assert row(event)["age"] == "18-29"
    event["envelope"]["occurred_at"] = None
    event["person"]["date_of_birth"] = dt.date(2000, 3, 11)
    assert row(event)["age"] == "18-29", "no day, no age"
    event |= {"status": TOKEN, "setting": TOKEN, "exploitation_forms": [TOKEN], "country_of_exploitation": TOKEN}
    event |= {"region_of_exploitation": None, "trafficked_before": 7, "labour_sectors": TOKEN, "identified_by": TOKEN}
    event["person"] |= {"group": TOKEN, "citizenships": [TOKEN], "age_band": TOKEN, "citizenship_region": None}
    assert TOKEN not in json.dumps(row(event))
    assert row(event)["trafficked_before"] is row(event)["age"] is row(event)["exploitation_forms"] is None
    event |= {"setting": "FRIEND", "labour_sectors": "A", "means_of_control": None}
    assert row(event)["setting"] is row(event)["sectors"] is row(event)["means_of_control"] is None
    _of_nested(module)


def _of_nested(module: ModuleType) -> None:
    """Fail unless a column finds a field that is deeper in the event, and one of a person in a list."""
    agency: Column = kinds("facts")["ControlCampaign"].columns[0]
    assert module.value_of(agency, None)({"envelope": {"agency": "rs-police"}}, {}) == "rs-police"
    assert module.value_of(agency, None)({"envelope": None}, {}) is None
    group, *_, origin = (kinds("anon")["InvestigationOpened"].columns[number] for number in (0, 2))
    event = {"origin": "PROACTIVE", "suspects": [{"group": "MAN"}]}
    assert module.value_of(group, "suspects[]")(event, {"group": "MAN"}) == "MAN"
    assert module.value_of(origin, "suspects[]")(event, {"origin": "REACTIVE"}) == "PROACTIVE"
    services = kinds("anon")["ReferralOffered"].columns[1]
    assert module.value_of(services, "person")({"services_requested": ["LEGAL", TOKEN]}, {}) == ["LEGAL"]
    verdict = next(each for each in kinds("anon")["VerdictDelivered"].columns if each.name == "sentence")
    for months, band in ((0, "0-11"), (59, "24-59"), (120, "120+"), (5_000, None), (None, None), (TOKEN, None)):
        assert module.value_of(verdict, "person")({"sentence_months": months}, {}) == band, months
    entry_date = field_at(shape_of(contract("PersonIdentified")), "entry_date")
    assert entry_date is not None
    entry = publishable("entry_date", entry_date, "month")
    month = Column(name="entry_month", sources=(entry,), single=False, tiers=("partner",))
    assert module.value_of(month, "person")({"entry_date": dt.date(2026, 3, 10)}, {}) == "2026-03"
    assert module.value_of(month, "person")({"entry_date": TOKEN}, {}) is None


def compiler_holds(module: ModuleType) -> None:
    """Fail unless small counts of persons and sole traders stay, and what leaves is what rules and tiers say."""
    for channel in NonPersonal:
        for name in kinds(channel.kind):
            if any(channel.tier in column.tiers for column in kinds(channel.kind)[name].columns):
                made = module.compile_for(contract(name), channel)
                assert made.fingerprint == compile_for(contract(name), channel).fingerprint
                assert made.fullname == compile_for(contract(name), channel).fullname
                assert made.projection == compile_for(contract(name), channel).projection
            else:
                _raises(module.NothingLeavesError, module.compile_for, contract(name), channel)
    _raises(module.NothingLeavesError, module.compile_for, contract("ConsentGiven"), NonPersonal.ANON_PARTNER)
    returned = module.compile_for(contract("IndicatorReturned"), NonPersonal.FACTS_OPEN)
    event = invented("IndicatorReturned", "rs-secretariat")
    event |= {"unit": "COUNT", "value": None, "numerator": None, "denominator": None, "published_in": None}
    for field in ("value", "numerator", "denominator"):
        for count, leaves in ((0.0, True), (1.0, False), (10.0, False), (11.0, True), (None, True)):
            assert bool(returned.transform({**event, field: count})) == leaves, (field, count)
    small = {**event, "value": 3.0}
    assert len(returned.transform({**small, "published_in": "Gazette 3"})) == 1
    assert len(returned.transform({**small, "unit": "PERCENT"})) == 1
    licence = module.compile_for(contract("LicenceDecided"), NonPersonal.FACTS_PARTNER)
    for form, leaves in (("LEGAL_PERSON", True), ("SOLE_TRADER", False)):
        decided = invented("LicenceDecided", "rs-labour-inspectorate")
        decided["establishment"]["legal_form"] = form
        assert bool(licence.transform(decided)) == leaves
    opened = module.compile_for(contract("InvestigationOpened"), NonPersonal.ANON_PARTNER)
    investigation = invented("InvestigationOpened", "rs-police")
    investigation["suspects"] = [{**investigation["suspects"][0], "group": each} for each in ("MAN", "BOY")]
    assert [row["group"] for row in opened.transform(investigation)] == ["MAN", "BOY"]
    identified = module.compile_for(contract("PersonIdentified"), NonPersonal.ANON_OPEN)
    assert len(identified.transform(invented("PersonIdentified", "rs-police"))) == 1
    assert identified.transform({**invented("PersonIdentified", "rs-police"), "person": None}) == ()
    assert {(e.channel, e.fullname) for e in module.issued()} >= {(identified.channel, identified.fullname)}


def _raises(kind: type[Exception], call: Any, *given: Any) -> str:
    """Return what the error says that *call* raises; fail when it raises none of *kind*."""
    try:
        call(*given)
    except Exception as error:  # noqa: BLE001 - of a copy of the module the class is another one
        assert type(error).__name__ == kind.__name__  # noqa: PT017 - as above
        return str(error)
    raise AssertionError(f"no {kind.__name__}")
