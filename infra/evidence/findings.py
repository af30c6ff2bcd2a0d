"""What a check of evidence has found: everything that is wrong, where, and what could not be checked."""

from dataclasses import dataclass, field

LISTED_MAX = 1000
"""So many findings are listed; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong: in which line of the file, at which place of which source, and what it means."""

    line: int
    source: str
    position: int | None
    rule: str
    meaning: str

    def __str__(self) -> str:
        place = f"line {self.line}"
        if self.source:
            place += f", {self.source}"
        if self.position is not None:
            place += f" position {self.position}"
        return f"{place}: {self.rule}: {self.meaning}"


@dataclass(slots=True)
class Findings:
    """What a check has found so far, and where it is."""

    line: int = 0
    source: str = ""
    position: int | None = None
    statements: int = 0
    accepted: int = 0
    refused: int = 0
    stamps: int = 0
    problems: list[Finding] = field(default_factory=list)
    left_out: int = 0
    notes: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    """What was read of each source: nobody should take a part for the whole."""

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def wrong(self, rule: str, meaning: str, position: int | None = None) -> None:
        """Note what is wrong here, or at *position* of the source."""
        if len(self.problems) >= LISTED_MAX:
            self.left_out += 1
            return
        at = self.position if position is None else position
        self.problems.append(Finding(line=self.line, source=self.source, position=at, rule=rule, meaning=meaning))

    def note(self, text: str) -> None:
        """Note, once, what a reader should know of a check that went well."""
        if text not in self.notes:
            self.notes.append(text)
