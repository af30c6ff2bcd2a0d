"""Changes at the paths that problems name: what is asked for changes, everything else stays, and nothing is guessed."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.quarantine.fixing import ChangeError, change_in, changed, steps_of

EVENT = {"status": "WRONG", "person": {"person_ref": "P-1", "citizenships": ["??", "SRB"]}, "suspects": [{"role": "X"}]}
names = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True)


@given(names, st.dictionaries(names, st.integers(), max_size=5), st.integers() | st.text())
def test_a_field_is_what_it_was_set_to_and_all_others_are_what_they_were(
    name: str, event: dict[str, int], value: object
) -> None:
    before = copy.deepcopy(event)
    found = changed(event, name, value)
    assert found[name] == value
    assert {**before, name: value} == found
    assert event == before


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        ("person.citizenships[0]", "BGR", lambda found: found["person"]["citizenships"] == ["BGR", "SRB"]),
        ("person.citizenships[2]", "BGR", lambda found: found["person"]["citizenships"] == ["??", "SRB", "BGR"]),
        ("person.citizenships[0]", None, lambda found: found["person"]["citizenships"] == ["SRB"]),
        ("suspects[0].role", "Y", lambda found: found["suspects"] == [{"role": "Y"}]),
        ("status", None, lambda found: "status" not in found),
        ("person.age", 17, lambda found: found["person"]["age"] == 17),
    ],
)
def test_a_path_leads_to_where_problems_say_that_it_leads(path: str, value: object, at: object) -> None:
    assert callable(at)
    assert at(changed(EVENT, path, value))


@pytest.mark.parametrize(
    "path", ["", "$", "a..b", "person.citizenships[9]", "nothing.here", "status.x", "status[0]", "person[0]", "a[x]"]
)
def test_a_path_that_the_event_does_not_have_is_refused_without_its_values(path: str) -> None:
    with pytest.raises(ChangeError) as caught:
        changed(EVENT, path, "canary")
    assert "canary" not in str(caught.value)
    assert "WRONG" not in str(caught.value)


def test_a_value_is_json_where_it_reads_as_json_and_text_else() -> None:
    assert change_in("a.b=17") == ("a.b", 17)
    assert change_in("a=null") == ("a", None)
    assert change_in('a="17"') == ("a", "17")
    assert change_in("a=2026-01-05") == ("a", "2026-01-05")
    assert change_in("a=x=y") == ("a", "x=y")
    with pytest.raises(ChangeError):
        change_in("no change")


def test_steps_are_names_and_numbers() -> None:
    assert steps_of("suspects[3].citizenships[0]") == ["suspects", 3, "citizenships", 0]
