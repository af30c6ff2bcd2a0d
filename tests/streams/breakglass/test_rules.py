"""The rules of break-glass: no order of acts gives a look without a second person, a ground, and an end."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import HubError
from streams.breakglass import rules
from streams.breakglass.audit import BEGINNING, Noted, digest_of, faults
from streams.breakglass.rules import BreakGlassRefusedError, Entry, accesses

NOW = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
EVENT = "0199c0de-0000-7000-8000-000000000001"
HOURS, REVIEW_DAYS = 3, 3
PEOPLE = ("ana", "bo", "cy")
ACTS = st.tuples(
    st.sampled_from(("request", "approve", "open", "review")),
    st.sampled_from(PEOPLE),
    st.integers(0, 40),
    st.integers(0, 2),
)


def request(by: str = "ana", at: dt.datetime = NOW, entries: list[Entry] | None = None, name: str = "a") -> Entry:
    known = accesses(entries or []).values()
    return rules.request(name, EVENT, by=by, reason="a life", ground="GDPR:6.1.d", now=at, known=known)


def approved(entries: list[Entry], by: str = "bo", at: dt.datetime = NOW, **how: bool) -> Entry:
    access = accesses(entries)[entries[-1].access_id]
    given_how = {"is_restricted": False, "knows_restricted": False, **how}
    return rules.approve(access, by=by, now=at, hours=HOURS, review_days=REVIEW_DAYS, **given_how)


def test_a_look_needs_another_person_and_ends_after_hours() -> None:
    entries = [request()]
    with pytest.raises(BreakGlassRefusedError, match="not open"):
        rules.open_access(accesses(entries)["a"], by="ana", now=NOW)
    with pytest.raises(BreakGlassRefusedError, match="another person"):
        approved(entries, by="ana")
    entries.append(approved(entries))
    access = accesses(entries)["a"]
    assert rules.open_access(access, by="ana", now=NOW + dt.timedelta(hours=HOURS, seconds=-1)).act == "OPENED"
    with pytest.raises(BreakGlassRefusedError, match="only who asked"):
        rules.open_access(access, by="bo", now=NOW)
    with pytest.raises(BreakGlassRefusedError, match="time is over"):
        rules.open_access(access, by="ana", now=NOW + dt.timedelta(hours=HOURS))


def test_a_request_that_nobody_agrees_to_dies() -> None:
    late = NOW + dt.timedelta(hours=rules.REQUEST_HOURS)
    assert accesses([request()])["a"].state(late) == "dead"
    with pytest.raises(BreakGlassRefusedError):
        approved([request()], at=late)


def test_who_agrees_to_see_a_restricted_person_says_so() -> None:
    with pytest.raises(BreakGlassRefusedError, match="restricted note"):
        approved([request()], is_restricted=True)
    assert approved([request()], is_restricted=True, knows_restricted=True).restricted


def test_an_overdue_review_closes_the_desk_to_who_had_the_access_until_another_does_it() -> None:
    entries = [request()]
    entries.append(approved(entries))
    late = NOW + dt.timedelta(hours=HOURS, days=REVIEW_DAYS)
    with pytest.raises(BreakGlassRefusedError, match="not reviewed in time"):
        request(at=late, entries=entries, name="b")
    assert request("cy", at=late, entries=entries, name="b")
    with pytest.raises(BreakGlassRefusedError, match="another person"):
        rules.review(accesses(entries)["a"], by="ana", finding="JUSTIFIED", note="n", now=late)
    entries.append(rules.review(accesses(entries)["a"], by="bo", finding="NOT_JUSTIFIED", note="n", now=late))
    assert request(at=late, entries=entries, name="b")
    with pytest.raises(BreakGlassRefusedError, match="nothing to review"):
        rules.review(accesses(entries)["a"], by="bo", finding="JUSTIFIED", note="n", now=late)


def test_a_ground_and_a_finding_are_codes() -> None:
    with pytest.raises(HubError, match="legal ground"):
        rules.request("a", EVENT, by="ana", reason="r", ground="because", now=NOW, known=())
    with pytest.raises(HubError, match="finding"):
        rules.review(accesses([request()])["a"], by="bo", finding="fine", note="n", now=NOW)


def act_of(name: str, by: str, moment: dt.datetime, entries: list[Entry], which: int) -> Entry | None:
    """Return the entry of what *by* tries with the access number *which*, None when the rules refuse it."""
    access = next(itertools.islice(accesses(entries).values(), which, None), None)
    try:
        if name == "request":
            return request(by, moment, entries, str(len(entries)))
        if access is None:
            return None
        if name == "open":
            return rules.open_access(access, by=by, now=moment)
        if name == "review":
            return rules.review(access, by=by, finding="JUSTIFIED", note="n", now=moment)
        how = {"is_restricted": False, "knows_restricted": False}
        return rules.approve(access, by=by, now=moment, hours=HOURS, review_days=REVIEW_DAYS, **how)
    except HubError:
        return None


@given(st.lists(ACTS, max_size=25))
def test_whatever_people_try_every_look_has_its_request_and_the_agreement_of_another(
    tried: list[tuple[str, str, int, int]],
) -> None:
    entries: list[Entry] = []
    moment = NOW
    for name, by, hours, which in tried:
        moment += dt.timedelta(hours=hours)
        found = act_of(name, by, moment, entries, which)
        entries += [found] if found is not None else []
    for access in accesses(entries).values():
        for look in access.opened:
            assert access.approved is not None
            assert access.approved.by_whom != access.requested.by_whom == look.by_whom
            assert access.approved.until is not None
            assert access.approved.at <= look.at < access.approved.until
        assert access.reviewed is None or access.reviewed.by_whom != access.requested.by_whom


def noted(count: int) -> list[Noted]:
    found, previous = [], BEGINNING
    for number in range(1, count + 1):
        entry = request(name=f"{number}")
        previous = digest_of(previous, entry)
        found.append(Noted(number=number, digest=previous, entry=entry))
    return found


@given(st.integers(2, 6), st.integers(0, 5), st.sampled_from(("gone", "altered", "swapped", "untold")))
def test_an_audit_that_was_touched_is_found_out(count: int, at: int, how: str) -> None:
    whole = noted(count)
    told = {each.number: {"digest": each.digest} for each in whole}
    assert faults(whole, told) == []
    touched, at = list(whole), at % count
    if how == "gone":
        del touched[at]
    elif how == "altered":
        old = touched[at]
        touched[at] = Noted(number=old.number, digest=old.digest, entry=request(by="mallory", name=old.entry.access_id))
    elif how == "swapped":
        touched = noted(count - 1)
    else:
        del told[1]
    assert faults(touched, told)
