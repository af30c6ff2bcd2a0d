"""What people and programs are told about a file: every refusal, bounded, and how far it is."""

import io
import json

import pytest
from rich.console import Console

from connectors import publish_report
from connectors.events_file import Place
from connectors.publish_report import Bar, Report
from schemas.errors import Problem

WRONG = Problem("status", "unknown-code", "use a code of the list")


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=150, highlight=False), out


def test_a_person_is_told_each_refusal_at_once_and_nothing_is_kept() -> None:
    to, out = console(terminal=False)
    report = Report(to, as_json=False)
    report.refuse(Place("line", 3), [WRONG])
    report.refuse(Place("line", 1, 7), [WRONG])
    assert out.getvalue() == f"line 3: {WRONG}\nevent 7: {WRONG}\n"
    assert report.problems == []


def test_a_program_gets_one_object_in_the_order_of_the_file_and_is_told_what_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(publish_report, "LISTED_MAX", 3)
    report = Report(console(terminal=False)[0], as_json=True, read=5)
    for number in (5, 2, 4, 1, 3):
        report.refuse(Place("record", number), [WRONG])
    report.tell(waited=True)
    found = json.loads(capsys.readouterr().out)
    assert [row["record"] for row in found["problems"]] == [2, 4, 5]
    assert (found["problems_left_out"], found["refused"], found["accepted"]) == (2, 5, 0)


@pytest.mark.parametrize(("total", "shows"), [(1000, "50%"), (None, "/s")])
def test_in_a_terminal_a_bar_says_how_far_it_is_when_that_is_known(total: int | None, shows: str) -> None:
    to, out = console(terminal=True)
    report = Report(to, as_json=False, read=1234)
    with Bar(report, total) as bar:
        bar.show(500, now=True)
    assert "1,234 read" in out.getvalue()
    assert shows in out.getvalue()
    assert ("%" in out.getvalue()) is (total is not None)


def test_elsewhere_there_is_no_bar() -> None:
    to, out = console(terminal=False)
    with Bar(Report(to, as_json=False), 1000) as bar:
        bar.show(500, now=True)
    assert out.getvalue().strip() == ""
