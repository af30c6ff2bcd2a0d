"""The clocks of delivery: valid as they are, and refused with all that is wrong."""

from pathlib import Path

import pytest

from infra.topology.clocks import RECALLED, load_clocks
from infra.topology.limits import EVERY_OTHER
from infra.topology.load import InvalidTopologyError
from schemas.catalogue import contracts

GOOD = """
[[clocks]]
event_types = ["*"]
source = "ETSI REM"
relay = { warn_hours = 1, breach_hours = 12 }
delivery = { warn_hours = 12, breach_hours = 24 }
retrieval = { warn_hours = 24, breach_hours = 36 }
"""


def problem_codes(text: str, folder: Path) -> set[str]:
    file = folder / "clocks.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidTopologyError) as refused:
        load_clocks(file)
    return {problem.rule for problem in refused.value.problems}


def test_every_event_type_and_a_recall_has_a_clock_and_urgent_ones_a_shorter_one() -> None:
    clocks = load_clocks()
    longest = clocks.of(EVERY_OTHER)
    for name in (*(contract.name for contract in contracts()), RECALLED, "OfALaterVersion"):
        assert clocks.of(name).retrieval.breach_hours <= longest.retrieval.breach_hours, name
    assert clocks.of("ReferralOffered").retrieval.breach_hours == 8
    assert (longest.delivery.warn_hours, longest.delivery.breach_hours) == (12, 24)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('["*"]', '["PersonIdentified"]', "every-event-type"),
        ('["*"]', '["*", "NoSuchType"]', "known-contracts"),
        ('["*"]', '["*", "*"]', "one-clock"),
        ("breach_hours = 12", "breach_hours = 0.5", "in-order"),
        ("warn_hours = 1,", "warn_hours = 0,", "in-order"),
        ("breach_hours = 36", "breach_hours = inf", "in-order"),
        ("breach_hours = 24", "breach_hours = 48", "in-order"),
        ('"ETSI REM"', '" "', "has-source"),
        ("warn_hours = 1,", "", "form"),
        ("relay =", "relay = =", "unreadable"),
    ],
)
def test_a_wrong_clock_is_refused(old: str, new: str, code: str, tmp_path: Path) -> None:
    assert old in GOOD
    assert code in problem_codes(GOOD.replace(old, new), tmp_path)
