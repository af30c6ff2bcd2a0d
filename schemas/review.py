"""Whether a schema may land: its privacy is settled, and every version that ever landed understands it (design 4.4).

What is asked of a contract, in this order:

 1  every field keeps the rules of privacy (`schemas/privacy.py`)
 2  FULL_TRANSITIVE: this version reads what every earlier one wrote, and every earlier one reads what this one writes
 3  so do the schemas that the channels carry of it
 4  what the same type means stays: unit, code list, format; where it does not, an upcaster says how
 5  no code that ever landed is missing from its list
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from schemas import golden
from schemas.catalogue import Contract, contract_of, contracts, hub_contracts, inline, shared_records
from schemas.codec import parse
from schemas.compatibility import fields_in, type_name, unreadable
from schemas.derive import Channel, derive
from schemas.differences import renamed
from schemas.errors import MisuseError, Problem, RejectedError
from schemas.landed_codes import codes_landed, codes_now, lost_codes
from schemas.privacy import problems_of, problems_of_hub_record
from schemas.privacy_ladders import finer_than
from schemas.registry import AvroSchema
from schemas.upcasters import UPCASTERS, Upcaster

MEANING = ("codes", "unit", "format")
"""Attributes that say what a value means; checked where the type stays the same."""
NARROWING = ("allowed", "roles")
"""Attributes that list what is allowed: an event that was valid stays valid."""
LINT = "rules of privacy"
CODE_LISTS = "code lists"


class UnfitSchemaError(RejectedError):
    """A schema breaks a rule of the common language, or an earlier version does not understand it."""

    code = "unfit-schema"


class UnreadableSchemaError(MisuseError):
    """A file holds no schema that could be reviewed."""

    code = "unreadable-schema"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One reason why a schema may not land."""

    schema: str
    """Name of the event type, or of a code list."""
    against: str
    """What it was held against: the rules of privacy, or an earlier version."""
    problem: Problem

    def __str__(self) -> str:
        return f"{self.schema}: {self.problem} [{self.against}]"


def review(
    contract: Contract, earlier: Sequence[Contract], upcasters: Mapping[str, Upcaster] | None = None
) -> tuple[Finding, ...]:
    """Return every reason why *contract* may not follow the versions *earlier*, oldest first; nothing when it may."""
    wrong = (problems_of_hub_record if _is_of_the_hub(contract) else problems_of)(contract.schema)
    found = [Finding(contract.name, LINT, problem) for problem in wrong]
    for number, version in enumerate(earlier, start=1):
        if version != contract:
            against = f"version {number}"
            found += [Finding(contract.name, against, each) for each in _misread(version.schema, contract.schema)]
            found += [Finding(contract.name, against, each) for each in finer_than(version.schema, contract.schema)]
            if not found and not _is_of_the_hub(contract):  # the compiler takes only what keeps the rules
                found += _on_channels(contract, version, against)
    known = UPCASTERS.get(contract.name, {}) if upcasters is None else upcasters
    if earlier and earlier[-1].fingerprint not in known:
        against = f"version {len(earlier)}"
        changes = _meant_otherwise(earlier[-1].schema, contract.schema)
        told = {(each.problem.path, each.problem.rule) for each in found}
        found += [Finding(contract.name, against, p) for p in changes if (p.path, p.rule) not in told]
    return tuple(found)


def findings(root: Path = golden.ROOT) -> tuple[Finding, ...]:
    """Return every reason why the contracts and code lists of today may not land."""
    known = (*contracts(), *hub_contracts())
    found = [finding for contract in known for finding in findings_of(contract, root)]
    return (*found, *(_lost(name, code) for name, code in lost_codes(codes_now(), codes_landed())))


def findings_of(contract: Contract, root: Path = golden.ROOT) -> tuple[Finding, ...]:
    """Return every reason why *contract* may not follow the versions that landed below *root*."""
    earlier = [entry.contract for entry in golden.entries(contract.fullname, root) if entry.contract != contract]
    found = review(contract, earlier)
    return found if found or _is_of_the_hub(contract) else tuple(_on_the_ledger(contract, root))


def read_contract(text: str) -> Contract:
    """Return the contract that *text*, the content of an `.avsc` file, describes; raise UnreadableSchemaError."""
    try:
        source = json.loads(text)
    except ValueError:
        raise UnreadableSchemaError("the file is not JSON") from None
    if not isinstance(source, dict) or source.get("type") != "record" or "name" not in source:
        raise UnreadableSchemaError("the file does not hold one Avro record with a name")
    if f"{source.get('namespace')}.{source['name']}" in shared_records():
        advice = "put it into schemas/avro and run `hub schema check`: it concerns every event type"
        raise UnreadableSchemaError(f"{source['name']} is a record that several event types share; {advice}")
    schema = inline(source, shared_records())
    try:
        parse(schema)
    except Exception as error:  # noqa: BLE001 - of a schema, which holds no value of an event
        raise UnreadableSchemaError(f"the file is not a schema of Avro: {type(error).__name__}: {error}") from None
    return contract_of(schema)


