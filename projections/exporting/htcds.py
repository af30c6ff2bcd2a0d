"""Names and values of HTCDS for released columns: data in `data/htcds.toml`, read strictly."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

from projections.indicators.figures import Row
from projections.indicators.selecting import said
from schemas.codelists import is_code

EVERY_KIND = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the standard, and what fills it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    meaning: str
    columns: Mapping[str, str]
    """By event type, the column that is read; `*` for every one that has it."""
    values: Mapping[str, str] = field(default_factory=dict)
    """By code of the hub, the value of the standard; others the standard cannot say."""
    keep: Literal["country"] | None = None
    """Codes that are the same in the standard."""

    def of(self, row: Row) -> tuple[str, ...]:
        """Return what the standard can say of *row*; empty when it says nothing, or nothing that the standard has."""
        column = self.columns.get(row.kind.partition(":")[0]) or self.columns.get(EVERY_KIND)
        codes = said(row.get(column)) if column else ()
        if self.keep:
            return tuple(code for code in codes if is_code(self.keep, code))
        return tuple(dict.fromkeys(self.values[code] for code in codes if code in self.values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """The mapping: fields by name, in the order of the standard."""

    title: str
    source: str
    about: str
    fields: Mapping[str, Field]


@cache
def standard() -> Standard:
    """Return the mapping; raise pydantic's ValidationError when the file does not fit."""
    content = tomllib.loads((files("projections.exporting") / "data" / "htcds.toml").read_text(encoding="utf-8"))
    for each in content["fields"].values():
        each["columns"] = each.pop("from")
    return TypeAdapter(Standard).validate_python(content)
