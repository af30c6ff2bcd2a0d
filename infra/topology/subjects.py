"""Which schema is registered under which subject: `<topic>-<fullname>` (TopicRecordNameStrategy)."""

from dataclasses import dataclass

from infra.topology.model import Carried, Topology
from schemas import catalogue, derive
from schemas.registry import AvroSchema


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A schema with the subject that must hold it."""

    name: str
    topic: str
    schema: AvroSchema
    fingerprint: str


def subjects(topology: Topology) -> tuple[Subject, ...]:
    """Return every schema that the topology lists, by subject; intake accepts no other (design 12.6)."""
    found = [subject(topic.name, carried) for topic in topology.topics for carried in topic.carries]
    return tuple(sorted(found, key=lambda each: each.name))


def subject(topic: str, carried: Carried) -> Subject:
    """Return the subject of what *topic* carries; raise UnknownContractError for none."""
    if carried.channel == "hub":
        own = catalogue.hub_contract(carried.contract)
        schema, fullname, fingerprint = own.schema, own.fullname, own.fingerprint
    else:
        derived = derive.derive(catalogue.contract(carried.contract), derive.Channel(carried.channel))
        schema, fullname, fingerprint = derived.schema, derived.fullname, derived.fingerprint
    return Subject(name=f"{topic}-{fullname}", topic=topic, schema=schema, fingerprint=fingerprint)
