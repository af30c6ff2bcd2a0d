"""What agencies return as figures and surveys, by the code that the event names: data in `returned_figures.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedFigure:
    """A figure that an agency declares, `indicator` of IndicatorReturned."""

    code: str
    framework: str
    """Code of the list `indicator_framework`."""
    unit: str
    """Code of the list `statistic_unit`."""
    together: str
    """How the figures of several agencies become one: `latest`, `sum`, or `ratio` of numerators and denominators."""


@cache
def returned_figures() -> Mapping[str, ReturnedFigure]:
    """Return every figure that is declared, by its code, in the order of the catalogue of indicators."""
    entries: Mapping[str, Mapping[str, str]] = _content()["figures"]
    return MappingProxyType({code: ReturnedFigure(code=code, **said) for code, said in entries.items()})


@cache
def returned_surveys() -> Mapping[str, str]:
    """Return the population that is asked, a code of the list `survey_population`, by the code of the indicator."""
    entries: Mapping[str, Mapping[str, str]] = _content()["surveys"]
    return MappingProxyType({code: said["population"] for code, said in entries.items()})


@cache
def _content() -> Mapping[str, Any]:
    return tomllib.loads((files("schemas") / "returned_figures.toml").read_text(encoding="utf-8"))
