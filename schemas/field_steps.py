"""What happens to each field of an event on a channel: compiled once per contract, walked once per event."""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

from schemas.catalogue import Contract
from schemas.codec import Record
from schemas.codelists import code_list
from schemas.derive import (
    NAMESPACE,
    PERSON,
    SEALED,
    Channel,
    NamedTypes,
    array_items,
    derive,
    fields_of,
    nullable,
    privacy_of,
)
from schemas.registry import AvroSchema

WITH_IDENTITY = (Channel.LEDGER, Channel.PERSONAL)
"""Channels that may say who somebody is; on others a sole trader, being a person, has no name and no number."""
VICTIM_ROLES = {"PRESUMED_VICTIM", "VICTIM", "WITNESS"}
AGENCY = "agency"
"""Stands for the publishing agency where a field names whom it is about."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one field."""

    name: str
    kind: str
    """copy, seal, record, records; entity: sealed for a sole trader; company: left out for one."""
    subjects: tuple[str, ...] = ()
    plan: "Plan | None" = None
    roles: tuple[str, ...] = ()
    """Which roles the persons of this field may have."""
    restore: Callable[[object], object] | None = None
    text: bool = False
    """Whether it is free text, which may name anybody."""
    branch: str | None = None
    """Name of the record in a union with null."""
    longest: int = 0
    """Characters of the longest code of the field's list; what is sealed is padded to it, so that none is told."""
    default: object = None
    """What the field says when its sender says nothing; it is not sealed but left out, as a null is."""

    @property
    def unsaid(self) -> object:
        """The default as a value of its own: who gets a list may add to it."""
        return list(self.default) if isinstance(self.default, list) else self.default


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to a record: compiled once per contract and channel."""

    name: str
    steps: tuple[Step, ...]


@cache
def plan_of(contract: Contract, channel: Channel) -> Plan:
    """Return what happens to the fields of *contract* on *channel*."""
    types = NamedTypes(contract.schema)
    kept = NamedTypes(derive(contract, channel).schema)

    def compiled(record: AvroSchema) -> Plan:
        name = _short(record)
        target = kept.record(name) or {"fields": []}
        names = {str(field["name"]) for field in fields_of(target)}
        return Plan(name, tuple(step(field) for field in fields_of(record) if field["name"] in names))

    def step(declared: AvroSchema) -> Step:
        name, privacy = str(declared["name"]), privacy_of(declared)
        kind = str(privacy["class"])
        if kind == "CONTAINER":
            items = array_items(declared["type"])
            inner = types.record(items if items is not None else declared["type"])
            assert inner is not None, "the linter lets only records and arrays of records be containers"
            roles = tuple(cast("list[str]", declared.get("roles", [])))
            branch = f"{NAMESPACE[channel]}.{_short(inner)}" if nullable(declared["type"]) and items is None else None
            kind = "record" if items is None else "records"
            return Step(name, kind, plan=compiled(inner), roles=roles, branch=branch)
        if kind in SEALED or kind == "ENTITY":
            subject = privacy.get("subject", AGENCY)
            subjects = tuple(cast("list[str]", subject)) if isinstance(subject, list) else (str(subject),)
            operation = "seal" if kind in SEALED else "entity" if channel in WITH_IDENTITY else "company"
            text = kind == "NARRATIVE"
            default = declared.get("default") if kind in SEALED else None
            restore, longest = _restorer(declared["type"]), _longest_code(declared)
            return Step(
                name, operation, subjects=subjects, restore=restore, text=text, longest=longest, default=default
            )
        return Step(name, "copy")

    return compiled(contract.schema)


def _longest_code(declared: AvroSchema) -> int:
    codes = declared.get("codes")
    if codes is None or array_items(declared["type"]) is not None:
        return 0
    return max(map(len, code_list(str(codes)).codes), default=0)


def _short(record: AvroSchema) -> str:
    return str(record["name"]).rsplit(".", 1)[-1]


def persons(contract: Contract, record: Mapping[str, object]) -> dict[str, Record]:
    """Return every person in *record* by path, such as `person` or `suspects[1]`."""
    return dict(_walk_persons(plan_of(contract, Channel.LEDGER), record, ""))


def without_persons(
    contract: Contract, record: Mapping[str, object], paths: Collection[str], roles: Collection[str]
) -> Record:
    """Return *record* without the persons at *paths* (each one of a list), for who may know of persons in *roles*.

    A text goes too unless *roles* covers victims, and whoever the lists that it is about may hold: a text can name
    somebody whom no field names. So does what a suspect is to the victim.
    """
    out = dict(record)
    plan = plan_of(contract, Channel.LEDGER)
    steps = {step.name: step for step in plan.steps}
    for step in steps.values():
        if step.kind == "records" and any(path.startswith(f"{step.name}[") for path in paths):
            several = cast("list[object]", record[step.name])
            out[step.name] = [one for i, one in enumerate(several) if f"{step.name}[{i}]" not in paths]
        elif step.kind == "seal":
            lists = [steps[name] for name in step.subjects if name in steps and steps[name].kind == "records"]
            named = {role for each in lists for role in each.roles} | (VICTIM_ROLES if step.text else set())
            if not named <= set(roles):
                out[step.name] = step.unsaid
    return out if set(roles) >= VICTIM_ROLES else _without_victims_relation(plan, out)


def _without_victims_relation(plan: Plan, record: Record) -> Record:
    """Return *record* without any person's relation to a victim: it tells who the victim is."""
    out = {**record, "relation_to_victim": []} if plan.name == PERSON else dict(record)
    for step in plan.steps:
        held = out.get(step.name)
        if step.plan is not None and isinstance(held, list):
            out[step.name] = [_without_victims_relation(step.plan, one) for one in held]
        elif step.plan is not None and held is not None:
            out[step.name] = _without_victims_relation(step.plan, cast("Record", held))
    return out


def _walk_persons(plan: Plan, record: Mapping[str, object], path: str) -> Iterator[tuple[str, Record]]:
    for step in plan.steps:
        value = record.get(step.name)
        if step.plan is None or value is None:
            continue
        here = f"{path}{step.name}"
        inner = (
            [(here, value)]
            if step.kind == "record"
            else [(f"{here}[{i}]", v) for i, v in enumerate(cast("list[object]", value))]
        )
        for inner_path, item in inner:
            if step.plan.name == PERSON:
                yield inner_path, cast("Record", item)
            yield from _walk_persons(step.plan, cast("Record", item), f"{inner_path}.")


def _restorer(declared: object) -> Callable[[object], object] | None:
    """Return what turns JSON back into the value that fastavro gives for the type; None when nothing has to."""
    if isinstance(declared, list):
        return next((found for branch in declared if (found := _restorer(branch))), None)
    if not isinstance(declared, dict):
        return None
    if declared.get("logicalType") == "date":
        return lambda value: dt.date.fromisoformat(cast("str", value))
    if str(declared.get("logicalType", "")).startswith("timestamp"):
        return lambda value: dt.datetime.fromisoformat(cast("str", value))
    if declared.get("type") == "array" and (item := _restorer(declared["items"])):
        return lambda value: [item(one) for one in cast("list[object]", value)]
    if declared.get("type") == "record":
        inner = {str(f["name"]): restore for f in fields_of(declared) if (restore := _restorer(f["type"]))}
        if inner:
            return lambda value: {
                k: inner[k](v) if k in inner and v is not None else v for k, v in cast("Record", value).items()
            }
    return None
