"""From the first row to the last: every row is accepted, refused or a duplicate, and what stops goes on."""

import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.importing import running
from connectors.importing.import_run import journal_for
from connectors.importing.journal import Journal
from connectors.importing.refused import RefusedRows, as_it_was, digest_of_refused, set_aside
from connectors.importing.rows import BadFileError, Fault, Row
from connectors.importing.running import opened
from schemas.errors import MisuseError
from tests.connectors.importing.making import (
    COLUMNS,
    GROUP,
    MAPPING,
    Remembered,
    dry,
    imported,
    job,
    mapping,
    read_refused,
    row,
    write_csv,
)

UNIQUE = mapping(MAPPING + '\n[unique]\nkey = ["who"]\n')
BAD = {"sex": "Q"}


def journal_of(path: Path, digest: str) -> Journal:
    return Journal(path=path.with_name("j.json"), file=digest, mapping="m", agency="rs-police")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["good", "bad", "half", "text"]), min_size=1, max_size=12))
def test_the_sums_add_up(tmp_path: Path, kinds: list[str]) -> None:
    rows = {"good": row(), "bad": row(**BAD), "half": ["W-1"], "text": row(day="yesterday")}
    tally, _ = dry(write_csv(tmp_path / "a.csv", [rows[kind] for kind in kinds]))

    assert tally.total == len(kinds) == tally.rows["accepted"] + tally.rows["refused"] + tally.rows["duplicates"]
    assert tally.rows["accepted"] == kinds.count("good") == tally.events.total()


def test_importing_twice_adds_nothing(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row(who=f"W-{place}") for place in range(50)])
    hub = Remembered()

    first, _ = imported(opened(job(path)), hub)
    second, _ = imported(opened(job(path)), hub)

    assert (first.rows["accepted"], second.rows["duplicates"], len(hub.events)) == (50, 50, 50)


def test_equal_rows_are_events_of_their_own_unless_the_mapping_says_otherwise(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row(), row()])

    assert dry(path)[0].rows["accepted"] == 2
    assert dry(path, UNIQUE)[0].rows == {"accepted": 1, "duplicates": 1}


def test_another_agency_gives_other_ids_so_that_none_can_be_guessed(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row()])
    hub = Remembered()
    imported(opened(job(path)), hub)
    work = opened(job(path))
    other = running.Job(file=path, mapping=work.job.mapping, agency="bg-police", key=b"another key")

    assert imported(opened(other), hub)[0].rows["accepted"] == 1


def test_refused_rows_stand_beside_the_file_for_the_owner_alone(tmp_path: Path) -> None:
    tally, place = dry(write_csv(tmp_path / "a.csv", [row(), row(**BAD), ["half"]]))

    assert place == tmp_path / "a.csv.refused.csv"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    refused = read_refused(place)
    assert [(each["hub_row"], each["hub_column"], each["hub_rule"]) for each in refused] == [
        ("3", "sex", "unknown-value"),
        ("4", "", "half-a-row"),
    ]
    assert refused[0]["sex"] == "Q"
    assert refused[1]["hub_text"] == "half"
    assert all(each["hub_advice"] for each in refused)
    assert tally.refused_by_rule == {"unknown-value": 1, "half-a-row": 1}


def test_no_message_holds_a_value(tmp_path: Path) -> None:
    tally, _ = dry(write_csv(tmp_path / "a.csv", [row(sex="Secret-1", day="Secret-2", means="Secret-3")]))

    assert "Secret" not in str(tally.summary()) + str(tally.shown)


def test_corrected_rows_are_imported_once_however_often_they_are_corrected(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row(), row(who="W-2", **BAD), row(who="W-3", **BAD)])
    hub = Remembered()
    _, place = imported(opened(job(path)), hub)
    text = place.read_text(encoding="utf-8-sig")
    place.write_text(text.replace(",Q,", ",M,", 1), encoding="utf-8")

    first, again = imported(opened(job(place)), hub)
    place.write_text(text.replace(",Q,", ",M,"), encoding="utf-8")  # the second row is corrected in the same file
    second, _ = imported(opened(job(place)), hub)

    assert first.rows == {"accepted": 1, "refused": 1}
    assert second.rows == {"duplicates": 1, "accepted": 1}
    assert len(hub.events) == 3
    assert read_refused(again)[0]["hub_row"] == "4"  # where it stood in the first file


