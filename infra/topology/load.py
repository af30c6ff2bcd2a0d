"""Reads topology.toml and agreements/*.toml and expands templates; checks the form, check.py the sense."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeVar, get_args

from pydantic import TypeAdapter, ValidationError

from infra.topology.agreements import Agreement, View
from infra.topology.model import (
    STRICT,
    Agency,
    Carried,
    Operator,
    Partner,
    Population,
    Processor,
    Quotas,
    State,
    Tier,
    Topic,
    Topology,
)
from infra.topology.model import Channel as ChannelName
from schemas.compiler import issued
from schemas.errors import MisuseError, Problem
from schemas.names import AgencyId, PartnerId, PrincipalId, TopicName

T = TypeVar("T")
_CHANNELS: dict[str, ChannelName] = {name: name for name in get_args(ChannelName)}
OUTPUT_MAX_BYTES = 8_388_608
"""Larger than the largest input: a sealed field is longer than its plaintext, and an event that intake
accepted must never be too large for the ledger."""


class InvalidTopologyError(MisuseError):
    """The topology breaks its rules; holds all problems at once."""

    code = "invalid-topology"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n  ".join(("the topology has problems:", *(str(problem) for problem in problems))))


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicTemplate:
    """A `[[topics]]` entry."""

    __pydantic_config__ = STRICT
    name: str
    owner: str
    purpose: str
    partitions: int
    retention_days: int | Literal["for ever"]
    personal: bool
    carries: Literal["source", "ledger", "agreed", "stage", "rows", "hub", "none"]
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    deleters: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    key: str = ""
    headers: tuple[str, ...] = ()
    state: State = "open"
    max_message_bytes: int = OUTPUT_MAX_BYTES
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerEntry:
    """A `[[partners]]` entry: an organisation of its own, or an agency that also receives."""

    __pydantic_config__ = STRICT
    id: PartnerId | None = None
    name: str = ""
    kind: str = ""
    country: str | None = None
    agency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyFile:
    """The form of topology.toml."""

    __pydantic_config__ = STRICT
    operator: Operator
    agencies: tuple[Agency, ...]
    event_types: dict[str, tuple[str, ...]]
    partners: tuple[PartnerEntry, ...]
    tiers: tuple[Tier, ...]
    populations: tuple[Population, ...]
    processors: tuple[Processor, ...]
    topics: tuple[TopicTemplate, ...]
    quotas: Quotas = field(default_factory=Quotas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Senders:
    """The `from` of an agreement: agencies by id, or every agency of some countries and kinds."""

    __pydantic_config__ = STRICT
    agencies: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """The `[parties]` of an agreement."""

    __pydantic_config__ = STRICT
    senders: Senders
    partner: PartnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFile:
    """The form of agreements/*.toml."""

    __pydantic_config__ = STRICT
    id: str
    version: int
    title: str
    basis: str
    parties: Parties
    event_types: tuple[str, ...]
    purposes: tuple[str, ...]
    roles: tuple[str, ...]
    view: View
    legal_bases: tuple[str, ...]
    valid_from: date
    valid_until: date
    retention_days: int
    onward_sharing: bool
    only_addressee: bool = False
    categories: tuple[str, ...] | None = None
    handling: tuple[str, ...] | None = None
    tlp_max: str | None = None


def load(path: Path | None = None) -> Topology:
    """Return the topology at *path* (default: this package's) with `agreements/` beside it.

    Raises InvalidTopologyError with all problems of form, MisuseError when there is no such file.
    """
    folder = Path(str(files("infra.topology"))) if path is None else path.parent
    source = folder / "topology.toml" if path is None else path
    if not source.is_file():
        raise MisuseError(f"no topology at {source}; give the path of a topology.toml")
    form = _parsed(TypeAdapter(TopologyFile), source)
    agreements = tuple(
        _expanded_agreement(_parsed(TypeAdapter(AgreementFile), file), form.agencies)
        for file in sorted((folder / "agreements").glob("*.toml"))
    )
    return Topology(
        operator=form.operator,
        agencies=form.agencies,
        partners=tuple(_partner(entry, form.agencies) for entry in form.partners),
        processors=form.processors,
        tiers=form.tiers,
        populations=form.populations,
        event_types=form.event_types,
        topics=tuple(_expanded(form, agreements)),
        agreements=agreements,
        quotas=form.quotas,
    )


def draft_of(path: Path, topology: Topology) -> Agreement:
    """Return the agreement in the file *path*, which is not in force, among the organisations of *topology*.

    Raises InvalidTopologyError with all that is wrong with it, MisuseError when there is no such file.
    """
    from infra.topology.check import require_valid

    if not path.is_file():
        raise MisuseError(f"no agreement at {path}; give the path of a TOML file as in infra/topology/agreements")
    draft = _expanded_agreement(_parsed(TypeAdapter(AgreementFile), path), topology.agencies)
    others = tuple(each for each in topology.agreements if each.id != draft.id)
    require_valid(replace(topology, agreements=(*others, draft)))
    return draft


def _parsed(adapter: TypeAdapter[T], path: Path) -> T:
    try:
        return adapter.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise InvalidTopologyError((Problem(path.name, "unreadable", str(error)),)) from None
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        raise InvalidTopologyError(
            tuple(Problem(f"{path.name}:{'.'.join(map(str, each['loc']))}", "form", each["msg"]) for each in wrong)
        ) from None


def _partner(entry: PartnerEntry, agencies: tuple[Agency, ...]) -> Partner:
    if entry.agency is None:
        return Partner(id=PartnerId(entry.id or ""), name=entry.name, kind=entry.kind, country=entry.country)
    agency = next((agency for agency in agencies if agency.id == entry.agency), None)
    if agency is None:
        raise InvalidTopologyError(
            (
                Problem(
                    f"partners.{entry.agency}",
                    "unknown-agency",
                    "name an agency of this file, or give id, name and kind",
                ),
            )
        )
    return Partner(id=PartnerId(agency.id), name=agency.name, kind=agency.kind, country=agency.country)


def _expanded_agreement(form: AgreementFile, agencies: tuple[Agency, ...]) -> Agreement:
    senders = form.parties.senders
    chosen = [
        agency.id
        for agency in agencies
        if (not senders.countries or agency.country in senders.countries)
        and (not senders.kinds or agency.kind in senders.kinds)
        and str(agency.id) != form.parties.partner
    ]
    fields = {name: getattr(form, name) for name in AgreementFile.__dataclass_fields__ if name != "parties"}
    named = tuple(AgencyId(name) for name in senders.agencies)
    return Agreement(**fields, agencies=named or tuple(chosen), partner=form.parties.partner)


def _expanded(form: TopologyFile, agreements: tuple[Agreement, ...]) -> Iterator[Topic]:
    ids: dict[str, list[str]] = {
        "agency": [agency.id for agency in form.agencies],
        "partner": [str(entry.agency or entry.id) for entry in form.partners],
        "population": [population.id for population in form.populations],
        "tier": [tier.id for tier in form.tiers],
    }
    for template in form.topics:
        placeholder = next((name for name in ids if f"<{name}>" in template.name), None)
        for member in ids[placeholder] if placeholder else [""]:
            yield _topic(template, f"<{placeholder}>", member, _carried(template, member, form, agreements))


def _topic(template: TopicTemplate, placeholder: str, member: str, carries: tuple[Carried, ...]) -> Topic:
    def principals(names: tuple[str, ...]) -> tuple[PrincipalId, ...]:
        return tuple(PrincipalId(name.replace(placeholder, member)) for name in names)

    return Topic(
        name=TopicName(template.name.replace(placeholder, member)),
        family=template.name,
        owner=template.owner.replace(placeholder, member),
        purpose=template.purpose.replace(placeholder, member),
        partitions=template.partitions,
        retention_days=None if template.retention_days == "for ever" else template.retention_days,
        settings=template.settings,
        max_message_bytes=template.max_message_bytes,
        writers=principals(template.writers),
        readers=principals(template.readers),
        deleters=principals(template.deleters),
        state=template.state,
        personal=template.personal,
        carries=carries,
        key=template.key,
        headers=template.headers,
    )


def _carried(
    template: TopicTemplate, member: str, form: TopologyFile, agreements: tuple[Agreement, ...]
) -> tuple[Carried, ...]:
    """Return what a topic carries, by the keyword of its template."""
    found: set[Carried] = set()
    match template.carries:
        case "source":
            kinds = [agency.kind for agency in form.agencies if agency.id == member]
            found = {
                Carried(contract=name, channel="source") for kind in kinds for name in form.event_types.get(kind, ())
            }
        case "ledger":
            found = {Carried(contract=name, channel="ledger") for names in form.event_types.values() for name in names}
        case "agreed":
            # Also under a personal agreement: a restricted note lowers the view of an event (guidelines C.1.4).
            found = {
                Carried(contract=name, channel=view)
                for agreement in agreements
                if agreement.partner == member
                for name in agreement.event_types
                for view in {agreement.view, "pseudonymous"}
            }
        case "stage":
            chosen = [population for population in form.populations if population.id == member]
            found = {
                Carried(contract=name, channel="stage") for population in chosen for name in population.event_types
            }
        case "rows":
            found = {Carried(contract=each.contract.name, channel=_CHANNELS[str(each.channel)]) for each in issued()}
            found = {each for each in found if each.channel == template.name}
        case "hub" | "none":
            found = set()
    return tuple(sorted(found | {Carried(contract=name, channel="hub") for name in template.contracts}))
