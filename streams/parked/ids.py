"""How a parked record is named: `release:ledger-3@17` is offset 17 of partition 3 of the ledger, at release."""

import re
from dataclasses import dataclass
from typing import Self

from schemas.errors import MisuseError

_FORM = re.compile(r"([a-z][a-z0-9-]*):([A-Za-z0-9._-]+)-([0-9]{1,9})@([0-9]{1,18})")


class ParkedIdError(MisuseError):
    """A text that is no id of a parked record."""

    code = "parked-id"


@dataclass(frozen=True, slots=True, order=True)
class ParkedId:
    """Which record, at which processor."""

    processor: str
    topic: str
    partition: int
    offset: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the id that *text* writes; raise ParkedIdError when it is none."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ParkedIdError("an id is written like release:ledger-3@17; `hub parked list` shows those there are")
        return cls(found[1], found[2], int(found[3]), int(found[4]))

    @property
    def place(self) -> tuple[str, str, int]:
        """Return processor, topic and partition."""
        return (self.processor, self.topic, self.partition)

    @property
    def key(self) -> tuple[str, str, int, int]:
        """Return the primary key of the record in the table."""
        return (*self.place, self.offset)

    def __str__(self) -> str:
        return f"{self.processor}:{self.topic}-{self.partition}@{self.offset}"
