"""How often what happens: the tables of `distributions.toml`, read once and made ready for draws."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from connectors.scenario.draws import DRAW_BITS, Rates, Shares, limit_of

DAY_MS = 86_400_000
ASSUMPTION = "assumption"
"""A source that begins so cites nothing."""

Span = tuple[int, int]
"""From how many milliseconds on, and how many more at most."""


@cache
def tables() -> Mapping[str, Mapping[str, Any]]:
    """Return every table by its dotted name, as it is in the file."""
    text = (files("connectors") / "scenario" / "distributions.toml").read_text(encoding="utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(found: Mapping[str, Any], above: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, table in found.items():
        if "source" in table:
            yield above + name, table
        else:
            yield from _flat(table, f"{above}{name}.")


@cache
def shares(name: str) -> Shares:
    """Return the table *name* of codes of which one is drawn."""
    return Shares(tables()[name]["shares"])


@cache
def rates(name: str) -> Rates:
    """Return the table *name* of codes of which each is drawn by itself."""
    return Rates(tables()[name]["rates"])


@cache
def branch(name: str) -> int:
    """Return below which draw a story takes the turn *name*."""
    return limit_of(tables()["branches"]["rates"][name])


@cache
def tenths(name: str) -> tuple[int, ...]:
    """Return the middle value of each tenth."""
    return tuple(tables()[name]["tenths"])


@cache
def wait(name: str) -> Span:
    """Return how long the step *name* takes."""
    least, most = tables()["waits"]["days"][name]
    return int(least * DAY_MS), int((most - least) * DAY_MS)


def after(moment: int, span: Span, draw: int) -> int:
    """Return the moment that *draw* gives in *span* after *moment*."""
    return moment + span[0] + (span[1] * draw >> DRAW_BITS)
