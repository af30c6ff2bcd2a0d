"""What the processors promise around their rules, as an attacker tests it; each takes a module."""

import asyncio
import copy
import dataclasses
import datetime as dt
from types import ModuleType
from typing import Any

from infra.vault.holders import holder_of_subject
from schemas.names import AgencyId, PartnerId, SubjectId, TopicName
from schemas.registry import AvroSchema
from streams.pump.records import SourceRecord
from tests.attacks.hub import NOW, Hub, Sent, agreements_for, codec, published, topology
from tests.publishing import invented

OWNER = AgencyId("rs-prosecution")
"""An agency that is a partner too."""
TYPES = ("PersonIdentified", "InvestigationOpened", "ProsecutionOpened")


def releasing_holds(module: ModuleType) -> None:
    """Fail unless release of *module* decides about whom agreements name, and stages what its population counts."""
    hub = Hub(release=module.ReleaseProcessor, project=False)
    agreed = agreements_for("InvestigationOpened", AgencyId("rs-police"))[0]
    own = dataclasses.replace(agreed, id="own", agencies=(OWNER,), partner=PartnerId(OWNER), event_types=TYPES)
    expired = dataclasses.replace(agreed, id="old", valid_until=dt.date(2020, 1, 1), partner=PartnerId("selec"))
    abroad = dataclasses.replace(agreed, id="abroad", agencies=(AgencyId("bg-police"),), partner=PartnerId("observer"))
    hub.agreements = (own, expired, abroad, *topology().agreements)
    sinks = asyncio.run(_run(hub))
    assert not sinks.parked
    decisions = [codec().decode(each.value).record for each in sinks.on("decisions")]
    spoken = {
        (partner.partner, agency, event_type)
        for partner in hub.agreements
        for agency in partner.agencies
        for event_type in partner.event_types
    }
    events = _in_ledger(sinks)
    wanted = {
        (agency, event_type, audience)
        for agency, event_type in events
        for audience, who, what in spoken
        if (who, what) == (agency, event_type) and str(audience) != agency
    }
    assert {(d["agency"], d["event_type"], d["audience"]) for d in decisions} == wanted
    assert not [each for each in decisions if each["audience"] == each["agency"]]
    for partner in topology().partners:
        released = [each for each in decisions if each["audience"] == partner.id and each["outcome"] == "RELEASED"]
        assert len(sinks.on(f"to.{partner.id}")) == len(released), partner.id
        assert all(each["view"] and each["agreement"] for each in released)
    withheld = [each for each in decisions if each["outcome"] == "WITHHELD"]
    assert withheld
    assert all(each["view"] is each["agreement"] is each["agreement_version"] is None for each in withheld)
    for population in topology().populations:
        staged = [codec().decode(each.value).fullname for each in sinks.on(f"stage.{population.id}")]
        allowed = {f"hub.stage.v1.{name}" for name in population.event_types}
        assert set(staged) <= allowed
        counted = [name for _, name in events if name in population.event_types]
        erased = 1 if "PersonIdentified" in population.event_types else 0
        assert len(staged) == len(counted) - erased, population.id


async def _run(hub: Hub) -> Any:
    sent = []
    for agency in (AgencyId("rs-police"), OWNER):
        for name in TYPES:
            if name in topology().permitted(str(agency)):
                event = invented(name, str(agency))
                event["envelope"] |= {"purpose": "INVESTIGATE", "legal_basis": ["LED:8"], "handling": "H0"}
                sent.append(Sent(agency=agency, value=published(name, event)))
    gone = invented("PersonIdentified", "rs-police")
    sent.append(Sent(agency=AgencyId("rs-police"), value=published("PersonIdentified", gone)))
    hub.vault.meet("subject", [(AgencyId("rs-police"), gone["person"]["person_ref"] + "-gone")])
    gone["person"]["person_ref"] += "-gone"
    sent[-1] = Sent(agency=AgencyId("rs-police"), value=published("PersonIdentified", gone))
    await hub.intake(sent)
    subject = hub.vault.known["subject", (AgencyId("rs-police"), gone["person"]["person_ref"])]
    hub.vault.destroy_keys(holder_of_subject(SubjectId(subject)))
    await hub.release()
    return hub.sinks


def _in_ledger(sinks: Any) -> list[tuple[str, str]]:
    found = [codec().decode(each.value) for each in sinks.on("ledger")]
    return [(str(one.record["envelope"]["agency"]), one.fullname.rsplit(".", 1)[-1]) for one in found]  # type: ignore[index]


def reading_holds(module: ModuleType) -> None:
    """Fail unless `read` of *module* lets in what its agency may publish about organisations that take part, only."""
    sender = module.Sender(
        agency=AgencyId("rs-police"),
        event_types={"ReferralOffered", "InvestigationOpened"},
        organisations={"bg-counselling"},
    )
    good = invented("ReferralOffered", "rs-police", to_agency="bg-counselling")
    good["envelope"]["on_behalf_of"] = None

    def rules(event: dict[str, Any], name: str = "ReferralOffered", value: bytes | None = None) -> set[str]:
        source = SourceRecord(TopicName("in.rs-police"), 0, 0, None, value or published(name, event))
        found = module.read(source, sender, codec(), NOW)
        if isinstance(found, module.Refused):
            assert found.event_id in (None, event["envelope"]["event_id"])
            assert found.event_id is None or "-" in found.event_id
            return {problem.rule for problem in found.problems}
        assert found.event_id == event["envelope"]["event_id"]
        return set()

    def changed(path: str, value: object) -> dict[str, Any]:
        event = copy.deepcopy(good)
        holder, _, last = path.rpartition(".")
        (event[holder] if holder else event)[last] = value
        return event

    assert rules(good) == set()
    assert rules(changed("envelope.on_behalf_of", "bg-counselling")) == set()
    assert rules(changed("envelope.agency", "bg-police")) == {"agency-not-owner"}
    assert rules(changed("envelope.on_behalf_of", "jelena-jovanovic")) == {"unknown-organisation"}
    assert rules(changed("to_agency", "jelena-jovanovic")) == {"unknown-organisation"}
    assert rules(invented("PersonIdentified", "rs-police"), "PersonIdentified") == {"event-type-not-permitted"}
    assert rules(changed("envelope.event_id", "Jelena")) == {"not-a-uuid"}
    assert rules(good, value=b"Jelena") == {"malformed-record"}
    assert rules(good, value=b"\0\0\0\xff\xff" + b"x") == {"unknown-schema"}
    assert rules(good, value=b"\0" * 1_048_589) == {"too-large"}
    assert rules(good, value=codec().writer("x", _elsewhere("hub.v1", "Receipt")).encode({"x": "y"})) == {
        "schema-not-allowed"
    }
    assert rules(good, value=codec().writer("x", _elsewhere("hub.v1", "ReferralOffered")).encode({"x": "y"})) == {
        "schema-not-allowed"
    }
    crowd = invented("InvestigationOpened", "rs-police")
    crowd["victims"] = [copy.deepcopy(crowd["victims"][0]) for _ in range(2000)]
    assert "too-many-values" in rules(crowd, "InvestigationOpened")


def _elsewhere(namespace: str, name: str) -> AvroSchema:
    """Return a schema of that name which nobody landed."""
    return {"type": "record", "namespace": namespace, "name": name, "fields": [{"name": "x", "type": "string"}]}
