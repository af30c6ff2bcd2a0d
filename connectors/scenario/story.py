"""What every story has: its draws, its references and ids, and the envelope of each of its events."""

from collections.abc import Mapping
from datetime import date
from typing import ClassVar

from connectors.scenario.cast import BASES, CODES
from connectors.scenario.distributions import DAY_MS
from connectors.scenario.draws import DRAW_BITS, Draws, bits, draws

Event = dict[str, object]
Moment = int
"""Milliseconds since the scenario began."""
Step = int
"""Which event of its story; each kind of story names its own."""
Plan = list[tuple[Moment, Step]]

KIND_LANE, BRANCH_LANE, WAIT_LANE, SUBJECT_LANE, DETAIL_LANE, OTHER_LANE = range(6)
EVENT_LANE = 64
"""Each step has a lane of its own from here on."""
REFERENCE_LANE = 256
"""Identifiers that are no event's, such as that of a referral, from here on."""
STEPS = 64

_QUICKEST_MS = 120_000
_SLOWEST_MS = 36_000_000
"""An event is recorded between two minutes and ten hours after it happened: less than the shortest wait."""
_EPOCH = date(1970, 1, 1).toordinal()
NARRATIVE = "Invented for a scenario; no such person exists."
_HANDLING = ("H0",) * 18 + ("H1", "H1", "H3")
_SOURCES = ("A", "A", "B")
_GRADES = ("1", "1", "2")


class Setting:
    """What all stories of a scenario share: from what chance is derived, when it begins, how dense it is."""

    __slots__ = ("epoch_ms", "first_day", "id_root", "root", "spacing_ms", "tag")

    def __init__(self, *, root: bytes, id_root: bytes, tag: str, first_day: date, spacing_ms: int) -> None:
        self.root = root
        self.id_root = id_root
        self.tag = tag
        self.first_day = first_day.toordinal()
        self.epoch_ms = (self.first_day - _EPOCH) * DAY_MS
        self.spacing_ms = spacing_ms


class Story:
    """One story; it holds nothing that its number does not give, so that it may be dropped and made again."""

    __slots__ = ("_branch", "_wait", "begins", "number", "setting")
    EVENT_TYPES: ClassVar[Mapping[Step, str]] = {}
    """The event type of each step."""

    def __init__(self, setting: Setting, number: int, begins: Moment) -> None:
        self.setting = setting
        self.number = number
        self.begins = begins
        self._branch: Draws | None = None
        self._wait: Draws | None = None

    def plan(self) -> Plan:
        """Return when which step of the story is told, in any order."""
        raise NotImplementedError

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        raise NotImplementedError

    @property
    def branch(self) -> Draws:
        """Return the draws that decide which turns the story takes."""
        if self._branch is None:
            self._branch = draws(self.setting.root, self.number, BRANCH_LANE)
        return self._branch

    @property
    def wait(self) -> Draws:
        """Return the draws that decide how long its steps take."""
        if self._wait is None:
            self._wait = draws(self.setting.root, self.number, WAIT_LANE)
        return self._wait

    def draws(self, lane: int) -> Draws:
        """Return the draws of *lane*."""
        return draws(self.setting.root, self.number, lane)

    def noise(self, step: Step) -> Draws:
        """Return the draws of *step* itself, for what nothing else depends on."""
        return draws(self.setting.root, self.number, EVENT_LANE + step)

    def when(self, step: Step) -> Moment:
        """Return when *step* is told; it is part of the plan."""
        return next(at for at, each in self.plan() if each == step)

    def has(self, step: Step) -> bool:
        """Return whether *step* is part of the plan."""
        return any(each == step for _, each in self.plan())

    def day(self, moment: Moment) -> int:
        """Return the ordinal of the day of *moment*."""
        return self.setting.first_day + moment // DAY_MS

    def reference(self, agency: str, letter: str = "") -> str:
        """Return a reference of *agency* for something of this story, another one in each run."""
        return f"{CODES[agency]}-{self.setting.tag}-{self.number}{letter}"

    def event_id(self, step: Step, at: Moment) -> str:
        """Return the id of the event of *step*, a UUID version 7 of when it was told."""
        value = bits(self.setting.id_root, self.number, EVENT_LANE + step)
        return _uuid(f"{self.setting.epoch_ms + at:012x}", 7, value)

    def identifier(self, which: int) -> str:
        """Return a random identifier of the story, a UUID version 4, such as that of a referral."""
        value = bits(self.setting.id_root, self.number, REFERENCE_LANE + which)
        return _uuid(f"{value >> 74:012x}", 4, value)

    def happened(self, at: Moment, noise: Draws) -> Moment:
        """Return when what is told at *at* happened, by the first draw of its *noise*."""
        return at - _QUICKEST_MS - (_SLOWEST_MS * noise[0] >> DRAW_BITS)

    def event(
        self,
        step: Step,
        at: Moment,
        noise: Draws,
        agency: str,
        content: Event,
        *,
        purpose: str,
        bases: tuple[str, ...] | None = None,
        case: str | None = "K",
        source: str | None = "CASE_MANAGEMENT",
        assertion: str = "FACT",
        tlp: str = "AMBER",
        corrects: str | None = None,
    ) -> tuple[str, Event]:
        """Return *agency* and the event of *step* with its envelope, the first draws of *noise* in it."""
        setting = self.setting
        envelope: Event = {
            "event_id": self.event_id(step, at),
            "agency": agency,
            "officer_ref": f"O-{100 + (40 * noise[1] >> DRAW_BITS)}",
            "occurred_at": moment_text(setting, self.happened(at, noise)),
            "recorded_at": moment_text(setting, at),
            "purpose": purpose,
            "legal_basis": list(bases or BASES[agency]),
            "assertion": assertion,
            "source_grade": _SOURCES[3 * noise[2] >> DRAW_BITS],
            "information_grade": _GRADES[noise[2] % 3],
            "handling": _HANDLING[21 * noise[3] >> DRAW_BITS],
            "tlp": tlp,
        }
        if case is not None:
            envelope["case_ref"] = f"{case}-{self.reference(agency)}"
        if source is not None:
            envelope["source_kind"] = source
        if corrects is not None:
            envelope["corrects"] = corrects
        return agency, {"event_type": self.EVENT_TYPES[step], "envelope": envelope, **content}


def _uuid(first: str, version: int, value: int) -> str:
    """Return a UUID of *first* (12 hexadecimal digits), *version* and the low 74 bits of *value* (RFC 9562)."""
    third = f"{version}{value & 0xFFF:03x}"
    fourth = f"{(value >> 12 & 0x3FFF) | 0x8000:04x}"
    return f"{first[:8]}-{first[8:]}-{third}-{fourth}-{value >> 26 & 0xFFFF_FFFF_FFFF:012x}"


def day_text(ordinal: int) -> str:
    """Return the day *ordinal* as YYYY-MM-DD."""
    return date.fromordinal(ordinal).isoformat()


def moment_text(setting: Setting, moment: Moment) -> str:
    """Return *moment* in ISO 8601, in UTC."""
    days, rest = divmod(moment, DAY_MS)
    seconds, thousandths = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    day = date.fromordinal(setting.first_day + days).isoformat()
    return f"{day}T{hour:02}:{minute:02}:{second:02}.{thousandths:03}Z"
