"""What the non-personal channels carry: kinds of fact, their columns, and the codes that a column can hold."""

from collections.abc import Mapping
from functools import cache

from projections.indicators.entries import Indicator, OverFacts, OverPersons, Ratio
from schemas.channel_rules import Column, Kind, kinds
from schemas.codelists import code_list
from schemas.generalising import EVERYTHING, ladder

CHANNELS = ("anon", "facts")


def kind_of(name: str, *channels: str) -> Kind | None:
    """Return the kind of fact *name* of *channels* (all when none is named), None when they do not carry it.

    A kind that is split by a column goes by the event type, one person a row, or has a code after a colon.
    """
    event_type, _, code = name.partition(":")
    found = next((found for each in channels or CHANNELS if (found := kinds(each).get(event_type))), None)
    return None if found is None or (code and not _splits_into(found, code)) else found


def _splits_into(kind: Kind, code: str) -> bool:
    """Return whether *kind* is split by a column that can hold *code*."""
    split = next((column for column in kind.columns if column.name == kind.split), None)
    codes = None if split is None else split.sources[0].field.text("codes")
    return codes is not None and code in code_list(codes).codes


def column_of(kind: str, name: str) -> Column | None:
    """Return the column *name* of *kind*, None when no channel carries it."""
    found = kind_of(kind)
    return next((column for column in found.columns if column.name == name), None) if found else None


@cache
def carried_codes(kind: str, name: str) -> frozenset[str]:
    """Return every code that the column may hold on its level or coarser; empty for one that holds no codes."""
    column = column_of(kind, name)
    found: set[str] = set()
    for source in column.sources if column else ():
        codes, step = source.field.text("codes"), source.field.privacy.get("ladder")
        if step is not None and source.level is not None:
            steps = ladder(str(step))
            levels = steps.levels[steps.levels.index(source.level) : -1]
            found |= {code for level in levels for code in steps.table(level).values() if code is not None}
        elif codes is not None:
            found |= code_list(codes).codes.keys()
    found.discard(EVERYTHING)
    return frozenset(found)


def fields_of(entry: Indicator) -> Mapping[str, tuple[str, ...]]:
    """Return the event types that tell the indicator, with the fields of theirs that are read."""
    if entry.events:
        return entry.events
    measure = entry.measure
    if not isinstance(measure, OverPersons | OverFacts):
        return {}
    names = {measure.kind: {*measure.where, *entry.by.values()}}
    for attribute in ("column", "of_column"):
        names[measure.kind] |= {getattr(measure, attribute)} if hasattr(measure, attribute) else set()
    names[measure.kind] |= set(getattr(measure, "among", {}))
    if isinstance(measure, Ratio):
        names.setdefault(measure.of_kind, set()).update({*measure.of_where, *entry.by.values()})
    return {kind.partition(":")[0]: _paths(kind, columns) for kind, columns in names.items()}


def _paths(kind: str, columns: set[str]) -> tuple[str, ...]:
    found = (column_of(kind, name) for name in sorted(columns))
    return tuple(dict.fromkeys(source.path for column in found if column for source in column.sources))


def tiers_of(entry: Indicator) -> tuple[str, ...]:
    """Return the tiers whose columns suffice for the figure itself, whatever it is broken down by."""
    measure = entry.measure
    if not isinstance(measure, OverPersons | OverFacts) or entry.lacks:
        return ()
    asked = [(measure.kind, name) for name in (*measure.where, *getattr(measure, "among", {}))]
    asked += [(measure.kind, getattr(measure, each)) for each in ("column", "of_column") if hasattr(measure, each)]
    if isinstance(measure, Ratio):
        asked += [(measure.of_kind, name) for name in measure.of_where]
    columns = [column_of(kind, name) for kind, name in asked]
    return tuple(tier for tier in ("partner", "open") if all(each and tier in each.tiers for each in columns))
