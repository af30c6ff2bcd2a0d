"""How long something may take: hours until a warning, and until a breach."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from infra.topology.model import STRICT

EVERY_OTHER = "*"
"""Stands for whatever is not named."""
Standing = Literal["reached", "late", "open", "warned", "overdue"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How long one step may take."""

    __pydantic_config__ = STRICT
    warn_hours: float
    breach_hours: float

    @property
    def in_order(self) -> bool:
        """Whether it warns after more than nothing, and before the breach."""
        return 0 < self.warn_hours <= self.breach_hours < float("inf")

    def warn_at(self, began: dt.datetime) -> dt.datetime:
        """Return from when on it is late."""
        return began + dt.timedelta(hours=self.warn_hours)

    def breach_at(self, began: dt.datetime) -> dt.datetime:
        """Return from when on it is overdue."""
        return began + dt.timedelta(hours=self.breach_hours)


def standing_of(at: object, warn_at: object, due: object, now: dt.datetime) -> Standing:
    """Return how a step stands at *now* that was reached *at* a moment, or None, and has these limits, or none."""
    if isinstance(at, dt.datetime):
        return "late" if isinstance(due, dt.datetime) and at >= due else "reached"
    if isinstance(due, dt.datetime) and now >= due:
        return "overdue"
    return "warned" if isinstance(warn_at, dt.datetime) and now >= warn_at else "open"
