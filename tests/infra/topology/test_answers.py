"""The clocks of answers: valid as they are, refused with all that is wrong, and what they make of a moment."""

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.topology.clocks import load_clocks
from infra.topology.load import InvalidTopologyError

REFERRAL, EXTRADITION, ASSISTANCE = load_clocks().answers
NOW = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
GOOD = """
[[clocks]]
event_types = ["*"]
source = "ETSI REM"
relay = { warn_hours = 1, breach_hours = 12 }
delivery = { warn_hours = 12, breach_hours = 24 }
retrieval = { warn_hours = 24, breach_hours = 36 }

[[answers]]
question = "ReferralOffered"
source = "a directive"
between = "AGENCIES"
reference = "referral_id"
answered_by = "ReferralAnswered"
ended_by = [{ event = "ReferralRevoked", said_by = ["ASKER"] }]
due = "answer_due_at"
latest_hours = 720
urgency = "urgency"
hours.IMMEDIATE = { warn_hours = 4, breach_hours = 8 }
hours."*" = { warn_hours = 120, breach_hours = 168 }
"""


def test_the_hours_are_those_of_the_design() -> None:
    assert [REFERRAL.limits(NOW, code, None)[1] - NOW for code in ("IMMEDIATE", "URGENT", "ROUTINE")] == [
        8 * HOUR,
        72 * HOUR,
        7 * 24 * HOUR,
    ]
    assert EXTRADITION.limits(NOW, None, None)[1] - NOW == dt.timedelta(days=60)


@given(st.sampled_from([REFERRAL, EXTRADITION, ASSISTANCE]), st.floats(-9999, 99_999), st.sampled_from(["URGENT", "?"]))
def test_a_moment_that_a_question_names_counts_but_none_after_the_latest(
    answers: object, hours: float, urgency: str
) -> None:
    assert isinstance(answers, type(REFERRAL))
    due_at = NOW + hours * HOUR
    warn_at, breach_at = answers.limits(NOW, urgency, due_at)
    assert breach_at == min(due_at, NOW + answers.latest_hours * HOUR)
    assert warn_at <= breach_at
    assert (warn_at > NOW) == (breach_at > NOW), "what is past when it is asked is overdue at once, and not before"


def test_the_warning_before_a_moment_comes_at_the_same_part_of_the_way() -> None:
    assert REFERRAL.limits(NOW, "IMMEDIATE", NOW + 24 * HOUR) == (NOW + 12 * HOUR, NOW + 24 * HOUR)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"ReferralOffered"', '"NoSuchType"', "known-contracts"),
        ('"ReferralAnswered"', '"NoSuchType"', "known-contracts"),
        ('"ReferralRevoked"', '"NoSuchType"', "known-contracts"),
        ('"referral_id"', '"person"', "in-clear"),
        ('"referral_id"', '"no_such_field"', "in-clear"),
        ('"AGENCIES"', '"STATES"', "in-clear"),
        ('"answer_due_at"', '"details"', "in-clear"),
        ('urgency = "urgency"', 'urgency = "reason"', "in-clear"),
        ('urgency = "urgency"', "", "known-codes"),
        ("hours.IMMEDIATE", "hours.SOME_TIME", "known-codes"),
        ('hours."*"', "hours.URGENT", "every-urgency"),
        ("breach_hours = 8", "breach_hours = 1", "in-order"),
        ("latest_hours = 720", "latest_hours = 24", "in-order"),
        ("latest_hours = 720", "latest_hours = inf", "in-order"),
        ('"a directive"', '" "', "has-source"),
        ('["ASKER"]', '["ANYBODY"]', "form"),
        ("latest_hours = 720", "", "form"),
    ],
)
def test_a_wrong_clock_of_answers_is_refused(old: str, new: str, code: str, tmp_path: Path) -> None:
    file = tmp_path / "clocks.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert len(load_clocks(file).answers) == 1
    assert old in GOOD
    file.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(InvalidTopologyError) as refused:
        load_clocks(file)
    assert code in {problem.rule for problem in refused.value.problems}


def test_a_question_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "clocks.toml"
    file.write_text(GOOD + GOOD[GOOD.index("[[answers]]") :], encoding="utf-8")
    with pytest.raises(InvalidTopologyError) as refused:
        load_clocks(file)
    assert {problem.rule for problem in refused.value.problems} == {"one-clock"}
