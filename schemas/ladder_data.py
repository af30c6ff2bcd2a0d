"""Reads the published ladders, data in `schemas/ladders`: for each level what every code of the ladder becomes there.

A file has the levels, finest first, each with its source; the last one, `*`, is everything and is in no file. A level
says what becomes of each code of the level before it: `groups`, a `crosswalk` of a code list, `bands` that hold it,
`all_become`, or that it `stays`, or that it lies `outside` of everything but `*`. What is left unsaid does not load.
"""

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from schemas.codelists import code_list
from schemas.errors import MisuseError

EVERYTHING = "*"
"""The last level of every ladder, and the one code on it."""

Tables = tuple[Mapping[str, str], ...]
"""For each level what every code of the ladder becomes there."""


class UnfitLadderError(MisuseError):
    """The file of a ladder is no tree over its code lists."""

    code = "unfit-ladder"


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderFile:
    """A ladder as its file says it."""

    name: str
    title: str
    takes: str
    """What goes in: `codes`, `age`, `date`, or a number of `days` or `months`."""
    note: str
    code_lists: tuple[str, ...]
    """The code lists whose fields may name this ladder."""
    not_reported: frozenset[str]
    """Codes that say that nothing is known."""
    any_text: bool
    """Whether the fields hold text as well, of which no more can be said than everything."""
    levels: tuple[str, ...]
    sources: Mapping[str, str]
    """What each level was taken from."""
    content: Mapping[str, Any] = field(repr=False)


@cache
def ladder_files() -> Mapping[str, LadderFile]:
    """Return the file of every ladder, by its name."""
    entries = (entry.name for entry in (files("schemas") / "ladders").iterdir())
    return {
        name: _read(name) for name in sorted(each.removesuffix(".toml") for each in entries if each.endswith(".toml"))
    }


def tables_of(ladder: LadderFile) -> Tables:
    """Return what each code becomes on each level, `*` included; raise UnfitLadderError unless that is a tree."""
    declared = ladder.content["levels"]
    now: dict[str, str] = {}
    found: list[dict[str, str]] = []
    for level in declared:
        groups = _groups(ladder, level, set(now.values()))
        if lost := sorted(set(now.values()) - groups.keys()):
            raise UnfitLadderError(f"{ladder.name}, {level['name']}: say what becomes of {', '.join(lost)}")
        now = {code: groups[before] for code, before in now.items()}
        came = dict.fromkeys((*groups.values(), *_entering(ladder, level)))
        now |= {code: code for code in came if code not in now and code != EVERYTHING}
        found.append(dict(now))
    for code, node in _bands_entering(ladder, set(now)):
        for level in found:
            level[code] = level.get(node, node)
        now[code] = now[node]
    known = ladder.not_reported | now.keys()
    for name in ladder.code_lists:
        if lost := sorted(code_list(name).codes.keys() - known):
            raise UnfitLadderError(f"{ladder.name}: say where the codes {', '.join(lost)} of the list {name} enter")
    filled = [{code: level.get(code, code) for code in (*now, EVERYTHING)} for level in found]
    return (*filled, dict.fromkeys(filled[-1], EVERYTHING))


def labels_of(ladder: LadderFile) -> Mapping[str, str]:
    """Return what the codes of the code lists and places of *ladder* are called; a code of its own says it itself."""
    found = {code.code: code.label for name in ladder.code_lists for code in code_list(name).codes.values()}
    return found | {row["municipality"]: row["name"] for row in _places(ladder)}


def _read(name: str) -> LadderFile:
    content = tomllib.loads((files("schemas") / "ladders" / f"{name}.toml").read_text(encoding="utf-8"))
    levels = tuple(str(level["name"]) for level in content["levels"])
    return LadderFile(
        name=name,
        title=content["title"],
        takes=content["takes"],
        note=content["note"],
        code_lists=tuple(content["code_lists"]),
        not_reported=frozenset(content["not_reported"]),
        any_text=content.get("any_text", False),
        levels=(*levels, EVERYTHING),
        sources={level["name"]: level["source"] for level in content["levels"]},
        content=content,
    )


def _groups(ladder: LadderFile, level: Mapping[str, Any], before: set[str]) -> Mapping[str, str]:
    """Return what each code of the level before becomes on *level*; raise UnfitLadderError where that is two things."""
    found: dict[str, str] = {}
    for code, becomes in _said(ladder, level, before):
        if found.setdefault(code, becomes) != becomes:
            raise UnfitLadderError(f"{ladder.name}, {level['name']}: {code} is in two groups")
    return found


def _said(ladder: LadderFile, level: Mapping[str, Any], before: set[str]) -> Iterator[tuple[str, str]]:
    yield EVERYTHING, EVERYTHING
    yield from ((code, code) for code in level.get("stays", ()))
    yield from ((code, EVERYTHING) for code in level.get("outside", ()))
    yield from ((member, code) for code, members in level.get("groups", {}).items() for member in members)
    if "crosswalk" in level:
        codes = [code for name in ladder.code_lists for code in code_list(name).codes.values()]
        walks = ((code.code, code.crosswalk.get(level["crosswalk"])) for code in codes)
        yield from ((code, other) for code, other in walks if other is not None)
    if "all_become" in level:
        yield from ((code, str(level["all_become"])) for code in before)
    for band in level.get("bands", ()):
        name = level.get("names", {}).get(band, band)
        yield from ((code, name) for code in before if _within(code, band))
        yield name, name
    yield from _rows(ladder, str(level["name"]))


def _entering(ladder: LadderFile, level: Mapping[str, Any]) -> Iterator[str]:
    for name in level.get("code_lists", ()):
        yield from (code for code in code_list(name).codes if code not in ladder.not_reported)


def _bands_entering(ladder: LadderFile, known: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each band of the code lists that is none of the ladder's, with the smallest of those that holds it."""
    if ladder.takes != "age":
        return
    nodes = [
        (band, level.get("names", {}).get(band, band)) for level in ladder.content["levels"] for band in level["bands"]
    ]
    for name in ladder.code_lists:
        for code in (code for code in code_list(name).codes if code not in known | ladder.not_reported):
            yield code, next(node for band, node in nodes if _within(code, band))


def _within(code: str, band: str) -> bool:
    """Return whether the years of *code* (`24-26`, `48+`) all lie in *band*."""
    inner, outer = years_of(code), years_of(band)
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def years_of(band: str) -> tuple[float, float]:
    """Return the first and the last year of a band such as `5-9`, the last of `65+` infinite."""
    first, _, last = band.removesuffix("+").partition("-")
    return float(first), float("inf") if band.endswith("+") else float(last)


def _rows(ladder: LadderFile, level: str) -> Iterator[tuple[str, str]]:
    columns = ("municipality", "region", "country")
    if level not in columns:
        return
    finer = columns[max(columns.index(level) - 1, 0)]
    yield from ((row[finer], row[level]) for row in _places(ladder))


def _places(ladder: LadderFile) -> Iterator[Mapping[str, str]]:
    """Yield the rows of the table beside the file; raise UnfitLadderError for one that names too few people."""
    if (table := ladder.content.get("table")) is None:
        return
    least = int(ladder.content["at_least_inhabitants"])
    text = (files("schemas") / "ladders" / str(table)).read_text(encoding="utf-8")
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        if int(row["inhabitants"]) < least:
            raise UnfitLadderError(f"{ladder.name}: {row['municipality']} has fewer than {least} inhabitants")
        yield row
