"""Texts that are made: of several columns, of a template, of file and row."""

import datetime as dt
from collections.abc import Mapping

from connectors.event_ids import row_event_id
from connectors.importing.cleaning import Clean
from connectors.importing.context import Context, Getter
from connectors.importing.rows import Fault
from connectors.importing.spec import Derived, Join, Template
from connectors.importing.walking import FILE, ROW, places_of

FILE_CHARS = 12
"""Of the digest of a file, in references: enough to tell the files of an agency apart."""


def join_getter(rule: Join, place_by_column: Mapping[str, int]) -> Getter:
    """Return what puts the texts of several columns one after the other."""
    places = [(place_by_column[name], name) for name in rule.join if name in place_by_column]

    def get(context: Context) -> object:
        texts = [(name, _plain(context.cells[place])) for place, name in places if context.cells[place] is not None]
        return rule.separator.join(f"{name}: {text}" if rule.labels else text for name, text in texts) or None

    return get


def template_getter(rule: Template, place_by_column: Mapping[str, int]) -> Getter:
    """Return what fills a template; an empty cell that it needs is a fault."""
    names = places_of(rule.template)

    def get(context: Context) -> object:
        text = rule.template
        for name in names:
            value = _of_place(context, name, place_by_column)
            if value is None:
                context.faults.append(Fault(name, "empty-cell", "give the cell a value: a reference is made from it"))
                return None
            text = text.replace(f"{{{name}}}", value)
        return text

    return get


def uuid_getter(rule: Derived, key: bytes) -> Getter:
    """Return what makes a UUID from file and row."""
    return lambda context: row_event_id(key, context.file, context.row, rule.uuid)


def _of_place(context: Context, name: str, place_by_column: Mapping[str, int]) -> str | None:
    if name == ROW:
        return str(context.row)
    if name == FILE:
        return context.file[:FILE_CHARS]
    place = place_by_column.get(name)
    cell = None if place is None else context.cells[place]
    return None if cell is None else _plain(cell)


def _plain(cell: Clean) -> str:
    if isinstance(cell, tuple):
        return "; ".join(cell)
    return cell.isoformat() if isinstance(cell, dt.date) else cell or ""
