"""A whole cell becomes the value of a field: one text or several, a date of Excel, a value that is left out."""

import datetime as dt
import re
from collections.abc import Callable

from connectors.importing.cleaning import Clean
from connectors.importing.converting import Convert, Converted, moment_of
from connectors.importing.spec import Column
from connectors.importing.targets import Target


def cell_converter(rule: Column, to: Target, one: Convert) -> Callable[[Clean], Converted]:
    """Return what converts a whole cell, with several values in it when the rule splits."""
    missing = frozenset(rule.missing)
    omitted = [re.compile(pattern) for pattern in rule.omit_like]

    def of_text(text: str) -> Converted:
        if text in missing:
            return Converted(repairs=("missing-marker",))
        if text in rule.omit or any(pattern.fullmatch(text) for pattern in omitted):
            return Converted(repairs=("left-out",))
        return one(text)

    def convert(cell: Clean) -> Converted:
        if isinstance(cell, dt.date):
            if rule.date:
                return moment_of(cell, rule, to.scalar)
            return Converted(
                rule="excel-date", advice="Excel made a date of it: format the cell as text and write it again"
            )
        if isinstance(cell, tuple) or rule.split:
            return _of_list(cell, rule, to, of_text)
        assert isinstance(cell, str)
        found = of_text(cell)
        if to.is_list and found.value is not None and not isinstance(found.value, list):
            return Converted([found.value], found.repairs)
        return found

    return convert


def _of_list(cell: Clean, rule: Column, to: Target, of_text: Convert) -> Converted:
    if not to.is_list:
        return Converted(rule="list", advice="give one value, not a list")
    texts = cell if isinstance(cell, tuple) else str(cell).split(rule.split)
    values: dict[object, None] = {}
    repairs: list[str] = []
    for text in texts:
        stripped = text.strip()
        if stripped != text.strip(" "):
            repairs.append("trimmed")
        if not stripped:
            continue
        found = of_text(stripped)
        if found.rule:
            return found
        repairs += found.repairs
        values |= dict.fromkeys(found.value if isinstance(found.value, list) else [found.value])
    values.pop(None, None)
    return Converted([*values] or None, tuple(dict.fromkeys(repairs)))
