"""The table of a data protection officer says of each field what the compiler and the schemas say."""

import pytest

from schemas.catalogue import Contract, contract, contracts
from schemas.derive import Channel, derive
from schemas.privacy_table import CHANNELS, Row, as_object, leaves, privacy_table


def rows(name: str) -> dict[str, Row]:
    return {row.path: row for row in privacy_table(contract(name))}


@pytest.mark.parametrize("each", contracts(), ids=lambda each: each.name)
def test_a_field_has_a_form_on_a_channel_exactly_when_its_schema_has_it_there(each: Contract) -> None:
    table = privacy_table(each)
    assert [row.path for row in table] == [path for path, _ in leaves(each.schema)]
    for channel in CHANNELS:
        there = {path for path, _ in leaves(derive(each, channel).schema)}
        assert {row.path for row in table if channel in row.forms} == there & {row.path for row in table}


@pytest.mark.parametrize("each", contracts(), ids=lambda each: each.name)
def test_what_is_about_somebody_says_whose_it_is_and_is_nowhere_in_clear(each: Contract) -> None:
    for row in privacy_table(each):
        about_nobody = row.privacy_class in ("OPERATIONAL", "PUBLIC")
        assert bool(row.subjects) != about_nobody, row.path
        assert set(row.forms.values()) <= ({"clear"} if about_nobody else {"sealed", "by form", "company"}), row.path
        assert row.meaning
        assert (row.ladder is None) == (row.minimum is None)


def test_a_row_names_the_person_by_the_path_from_the_event() -> None:
    found = rows("InvestigationOpened")
    assert found["suspects[].group"].subjects == ("suspects[]",)
    assert found["envelope.case_ref"].subjects == ("agency",)
    assert rows("ControlFinding")["establishment.name"].subjects == ("establishment.proprietor",)


def test_a_row_shows_ladder_and_the_finest_level_that_may_leave() -> None:
    birth = rows("PersonIdentified")["person.date_of_birth"]
    assert (birth.ladder, birth.minimum) == ("age", "5 years")
    assert birth.forms == {"ledger": "sealed", "personal": "sealed", "stage": "sealed"}
    assert rows("PersonIdentified")["person.full_name"].forms.keys() == {"ledger", "personal"}


def test_non_personal_channels_are_shown_beside_the_personal_ones() -> None:
    more = {"anon.open": {"person.group": "minor or adult"}}
    found = {row.path: row for row in privacy_table(contract("PersonIdentified"), more)}
    assert found["person.group"].forms["anon.open"] == "minor or adult"
    assert "anon.open" not in found["person.full_name"].forms


def test_a_row_for_scripts_has_all_that_the_row_has() -> None:
    row = rows("PersonIdentified")["person.group"]
    assert as_object(row) == {
        "event_type": "PersonIdentified",
        "path": "person.group",
        "meaning": row.meaning,
        "class": "QUASI",
        "subjects": ["person"],
        "ladder": "group",
        "minimum": "woman, man, girl, boy",
        "forms": dict.fromkeys(CHANNELS, "sealed"),
    }
    assert Channel.SOURCE not in CHANNELS
