"""Deliveries as agencies and partners may see them: their own, and of anything else not even that it exists."""

import datetime as dt
import uuid
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.home import Home
from infra.topology.limits import standing_of
from tests.infra.access.test_quarantine_routes import ask
from tests.running import command, rows

AGENCY, PARTNER, OTHER = "rs-border-police", "selec", "bg-counselling"
NOW = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
moments = st.datetimes(dt.datetime(2026, 11, 25), dt.datetime(2026, 11, 27), timezones=st.just(dt.UTC))  # noqa: DTZ001


@given(at=st.none() | moments, warn=moments, due=moments)
def test_a_step_is_overdue_exactly_when_its_limit_has_passed_without_it(
    at: dt.datetime | None, warn: dt.datetime, due: dt.datetime
) -> None:
    found = standing_of(at, warn, due, NOW)
    assert (found == "overdue") == (at is None and due <= NOW)
    assert (found in ("reached", "late")) == (at is not None)
    assert (found == "late") == (at is not None and at >= due)


def entered(hub: Home, outcome: str, *, late: bool = False) -> str:
    """Enter a ladder of an event of AGENCY for PARTNER, and return the id of the event."""
    event_id = str(uuid.uuid4())
    due = "now() - interval '1 hour'" if late else "now() + interval '1 hour'"
    rows(
        hub,
        "INSERT INTO streams.delivery (recipient, id, about, event_type, agency, outcome, reasons, decided_at, "  # noqa: S608 - ours
        f"delivery_warn_at, delivery_breach_at, finish_warn_at, finish_breach_at) VALUES (%s, %s, 'EVENT', "
        f"'PersonIdentified', %s, %s, '{{a-rule}}', now(), {due}, {due}, {due}, {due})",
        PARTNER,
        event_id,
        AGENCY,
        outcome,
    )
    return event_id


def answer(hub: Home, who: str, event_id: str) -> httpx.Response:
    return ask(hub, who, "GET", f"/deliveries/{event_id}")


def of(found: httpx.Response) -> dict[str, Any]:
    (ladder,) = found.json()["ladders"]
    return dict(ladder)


@pytest.mark.stack
def test_its_agency_sees_how_far_an_event_has_come_and_why_it_was_withheld(hub: Home) -> None:
    assert of(answer(hub, AGENCY, entered(hub, "WITHHELD")))["reasons"] == ["a-rule"]
    ladder = of(answer(hub, AGENCY, entered(hub, "RELEASED")))
    assert [(each["step"], each["standing"]) for each in ladder["steps"]] == [
        ("DELIVERED", "open"),
        ("RETRIEVED", "open"),
    ]


@pytest.mark.stack
def test_a_partner_sees_what_it_got_without_the_reasons_and_nothing_that_was_withheld(hub: Home) -> None:
    assert of(answer(hub, PARTNER, entered(hub, "RELEASED")))["reasons"] == []
    unknown = answer(hub, PARTNER, str(uuid.uuid4()))
    withheld = answer(hub, PARTNER, entered(hub, "WITHHELD"))
    assert (withheld.status_code, withheld.json()) == (unknown.status_code, unknown.json())
    assert unknown.status_code == httpx.codes.NOT_FOUND


@pytest.mark.stack
@pytest.mark.parametrize("outcome", ["RELEASED", "WITHHELD"])
def test_nobody_else_is_told_even_whether_there_is_an_event(hub: Home, outcome: str) -> None:
    event_id = entered(hub, outcome, late=True)
    for who in (OTHER, "europol", "hub-intake"):
        foreign, unknown = answer(hub, who, event_id), answer(hub, who, str(uuid.uuid4()))
        assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json())
        assert event_id not in ask(hub, who, "GET", "/deliveries/overdue").text


@pytest.mark.stack
def test_what_is_overdue_is_listed_to_the_agency_and_to_the_partner_that_has_not_answered(hub: Home) -> None:
    late, in_time, withheld = (
        entered(hub, "RELEASED", late=True),
        entered(hub, "RELEASED"),
        entered(hub, "WITHHELD", late=True),
    )
    for who in (AGENCY, PARTNER):
        listed = ask(hub, who, "GET", "/deliveries/overdue").text
        assert [each in listed for each in (late, in_time, withheld)] == [True, False, False]
    screen = command(hub, "delivery", "overdue", "--as", AGENCY)
    assert (screen.returncode, late in screen.stdout) == (0, True), screen.stderr
    shown = command(hub, "delivery", "show", late, "--as", PARTNER)
    assert (shown.returncode, "overdue" in shown.stdout) == (0, True), shown.stderr


@pytest.mark.stack
@pytest.mark.parametrize("outcome", ["RELEASED", "WITHHELD"])
def test_a_question_is_seen_by_who_asks_and_by_whom_it_addresses_once_it_was_released(hub: Home, outcome: str) -> None:
    event_id = entered(hub, outcome)
    rows(
        hub,
        "INSERT INTO streams.question (event_type, reference, asker, addressee, id, agency, asked_at, warn_at, "
        "breach_at) VALUES ('ReferralOffered', gen_random_uuid(), %s, %s, %s, %s, now(), now(), now() + '1h')",
        *(AGENCY, PARTNER, event_id, AGENCY),
    )
    who = {each: event_id in ask(hub, each, "GET", "/deliveries/unanswered").text for each in (AGENCY, PARTNER, OTHER)}
    assert who == {AGENCY: True, PARTNER: outcome == "RELEASED", OTHER: False}
    assert event_id in command(hub, "delivery", "unanswered", "--as", AGENCY).stdout


@pytest.mark.stack
def test_a_partner_sees_which_of_its_acknowledgements_were_refused_and_nobody_elses(hub: Home) -> None:
    number = uuid.uuid4().int >> 66
    rows(
        hub,
        "INSERT INTO streams.acknowledgement_refused (recipient, acknowledgement_offset, position, rule, refused_at) "
        "VALUES (%s, %s, 0, 'unreadable', now())",
        PARTNER,
        number,
    )
    assert str(number) in ask(hub, PARTNER, "GET", "/deliveries/refused").text
    assert str(number) not in ask(hub, "europol", "GET", "/deliveries/refused").text
    assert "unreadable" in command(hub, "delivery", "refused", "--as", PARTNER).stdout


@pytest.mark.stack
def test_an_id_that_is_none_is_refused_without_being_repeated(hub: Home) -> None:
    odd = ask(hub, AGENCY, "GET", "/deliveries/canary-Milica")
    assert odd.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert "Milica" not in odd.text
    assert command(hub, "delivery", "show", "canary-Milica", "--as", AGENCY).returncode == 2
