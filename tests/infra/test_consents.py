"""Consents that were told: what is given holds, what is withdrawn holds no more, in whatever order it is told again."""

import datetime as dt
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.consents import ConsentBook, ConsentFact
from schemas.names import AgencyId, PartnerId, SubjectId

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
ME, OTHER_ID = SubjectId("s1"), SubjectId("s2")


def fact(*, withdrawn: bool = False, **changes: Any) -> ConsentFact:
    content: dict[str, Any] = {
        "event_id": "e",
        "agency": AgencyId("rs-police"),
        "consent_id": "c1",
        "withdrawn": withdrawn,
        "subjects": frozenset({ME}),
        "recipients": () if withdrawn else (PartnerId("rs-counselling"), PartnerId("europol")),
        "purposes": () if withdrawn else ("REFER", "PROTECT"),
        "categories": frozenset() if withdrawn else frozenset({"PROFILE", "STORY"}),
        "valid_until": None,
    }
    return ConsentFact(**{**content, **changes})


def after(*facts: ConsentFact) -> set[tuple[str, str, str, frozenset[str]]]:
    book = ConsentBook()
    for each in facts:
        book.take(each)
    return {(c.subject, c.recipient, c.purpose, c.categories) for held in book.now().values() for c in held}


def test_a_consent_holds_for_each_recipient_and_purpose() -> None:
    assert len(after(fact())) == 4


def test_a_withdrawal_takes_back_what_it_names_and_no_more() -> None:
    europol = fact(withdrawn=True, recipients=(PartnerId("europol"),))
    assert {recipient for _, recipient, *_ in after(fact(), europol)} == {"rs-counselling"}
    assert {p for *_, p, _ in after(fact(), fact(withdrawn=True, purposes=("REFER",)))} == {"PROTECT"}
    story = fact(withdrawn=True, categories=frozenset({"STORY"}))
    assert {categories for *_, categories in after(fact(), story)} == {frozenset({"PROFILE"})}


def test_a_withdrawal_that_names_nothing_takes_back_all_that_was_given_to_the_agency() -> None:
    everything = fact(withdrawn=True, consent_id=None)
    assert after(fact(), fact(consent_id="c2"), everything) == set()
    assert after(fact(), fact(agency=AgencyId("bg-police")), everything) == after(fact())


def test_a_withdrawal_by_id_reaches_the_person_under_a_former_id() -> None:
    assert after(fact(subjects=frozenset({OTHER_ID})), fact(withdrawn=True)) == set()


def test_a_withdrawal_of_another_agency_or_of_another_consent_changes_nothing() -> None:
    assert after(fact(), fact(withdrawn=True, agency=AgencyId("bg-police"))) == after(fact())
    assert after(fact(), fact(withdrawn=True, consent_id="c2")) == after(fact())


def test_a_consent_that_was_withdrawn_stays_so_when_it_is_told_again_and_may_be_given_anew() -> None:
    assert after(fact(withdrawn=True), fact()) == set()
    assert after(fact(withdrawn=True), fact(consent_id="c2")) == after(fact())


facts = st.builds(
    fact,
    withdrawn=st.booleans(),
    consent_id=st.sampled_from(["c1", "c2"]),
    subjects=st.frozensets(st.sampled_from([ME, OTHER_ID]), min_size=1),
)


@given(st.lists(facts, max_size=6), st.sampled_from(["c1", "c2"]))
def test_after_a_withdrawal_by_id_nothing_of_that_consent_is_left(told: list[ConsentFact], consent_id: str) -> None:
    book = ConsentBook()
    for each in [*told, fact(withdrawn=True, consent_id=consent_id)]:
        book.take(each)
    assert all(c.consent_id != consent_id for held in book.now().values() for c in held)