def test_text_that_was_not_split_is_refused_again_until_somebody_did(tmp_path: Path) -> None:
    _, place = dry(write_csv(tmp_path / "a.csv", [["half"]]))
    tally, _ = dry(place)

    assert "not-split" in tally.refused_by_rule


def test_an_interrupted_import_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BATCH_ROWS", 10)
    rows = [row(who=f"W-{place}", **(BAD if place % 7 == 0 else {})) for place in range(100)]
    path = write_csv(tmp_path / "a.csv", rows)
    hub = Remembered(batches=4)
    work = opened(job(path))
    journal = journal_of(path, work.digest)
    with pytest.raises(KeyboardInterrupt):
        imported(work, hub, journal)

    hub.batches = None
    again = journal_of(path, work.digest)
    before = Journal.load(again.path)
    assert before is not None
    assert again.goes_on_from(before)
    assert before.rows == 30  # a fourth batch was on its way: it is sent again, and is a duplicate
    again.take(before)
    tally, place = imported(opened(job(path)), hub, again)

    whole, expected = dry(write_csv(tmp_path / "b.csv", rows))
    assert tally.rows["refused"] == whole.rows["refused"] == 15
    assert tally.rows["accepted"] + tally.rows["duplicates"] == whole.rows["accepted"] == len(hub.events) == 85
    assert [each["hub_row"] for each in read_refused(place)] == [each["hub_row"] for each in read_refused(expected)]
    finished = Journal.load(again.path)
    assert finished is not None
    assert (finished.state, finished.refused_digest) == ("done", digest_of_refused(place))


def test_a_limit_is_an_interruption(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row(who=f"W-{place}") for place in range(5)])
    hub = Remembered()
    work = opened(job(path, limit=3))
    journal = journal_of(path, work.digest)

    tally, _ = imported(work, hub, journal)
    assert (tally.total, journal.state) == (3, "running")
    tally, _ = imported(opened(job(path, limit=3)), hub, journal)
    assert (tally.total, journal.state) == (5, "done")


@pytest.mark.parametrize(
    "change", [{"file": "other"}, {"mapping": "other"}, {"agency": "bg-police"}, {"state": "done"}]
)
def test_another_file_mapping_or_agency_begins_anew(tmp_path: Path, change: dict[str, Any]) -> None:
    before = journal_of(tmp_path / "a.csv", "digest")
    for name, value in change.items():
        setattr(before, name, value)

    assert not journal_of(tmp_path / "a.csv", "digest").goes_on_from(before)


def test_a_file_that_was_changed_after_its_import_is_refused_until_it_is_said_to_be_another(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row()])
    work = opened(job(path))
    refused = tmp_path / "a.csv.refused.csv"
    before = journal_for(work, None, refused, anew=False)
    write_csv(path, [row(), row()])
    changed = opened(job(path))

    with pytest.raises(MisuseError, match="--anew"):
        journal_for(changed, before, refused, anew=False)
    assert journal_for(changed, before, refused, anew=True).rows == 0
    assert journal_for(work, before, refused, anew=False).goes_on_from(before)


def test_a_broken_journal_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "j.json").write_text('{"file": ', encoding="utf-8")

    assert Journal.load(tmp_path / "j.json") is None


def test_the_journal_holds_no_value(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [row(who="Secret", sex="Secret")])
    journal = journal_of(path, "digest")
    imported(opened(job(path)), Remembered(), journal)

    assert "Secret" not in journal.path.read_text(encoding="utf-8")
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_corrections_of_a_clerk_are_never_overwritten(tmp_path: Path) -> None:
    place = tmp_path / "a.csv.refused.csv"
    place.write_text("corrected", encoding="utf-8")

    aside = set_aside(place, "another digest")

    assert aside is not None
    assert aside.read_text(encoding="utf-8") == "corrected"
    assert not place.exists()
    place.write_text("ours", encoding="utf-8")
    assert set_aside(place, digest_of_refused(place)) is None


def test_contradicting_rows_are_all_refused_and_repeated_ones_count_once(tmp_path: Path) -> None:
    rows = [row(who="A"), row(who="A"), row(who="B"), row(who="C"), row(who="C", sex="M"), row(who="C")]

    tally, place = dry(write_csv(tmp_path / "a.csv", rows), UNIQUE)

    assert tally.rows == {"accepted": 2, "duplicates": 1, "refused": 3}
    assert tally.reported == {"same-row": 2, "conflicting-key": 1}
    assert tally.repaired["duplicate-row"] == 1
    assert {each["hub_rule"] for each in read_refused(place)} == {"conflicting-rows"}


