"""The catalogue of indicators: data in `data/*.toml`, read strictly; a field that nobody knows does not load."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import TypeAdapter, ValidationError

from projections.indicators.entries import Indicator, SameAs, Source
from schemas.errors import MisuseError, Problem

GUIDELINES = "GUIDELINES_D"
FILES = (
    "supporting_framework",
    "prevention",
    "protection",
    "prosecution",
    "sdg",
    "glotip",
    "eurostat",
    "greta",
)
"""In the order in which they are shown, and in which figures are published."""
_HEAD = frozenset({"title", "framework", "chapter", "source", "verified", "indicators"})
_ADAPTER = TypeAdapter(Indicator)


class UnfitCatalogueError(MisuseError):
    """The catalogue of indicators is not what it should be; holds all problems at once."""

    code = "unfit-catalogue"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class UnknownIndicatorError(MisuseError):
    """No indicator has this id."""

    code = "unknown-indicator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One file of the catalogue."""

    name: str
    title: str
    framework: str
    source: str
    indicators: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All indicators, in order."""

    chapters: tuple[Chapter, ...]

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """Return every indicator in the order of the chapters."""
        return tuple(entry for chapter in self.chapters for entry in chapter.indicators)

    def get(self, wanted: str) -> Indicator:
        """Return the indicator *wanted*; raise UnknownIndicatorError when there is none."""
        found = next((entry for entry in self.indicators if entry.id == wanted), None)
        if found is None:
            raise UnknownIndicatorError("no such indicator; `hub indicator list` shows them all")
        return found

    def measured(self, entry: Indicator) -> Indicator:
        """Return the entry whose measure gives the figure of *entry*: itself, or the one that it is the same as."""
        return self.measured(self.get(entry.measure.indicator)) if isinstance(entry.measure, SameAs) else entry

    def source_of(self, entry: Indicator) -> Source:
        """Return where the figure of *entry* comes from."""
        return self.measured(entry).source


@cache
def catalogue() -> Catalogue:
    """Return the catalogue; raise UnfitCatalogueError when a file does not fit."""
    return read({name: _text(name) for name in FILES})


def read(texts: Mapping[str, str]) -> Catalogue:
    """Return the catalogue that the files *texts* hold, by name; raise UnfitCatalogueError with all problems."""
    problems: list[Problem] = []
    chapters = tuple(_chapter(name, tomllib.loads(text), problems) for name, text in texts.items())
    if problems:
        raise UnfitCatalogueError(tuple(sorted(problems)))
    return Catalogue(chapters=chapters)


def _text(name: str) -> str:
    return (files("projections.indicators") / "data" / f"{name}.toml").read_text(encoding="utf-8")


def _chapter(name: str, content: Mapping[str, Any], problems: list[Problem]) -> Chapter:
    problems += [
        Problem(name, "unfit-file", f"the head of a file holds {', '.join(sorted(_HEAD))}")
        for _ in range(content.keys() != _HEAD)
    ]
    entries = []
    shared = {key: content.get(key) for key in ("framework", "chapter", "verified")}
    for wanted, said in content.get("indicators", {}).items():
        try:
            entries.append(_ADAPTER.validate_python({**shared, "id": wanted, **said}))
        except ValidationError as error:
            problems += [
                Problem(".".join(map(str, (wanted, *each["loc"]))), "unfit-entry", each["msg"])
                for each in error.errors(include_input=False, include_url=False)
            ]
    return Chapter(
        name=name,
        title=str(content.get("title")),
        framework=str(content.get("framework")),
        source=str(content.get("source")),
        indicators=tuple(entries),
    )
