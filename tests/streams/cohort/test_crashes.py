"""Crash, repeated delivery, stale ticks, withdrawals at any point: what left is what leaves without any of it."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from schemas.names import SubjectId
from streams.cohort.records import Arrived, Fact, Merged, Record, Ticked, Withdrawn
from streams.cohort.release import advance
from streams.cohort.rows import Tick
from tests.streams.cohort.population import AGENCIES, IDENTIFIED, KEYS, LAYOUT, PROTECTED, Release, forms, nodes

people = st.integers(0, 40).map(lambda number: SubjectId(f"s{number}"))


class Crashes(RuleBasedStateMachine):
    """A log that grows, a run that falls and gets up again, and one that reads the log without any trouble."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Record] = []
        self.run = Release()
        self.tick = 0

    @initialize()
    def begins(self) -> None:
        self.ticks()

    @rule(subject=people, agency=st.sampled_from(AGENCIES), values=nodes, form=forms)
    def tells(self, subject: SubjectId, agency: str, values: tuple[int, int], form: str | None) -> None:
        facts = (Fact(subject, IDENTIFIED, values, (form,)), Fact(subject, PROTECTED, values, ()))
        self.log.append(Arrived(len(self.log), agency, facts))  # type: ignore[arg-type]

    @rule(first=st.integers(0, 30), agency=st.integers(0, 2), values=nodes)
    def tells_of_many(self, first: int, agency: int, values: tuple[int, int]) -> None:
        for number in range(first, first + 8):
            fact = Fact(SubjectId(f"s{number}"), IDENTIFIED, values, ("X" if number % 2 else "Y",))
            self.log.append(Arrived(len(self.log), AGENCIES[(agency + number) % 3], (fact,)))

    @rule()
    def ticks(self) -> None:
        self.tick += 1
        self.log.append(Ticked(len(self.log), Tick(self.tick), 2))

    @rule(back=st.integers(0, 3), ticker=st.integers(1, 2))
    def ticks_stale(self, back: int, ticker: int) -> None:
        self.log.append(Ticked(len(self.log), Tick(self.tick - back), ticker))

    @rule(subject=people)
    def withdraws(self, subject: SubjectId) -> None:
        self.log.append(Withdrawn(len(self.log), subject))

    @rule(one=st.integers(0, 40), other=st.integers(0, 40))
    def merges(self, one: int, other: int) -> None:
        if one != other:
            older, younger = sorted((one, other))
            self.log.append(Merged(len(self.log), SubjectId(f"s{older}"), SubjectId(f"s{younger}")))

    @rule(count=st.integers(1, 20))
    def reads_on(self, count: int) -> None:
        start = self.run.state.next_position
        self.run.take(self.log[start : start + count])

    @rule(count=st.integers(1, 20))
    def dies_before_it_commits(self, count: int) -> None:
        start = self.run.state.next_position
        advance(self.run.state, self.log[start : start + count], layout=LAYOUT, keys=KEYS, spent=self.run.spent)

    @rule(back=st.integers(1, 30), count=st.integers(1, 40))
    def reads_again_what_it_read(self, back: int, count: int) -> None:
        start = max(self.run.state.next_position - back, 0)
        self.run.take(self.log[start : start + count])

    @invariant()
    def runs(self) -> None:
        assert not self.run.state.halted

    @invariant()
    def no_fact_leaves_twice(self) -> None:
        marks = [mark for step in self.run.steps for entry in step.entries for mark in entry.marks]
        assert len(marks) == len(set(marks))
        assert len({batch.id for batch in self.run.batches}) == len(self.run.batches)

    def teardown(self) -> None:
        self.run.take(self.log[self.run.state.next_position :])
        calm = Release()
        calm.take(self.log)
        assert [batch.digest for batch in self.run.batches] == [batch.digest for batch in calm.batches]
        assert self.run.batches == calm.batches
        assert self.run.state == calm.state
        assert self.run.spent == calm.spent


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