def test_repairs_are_counted_by_cell(tmp_path: Path) -> None:
    rows = [row(sex=" f "), row(sex="m", debt="-99"), row()]

    tally, _ = dry(write_csv(tmp_path / "a.csv", rows))

    assert tally.repaired == {"trimmed": 1, "case-changed": 2, "missing-marker": 1, "trimmed-header": 0}


def test_a_flag_that_is_none_is_refused(tmp_path: Path) -> None:
    tally, _ = dry(write_csv(tmp_path / "a.csv", [row(threats="maybe")]))

    assert tally.refused_by_column == {"threats: not-a-flag": 1}


def test_what_the_hub_would_refuse_is_told_with_the_column(tmp_path: Path) -> None:
    tally, _ = dry(write_csv(tmp_path / "a.csv", [row(day="2099-01-01"), row(day="1899-12-31"), row(who="two words")]))

    assert set(tally.refused_by_column) == {
        "day: in-the-future",
        "day: before-1900",
        "who: not-a-reference",
    }


def test_a_row_is_refused_as_a_whole(tmp_path: Path) -> None:
    two = mapping(
        MAPPING.replace("[ignored]", '[[events]]\ntype = "ReferralOffered"\n[events.fields]\n'
        '"referral_id" = { uuid = "referral" }\n"to_agency" = { column = "sex" }\n'
        '"person.person_ref" = { column = "who" }\n"person.role" = { value = "VICTIM" }\n'
        '"person.restricted" = { value = "NO" }\n"person.group" = { value = "UNKNOWN" }\n'
        '"reason" = { value = "OTHER" }\n"urgency" = { value = "ROUTINE" }\n[ignored]')
    )  # fmt: skip

    tally, _ = dry(write_csv(tmp_path / "a.csv", [row(), row(sex="f")]), two)

    assert tally.rows == {"refused": 1, "accepted": 1}
    assert tally.refused_by_column == {"sex: not-an-agency": 1}  # "F" is no id of an organisation, "f" is


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="no row"):
        dry(write_csv(tmp_path / "a.csv", []))


def test_columns_are_those_of_the_mapping() -> None:
    assert set(mapping().columns) == set(COLUMNS)


_ENTRIES = st.text("=+-@'\t\r;ax1.,", max_size=5)


@given(st.one_of(_ENTRIES, st.lists(_ENTRIES, max_size=3)))
def test_no_refused_cell_is_a_formula_and_each_comes_back_as_it_was(cell: str | list[object]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "refused.csv"
        with RefusedRows(place, ["a", "b"], ",", "f") as refused:
            refused.add(Row(2, [cell, "x"]), [Fault("a", "rule", "advice")])
        written = read_refused(place)[0]["a"]

    assert not re.match(r"[=+\-@\t\r]", written) or re.fullmatch(r"[+-][0-9][0-9.,]*", written)
    assert as_it_was(written) == (cell if isinstance(cell, str) else ";".join(map(str, cell)))


def test_a_refused_cell_is_no_formula_and_comes_back_as_it_was(tmp_path: Path) -> None:
    hub = Remembered()
    who = "=HYPERLINK(A1)"
    _, place = imported(opened(job(write_csv(tmp_path / "a.csv", [row(who=who, **BAD)]))), hub)

    assert read_refused(place)[0]["who"] == f"'{who}"
    place.write_text(place.read_text(encoding="utf-8-sig").replace(",Q,", ",M,"), encoding="utf-8")
    imported(opened(job(place)), hub)

    assert who in str(hub.events)


@pytest.mark.parametrize(
    ("sex", "born", "rule"),
    [
        ("F", "1990-01-01", None),
        ("?", "1990-01-01", None),
        ("", "", None),
        ("w/m", "1990-01-01", "unknown-value"),
        ("F", "unknown", "not-a-date"),
        ("F", "2099-01-01", "born-after-event"),
    ],
)
def test_a_group_is_never_unknown_in_silence(tmp_path: Path, sex: str, born: str, rule: str | None) -> None:
    path = write_csv(tmp_path / "a.csv", [row(sex=sex, country=born)])
    tally, _ = dry(path, mapping(GROUP))

    assert set(tally.refused_by_rule) == ({rule} if rule else set())
