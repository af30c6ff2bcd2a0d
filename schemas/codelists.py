"""The code lists that coded fields name: data in `schemas/codes`, and the ISO lists from pycountry.

A code that is marked as not verified comes from memory or is a proposal of the hub; whoever prints it as an
official code checks it against its source first. A code is never removed, because old events hold it: what should
no longer be used is marked as deprecated. It stays valid; the linter and the reference say what to use instead.
"""

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Protocol, cast

import pycountry

from schemas.errors import MisuseError


class UnknownCodeListError(MisuseError):
    """No code list has this name."""

    code = "unknown-code-list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """Since when a code should no longer be used, and which codes of its list to use instead."""

    since: dt.date
    instead: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One code of a list."""

    code: str
    label: str
    definition: str = ""
    verified: bool
    """Whether the code was read in the source of its list; False for one from memory or of our own."""
    crosswalk: Mapping[str, str] = field(default_factory=dict, hash=False)
    """The same notion in other standards, by their name, such as `HTCDS`."""
    ictip_code: str | None = None
    """The code in IC-TIP, the classification for administrative data on trafficking in persons, once read there."""
    deprecated: Deprecation | None = None
    """Set when the code is only there for events of the past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """The values that a coded field may hold."""

    name: str
    title: str
    source: str
    codes: Mapping[str, Code] = field(hash=False)
    kept_for: str = ""
    """What a list that no field names is there for."""


class _IsoEntry(Protocol):
    """What pycountry gives for a country, a currency or a language."""

    alpha_3: str
    name: str


_ISO: dict[str, tuple[str, str, Iterable[object]]] = {
    "country": ("Country, three letters", "ISO 3166-1 alpha-3", pycountry.countries),
    "currency": ("Currency, three letters", "ISO 4217", pycountry.currencies),
    "language": ("Language, three letters", "ISO 639-3", pycountry.languages),
}


@cache
def code_list(name: str) -> CodeList:
    """Return the code list *name*; raise UnknownCodeListError when there is none."""
    if name in _ISO:
        return _from_pycountry(name)
    if name not in code_list_names():
        raise UnknownCodeListError(f"no code list of this name; the lists are: {', '.join(code_list_names())}")
    content = tomllib.loads((files("schemas") / "codes" / f"{name}.toml").read_text(encoding="utf-8"))
    entries = [code_of(entry) for entry in content["codes"]]
    return CodeList(
        name=name,
        title=content["title"],
        source=content["source"],
        codes=MappingProxyType({entry.code: entry for entry in entries}),
        kept_for=content.get("kept_for", ""),
    )


@cache
def code_list_names() -> tuple[str, ...]:
    """Return the names of all code lists, sorted."""
    entries = (entry.name for entry in (files("schemas") / "codes").iterdir())
    return tuple(sorted({name.removesuffix(".toml") for name in entries if name.endswith(".toml")} | _ISO.keys()))


def is_code(list_name: str, code: str) -> bool:
    """Return whether the list *list_name* has *code*; raise UnknownCodeListError when there is no list."""
    return code in code_list(list_name).codes


def where_to_look(name: str) -> str:
    """Return where a person finds the codes of the list *name*."""
    return _ISO[name][1] if name in _ISO else f"schemas/codes/{name}.toml"


def code_of(entry: Mapping[str, Any]) -> Code:
    """Return what an entry of a file describes; `deprecated = { since = 2026-01-01, instead = ["CODE"] }` marks it."""
    deprecated = entry.get("deprecated")
    if deprecated is None:
        return Code(**entry)
    deprecated = Deprecation(since=deprecated["since"], instead=tuple(deprecated["instead"]))
    return Code(**{**entry, "deprecated": deprecated})


def _from_pycountry(name: str) -> CodeList:
    title, source, entries = _ISO[name]
    codes = {
        entry.alpha_3: Code(code=entry.alpha_3, label=entry.name, verified=True)
        for entry in cast("Iterable[_IsoEntry]", entries)
    }
    return CodeList(name=name, title=title, source=source, codes=MappingProxyType(codes))
