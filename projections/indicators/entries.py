"""What an entry of the catalogue of indicators holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import ConfigDict

Where = Mapping[str, tuple[str, ...]]
"""Columns, and the codes of which one must be there; empty: every row."""

_STRICT = ConfigDict(extra="forbid")


class Source(StrEnum):
    """Where the figure comes from."""

    COMPUTED = "computed"
    """Folded from what channels carry, or from the catalogue itself."""
    RETURNED = "returned"
    """Declared by an agency: IndicatorReturned, SurveyReturned."""
    NEITHER = "neither"
    """Events tell it, but no channel carries what it needs; the entry says what is lacking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many persons have a row of *kind* that meets *where*."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["count"]
    kind: str
    where: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Percentage of the rows meeting *where*, of those that meet *among* and of which it is known."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["share"]
    kind: str
    where: Where
    among: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Percentage of one count in another; rows of one person are never linked."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["ratio"]
    kind: str
    where: Where
    of_kind: str
    of_where: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanOfBands:
    """Mean over the bands of a column, each taken at its middle; exact values never leave."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["mean_of_bands"]
    kind: str
    column: str
    bands: Mapping[str, float]
    """Code of each band, and what stands for it, in the unit of the indicator."""
    where: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Sum of a figure of facts."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["sum"]
    kind: str
    column: str
    where: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumRatio:
    """Percentage of one sum in another, over facts that have both."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["sum_ratio"]
    kind: str
    column: str
    of_column: str
    where: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What agencies declare: the latest figure, the sum of all, or the ratio of their numerators and denominators."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["returned"]
    fold: Literal["latest", "sum", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a survey among *population* found."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["survey"]
    population: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverCatalogue:
    """What the figures of the catalogue itself say."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["catalogue"]
    asks: Literal["full_actual_data", "regular_reports"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SameAs:
    """The figure of another entry, under its own name and place in the guidelines."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["same_as"]
    indicator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No fold: `reason` says what events would have to give."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    form: Literal["none"]


OverPersons = Count | Share | Ratio | MeanOfBands
OverFacts = Sum | SumRatio
Measure = Count | Share | Ratio | MeanOfBands | Sum | SumRatio | Returned | Survey | OverCatalogue | SameAs | Nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One indicator: what it is, in whose words, and how its figure comes about."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    id: str
    """Such as `C.3.1-2`, the second of goal C.3.1, or `C.3.1.a-1`, the first of its objective (a)."""
    framework: str
    chapter: str
    section: str
    wording: str
    """As the source has it."""
    definition: str
    unit: str
    period: Literal["month", "year"]
    measure: Measure = field(metadata={"discriminator": "form"})
    numerator: str = ""
    denominator: str = ""
    by: Mapping[str, str] = field(default_factory=dict)
    """What it is broken down by, and the column that says it."""
    by_lacks: Mapping[str, str] = field(default_factory=dict)
    """What it is not broken down by, and why."""
    events: Where = field(default_factory=dict)
    """Event types and their fields that tell it, where the channel does not say so."""
    lacks: tuple[str, ...] = ()
    """Columns that no channel carries yet, `Kind.column`."""
    reason: str = ""
    """What it needs that events or channels do not give."""
    caveat: str = ""
    """How the figure differs from what the words say."""
    printed_as: str = ""
    """Section as printed, where that is ambiguous."""
    returned_as: str = ""
    """What `indicator` of IndicatorReturned says, where that is not the id."""
    verified: bool
    """Whether the words were read in the source; False for those from memory or second hand."""

    @property
    def source(self) -> Source:
        """Where the figure comes from; of one that is the same as another ask the catalogue."""
        if isinstance(self.measure, Returned | Survey):
            return Source.RETURNED
        return Source.NEITHER if isinstance(self.measure, Nothing) or self.lacks else Source.COMPUTED

    @property
    def code(self) -> str:
        """What `indicator` of a returned figure says."""
        return self.returned_as or self.id
