"""Which schema is registered under which subject: `<topic>-<fullname>` (TopicRecordNameStrategy)."""

from dataclasses import dataclass
from functools import cache

from infra.topology.model import Carried, Topology
from schemas import catalogue, derive
from schemas.channel_rules import NonPersonal
from schemas.compiler import compile_for
from schemas.errors import MisuseError
from schemas.privacy import problems_of
from schemas.registry import AvroSchema


class UnfitSchemaError(MisuseError):
    """A schema whose privacy is not settled: it is not registered, so that nothing can be published with it."""

    code = "unfit-schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A schema with the subject that must hold it."""

    name: str
    topic: str
    schema: AvroSchema
    fingerprint: str


def subjects(topology: Topology) -> tuple[Subject, ...]:
    """Return every schema that the topology lists, by subject; intake accepts no other (design 12.6).

    Raises UnfitSchemaError when the linter refuses one.
    """
    found = [subject(topic.name, carried) for topic in topology.topics for carried in topic.carries]
    return tuple(sorted(found, key=lambda each: each.name))


def subject(topic: str, carried: Carried) -> Subject:
    """Return the subject of what *topic* carries; raise UnknownContractError for none, UnfitSchemaError."""
    if carried.channel == "hub":
        own = catalogue.hub_contract(carried.contract)
        schema, fullname, fingerprint = own.schema, own.fullname, own.fingerprint
    elif carried.channel in set(NonPersonal):
        source = catalogue.contract(carried.contract)
        require_fit(source)
        compiled = compile_for(source, NonPersonal(carried.channel))
        schema, fullname, fingerprint = compiled.schema, compiled.fullname, compiled.fingerprint
    else:
        source = catalogue.contract(carried.contract)
        require_fit(source)
        derived = derive.derive(source, derive.Channel(carried.channel))
        schema, fullname, fingerprint = derived.schema, derived.fullname, derived.fingerprint
    return Subject(name=f"{topic}-{fullname}", topic=topic, schema=schema, fingerprint=fingerprint)


@cache
def require_fit(contract: catalogue.Contract) -> None:
    """Raise UnfitSchemaError unless the linter finds nothing wrong with *contract*."""
    if problems := problems_of(contract.schema):
        told = "; ".join(map(str, problems))
        raise UnfitSchemaError(f"the schema of {contract.name} is not registered: {told}")
