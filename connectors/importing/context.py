"""One row while its events are made: what the rules of a mapping read, and where they note faults and repairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connectors.importing.cleaning import Clean
from connectors.importing.rows import Fault


@dataclass(slots=True)
class Context:
    """One row while its events are made."""

    cells: Sequence[Clean]
    row: int
    file: str
    """SHA-256 of the file that the row comes from, hexadecimal."""
    faults: list[Fault] = field(default_factory=list)
    repairs: list[tuple[str, int]] = field(default_factory=list)
    """Rule, and place of the cell."""


Getter = Callable[[Context], object]
Test = Callable[[Sequence[Clean]], bool]
