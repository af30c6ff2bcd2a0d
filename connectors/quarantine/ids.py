"""How a refused record is named: whose it is, and its number in quarantine."""

import re
from dataclasses import dataclass
from typing import Self

from schemas.errors import MisuseError

_FORM = re.compile(r"([a-z0-9][a-z0-9-]{0,99})@(0|[1-9][0-9]{0,17})", re.ASCII)


class QuarantineIdError(MisuseError):
    """What was given names no record in quarantine."""

    code = "quarantine-id"


@dataclass(frozen=True, slots=True)
class QuarantineId:
    """Such as `rs-police@17`."""

    agency: str
    offset: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the id in *text*; raise QuarantineIdError."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise QuarantineIdError("give the id as `hub quarantine list` shows it, such as rs-police@17")
        return cls(found[1], int(found[2]))

    def __str__(self) -> str:
        return f"{self.agency}@{self.offset}"
