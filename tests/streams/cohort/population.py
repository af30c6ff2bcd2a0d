"""A small population for tests: two axes with inner nodes, two kinds of fact, three agencies; and what was seen."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from schemas.names import AgencyId, SubjectId
from streams.cohort import checking
from streams.cohort.axes import Axis
from streams.cohort.batches import Batch, Drafted, PublishedRow
from streams.cohort.parameters import OPEN, PARTNER, Parameters
from streams.cohort.records import Arrived, Fact, Record, Ticked
from streams.cohort.release import Keys, advance, marks_asked
from streams.cohort.rows import Kind, Layout, Place, Row, RowId, Tick
from streams.cohort.state import State, Step

GROUP = Axis.of(
    "group", {"ADULT": "*", "MINOR": "*", "WOMAN": "ADULT", "MAN": "ADULT", "GIRL": "MINOR", "BOY": "MINOR"}
)
COUNTRY = Axis.of("country", {"EU": "*", "AS": "*", "RO": "EU", "BG": "EU", "MD": "EU", "PH": "AS", "TH": "AS"})
IDENTIFIED, PROTECTED = Kind("identified"), Kind("protected")
LAYOUT = Layout("victims", (GROUP, COUNTRY), {IDENTIFIED: ("form",), PROTECTED: ()})
A, B, C = AGENCIES = AgencyId("a"), AgencyId("b"), AgencyId("c")
RULE = Parameters(k=4, net=2, embargo=2, deadline=5, tiers=(PARTNER, OPEN))
KEYS = Keys(b"o" * 32, b"l" * 32)


def row(number: int, *, agency: AgencyId = A, values: tuple[int, int] = (4, 4), form: str | None = None) -> Row:
    """Return a row of person *number* that arrived at tick 0."""
    subject = SubjectId(f"s{number}")
    return Row(RowId(subject, IDENTIFIED), frozenset({agency}), values, (form,), Tick(0), Place(number, 0))


nodes = st.tuples(st.integers(1, len(GROUP.codes) - 1), st.integers(1, len(COUNTRY.codes) - 1))
forms = st.sampled_from([None, "LABOUR", "SEXUAL"])
told_by = st.sets(st.sampled_from(AGENCIES), min_size=1, max_size=2).map(frozenset)


@st.composite
def pools(draw: st.DrawFn, most: int = 40) -> list[Row]:
    """Draw rows of different persons, of any age."""
    count = draw(st.integers(0, most))
    return [
        Row(
            RowId(SubjectId(f"s{number}"), IDENTIFIED),
            draw(told_by),
            draw(nodes),
            (draw(forms),),
            Tick(draw(st.integers(0, 6))),
            Place(number, 0),
        )
        for number in range(count)
    ]


@st.composite
def logs(draw: st.DrawFn, days: int = 12, each_day: int = 9) -> list[Record]:
    """Draw some days of events: few persons, so that facts repeat, and one tick a day."""
    records: list[Record] = []
    frozen: dict[str, tuple[int, int]] = {}
    for day in range(1, days + 1):
        records.append(Ticked(len(records), Tick(day), 1))
        for _ in range(draw(st.integers(0, each_day))):
            name = f"s{draw(st.integers(0, 80))}"
            values = frozen.setdefault(name, draw(nodes))
            kind = draw(st.sampled_from([IDENTIFIED, PROTECTED]))
            sensitive = (draw(forms),) if kind == IDENTIFIED else ()
            fact = Fact(SubjectId(name), kind, values, sensitive)
            records.append(Arrived(len(records), draw(st.sampled_from(AGENCIES)), (fact,)))
    return records


@dataclass
class Release:
    """A population as it runs, with what a test knows and no reader does."""

    rule: Parameters = RULE
    checked: bool = True
    state: State = field(init=False)
    spent: set[bytes] = field(default_factory=set)
    batches: list[Batch] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    drafts: list[tuple[Tick, list[Drafted]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State.first(LAYOUT, self.rule)

    def take(self, records: Sequence[Record]) -> Step:
        """Take *records* as one transaction."""
        asked = marks_asked(records, LAYOUT, KEYS.ledger)
        step = advance(self.state, records, layout=LAYOUT, keys=KEYS, spent=self.spent & asked)
        self.state = step.state
        self.spent |= step.spent
        self.batches += step.leaving
        self.steps.append(step)
        return step

    def watch(self, drafts: list[Drafted], **given: Any) -> list[str]:
        """Keep what is about to leave; stands in the place of `checking.problems`."""
        if drafts:
            self.drafts.append((given["now"], drafts))
        return checking.problems(drafts, **given) if self.checked else []


def classes(pairs: Iterable[tuple[Row, PublishedRow]]) -> dict[object, list[tuple[Row, PublishedRow]]]:
    """Return what a reader sees as classes."""
    found: dict[object, list[tuple[Row, PublishedRow]]] = defaultdict(list)
    for source, shown in pairs:
        found[shown.kind, shown.label].append((source, shown))
    return found
