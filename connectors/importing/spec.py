"""A mapping as it is written: TOML, read into typed parts. What it means is checked in `check.py`.

[fields]                                     # of every event of a row
"envelope.purpose" = { value = "STATISTICS" }

[[events]]                                   # one for each event that a row may give
type = "PersonIdentified"

[events.fields]
"person.citizenships" = { column = "citizenship", convert = "alpha-2" }
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

Plain = str | int | float | bool | dt.datetime | dt.date
Literals = Plain | list[Plain]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Not(_Part):
    """Any text but these."""

    texts: list[str] = Field(alias="not")


Condition = dict[str, str | list[str] | Not]
"""Column -> the text that it must hold, or one of several, or `{ not = [...] }`. All must fit.

"" is an empty cell, "*" any other.
"""
When = Condition | list[Condition]
"""Several conditions: one of them must fit."""


class Constant(_Part):
    """A value that is the same for every row."""

    value: Literals


class Parameter(_Part):
    """A value that is given when the file is imported, with `--set NAME=VALUE`."""

    parameter: str


class Number(_Part):
    """How a number is written."""

    thousands: str = ""
    """A separator of thousands that is taken away and counted, such as ","."""
    decimal: str = "."
    suppressed: list[str] = []
    """Texts such as "<5" for which the field stays empty."""


class Column(_Part):
    """The value of one column, converted."""

    column: str
    map: dict[str, Literals] | str | None = None
    """Text of the cell -> value, or the name of a table of the mapping. What it does not have is refused."""
    otherwise: Literals | None = None
    """For every text that `map` does not have."""
    convert: Literal["alpha-2", "country-name", "language-name"] | None = None
    date: list[str] = []
    """Forms of strptime of which one must fit; `%Y` alone is the first day of the year."""
    last_day_of: Literal["year", "month"] | None = None
    zone: str | None = None
    """Zone of a moment without one, such as Europe/Belgrade."""
    number: Number | None = None
    split: str | None = None
    """What separates several values of one cell."""
    case: Literal["exact", "any"] = "exact"
    """`any` also takes values of `map` in other upper and lower case, and counts them."""
    missing: list[str] = []
    """Texts that mean "no value" in this column, beside those of the file."""
    omit: dict[str, str] = {}
    """Values that are left out and counted, each with the reason."""
    omit_like: dict[str, str] = {}
    """The same for every text that a regular expression fits as a whole."""
    empty: Literals | None = None
    """The value for an empty cell; without it the field is left out, or the row refused when it is mandatory."""
    required: bool = False


class Join(_Part):
    """The texts of several columns, one after the other."""

    join: list[str]
    separator: str = " "
    labels: bool = False
    """Whether each text begins with the name of its column."""


class Flags(_Part):
    """A list with one entry for each column that says yes (or no)."""

    flags: dict[str, str] | str
    """Column -> code, or the name of a table of the mapping."""
    yes: list[str] = ["1"]
    no: list[str] = ["0"]
    pick: Literal["yes", "no"] = "yes"


class Case(_Part):
    """One line of `cases`."""

    when: When
    value: Literals


class Cases(_Part):
    """The value of the first case whose condition fits."""

    cases: list[Case]
    otherwise: Literals | None = None
    """Without it a row that fits no case leaves the field out, or is refused when it is mandatory."""


class Group(_Part):
    """Woman, man, girl or boy: by sex, and by the age on the day of the event."""

    group_of: str
    """Column of the sex."""
    female: list[str]
    male: list[str]
    unknown: list[str] = []
    """Other values that are understood and give no group."""
    born: str
    """Column of the date of birth."""
    at: str
    """Column of the day on which the age counts."""
    date: list[str]
    """Forms of both dates."""


class Template(_Part):
    """A text with `{row}`, `{file}` and `{column}` filled in."""

    template: str


class Derived(_Part):
    """A UUID that is the same whenever the row is imported, one for each name."""

    uuid: str


class All(_Part):
    """The entries of several rules for a list, each entry once."""

    all: list["Rule"]


class First(_Part):
    """The value of the first of several rules that has one."""

    first: list["Rule"]


_KINDS: dict[str, type[_Part]] = {
    "value": Constant,
    "parameter": Parameter,
    "column": Column,
    "join": Join,
    "flags": Flags,
    "cases": Cases,
    "group_of": Group,
    "template": Template,
    "uuid": Derived,
    "all": All,
    "first": First,
}
KINDS = tuple(_KINDS)


def _kind(rule: object) -> str | None:
    found = [kind for kind in _KINDS if (kind in rule if isinstance(rule, dict) else hasattr(rule, kind))]
    return found[0] if len(found) == 1 else None


Rule = Annotated[
    Annotated[Constant, Tag("value")]
    | Annotated[Parameter, Tag("parameter")]
    | Annotated[Column, Tag("column")]
    | Annotated[Join, Tag("join")]
    | Annotated[Flags, Tag("flags")]
    | Annotated[Cases, Tag("cases")]
    | Annotated[Group, Tag("group_of")]
    | Annotated[Template, Tag("template")]
    | Annotated[Derived, Tag("uuid")]
    | Annotated[All, Tag("all")]
    | Annotated[First, Tag("first")],
    Discriminator(
        _kind,
        custom_error_type="rule",
        custom_error_message=f"a rule has exactly one of: {', '.join(KINDS)}",
    ),
]


class Entry(_Part):
    """One record of a list, such as a suspect."""

    fields: dict[str, Rule]
    when: When | None = None


class Event(_Part):
    """An event that a row gives when its condition fits."""

    type: str
    when: When | None = None
    fields: dict[str, Rule] = {}
    records: dict[str, list[Entry]] = {}
    """Path of a list of records -> its entries."""


class Check(_Part):
    """A rule over a row: it is refused, or counted and told in the summary."""

    rule: str
    when: When
    advice: str
    column: str = ""
    action: Literal["refuse", "report"] = "refuse"


class Unique(_Part):
    """Which columns tell rows apart: the same row again is a duplicate; the same key with other values is refused."""

    key: list[str]


class FileForm(_Part):
    """How the file is written."""

    encoding: str = "utf-8"
    delimiters: list[str] = [","]
    header_row: int = 1
    sheet: str | None = None
    merged_cells: Literal["refuse", "fill"] = "refuse"
    missing: list[str] = []
    """Texts that mean "no value" in every column; each use is counted."""
    optional: list[str] = []
    """Columns that the file may lack."""


class ParameterForm(_Part):
    """What somebody who imports a file has to say."""

    doc: str
    default: Plain | None = None


class Spec(_Part):
    """A whole mapping."""

    title: str
    source: str = ""
    notes: str = ""
    file: FileForm = FileForm()
    parameters: dict[str, ParameterForm] = {}
    ignored: dict[str, str] = {}
    """Column -> why it is left out."""
    values: dict[str, list[str]] = {}
    """Column that conditions read -> the texts that it may hold; every other is refused."""
    tables: dict[str, dict[str, Literals]] = {}
    fields: dict[str, Rule] = {}
    events: list[Event]
    checks: list[Check] = []
    unique: Unique | None = None


All.model_rebuild()
First.model_rebuild()