def _is_of_the_hub(contract: Contract) -> bool:
    return contract.name in {each.name for each in hub_contracts()}


def _lost(name: str, code: str) -> Finding:
    advice = "put it back, and mark it as deprecated if it shall go: events of the past hold it"
    return Finding(name, CODE_LISTS, Problem(code, "code-removed", advice))


def _misread(old: AvroSchema, new: AvroSchema) -> Iterator[Problem]:
    """Yield why one of two versions cannot read the other, with what to do."""
    for problem in unreadable(writer=old, reader=new):
        yield Problem(problem.path, _rule(problem.rule, "backward"), _BACKWARD.get(problem.rule, _KEEP))
    for problem in unreadable(writer=new, reader=old):
        yield Problem(problem.path, _rule(problem.rule, "forward"), _FORWARD.get(problem.rule, _KEEP))


def _rule(rule: str, direction: str) -> str:
    return {
        ("missing-field", "backward"): "no-default",
        ("missing-field", "forward"): "removed-without-default",
        ("null-not-read", "backward"): "no-longer-optional",
        ("null-not-read", "forward"): "became-optional",
        ("symbol-missing", "backward"): "symbol-removed",
        ("symbol-missing", "forward"): "symbol-added",
    }.get((rule, direction), rule)


_KEEP = "leave it as it was; add a new field with a default beside it, and an upcaster that fills it"
_BACKWARD = {
    "missing-field": "events written earlier do not have this field: give it a default",
    "null-not-read": "events written earlier may lack a value here: leave it optional",
    "symbol-missing": "events written earlier may hold the symbol: leave it in",
}
_FORWARD = {
    "missing-field": "readers with the earlier version need this field and have no default for it: leave it in",
    "null-not-read": "readers with the earlier version take no missing value here: leave it mandatory",
    "symbol-missing": "readers with the earlier version do not know the symbol: use strings with a code list",
}


_RECLASSIFIED = "its privacy class changed: add a new field with the new class, and leave this one empty from now on"
_FURTHER = "agencies gave the value when this channel did not carry it: add a new field that it may carry"


def _on_the_ledger(contract: Contract, root: Path) -> Iterator[Finding]:
    """Yield why the ledger as the compiler derives it today does not go with what the ledger holds."""
    derived = derive(contract, Channel.LEDGER)
    for entry in golden.entries(derived.fullname, root):
        if entry.fingerprint == derived.fingerprint:
            continue
        for problem in _misread(entry.schema, derived.schema):
            yield Finding(contract.name, f"ledger version {entry.version}", problem)


def _on_channels(contract: Contract, version: Contract, against: str) -> Iterator[Finding]:
    """Yield what only shows where fields are sealed: a class that changed is another type there."""
    for channel in Channel:
        if channel is not Channel.SOURCE:
            old, new = derive(version, channel).schema, derive(contract, channel).schema
            for path in fields_in(new).keys() - fields_in(old).keys():
                if path in fields_in(version.schema):
                    problem = Problem(path, "carried-further", _FURTHER)
                    yield Finding(contract.name, f"{against}, channel {channel}", problem)
            for problem in _misread(old, new):
                rule = "class-changed" if problem.rule == "type-changed" else problem.rule
                text = _RECLASSIFIED if rule == "class-changed" else problem.advice
                yield Finding(contract.name, f"{against}, channel {channel}", Problem(problem.path, rule, text))


def _meant_otherwise(old: AvroSchema, new: AvroSchema) -> Iterator[Problem]:
    """Yield what Avro reads without complaint although it says something else by now."""
    write = "write an upcaster from the version before (schemas/upcasters.py), or leave it as it was"
    for gone, came in renamed(old, new):
        yield Problem(came, "renamed", f"looks like a new name of `{gone}`, whose values would be lost: {write}")
    before = fields_in(old)
    for path, entry in fields_in(new).items():
        if (earlier := before.get(path)) is None:
            continue
        if type_name(earlier["type"]) != type_name(entry["type"]) and _same_but_null(earlier, entry) is False:
            yield Problem(path, "type-changed", _KEEP)
        for name in MEANING:
            if earlier.get(name) != entry.get(name):
                yield Problem(path, f"{name}-changed", f"the same value means something else now: {write}")
        for name in NARROWING:
            if _narrower(earlier.get(name), entry.get(name)):
                yield Problem(path, f"{name}-narrowed", f"events that were valid no longer are: {write}")


def _same_but_null(old: AvroSchema, new: AvroSchema) -> bool:
    """Whether the types differ in null alone, about which Avro itself has complained."""
    plain = [type_name(each["type"]).removesuffix(" or null") for each in (old, new)]
    return plain[0] == plain[1]


def _narrower(old: object, new: object) -> bool:
    """Whether the list *new* allows less than *old*; no list allows everything."""
    if new is None:
        return False
    return old is None or not set(cast("list[str]", old)) <= set(cast("list[str]", new))
