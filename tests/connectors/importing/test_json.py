"""JSON: lines or one document, nested objects as columns with dots, unknown keys refused row by row."""

import json
from pathlib import Path

from tests.connectors.importing.making import COLUMNS, GOOD, MAPPING, faults, job, mapped, mapping

ROW = dict(zip(COLUMNS, GOOD, strict=True))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_lines_a_document_and_an_array_give_the_same(tmp_path: Path) -> None:
    for text in (json.dumps(ROW), json.dumps(ROW, indent=2), json.dumps([ROW])):
        assert faults(write(tmp_path / "a.json", text)) == [[]]


def test_lists_and_truth_values_are_understood(tmp_path: Path) -> None:
    [found] = mapped(write(tmp_path / "a.json", json.dumps({**ROW, "means": ["Fraud"], "threats": 1, "debt": 0})))

    assert found.events[0][1]["means"] == ["FRAUD"]
    assert found.events[0][1]["means_of_control_ruled_out"] == ["DEBT_BONDAGE"]


def test_nested_objects_are_columns_with_dots(tmp_path: Path) -> None:
    nested = mapping(MAPPING.replace('column = "sex"', 'column = "person.sex"'))
    flat = {name: value for name, value in ROW.items() if name != "sex"}

    assert faults(write(tmp_path / "a.json", json.dumps({**flat, "person": {"sex": "F"}})), nested) == [[]]


def test_unknown_and_missing_keys_refuse_their_row_alone(tmp_path: Path) -> None:
    missing = {name: value for name, value in ROW.items() if name != "sex"}
    text = "\n".join(json.dumps(each) for each in ({**ROW, "zzz": 1}, missing, ROW))

    assert faults(write(tmp_path / "a.jsonl", text)) == [[("", "unknown-key")], [("sex", "missing-key")], []]


def test_a_line_that_is_no_json_or_no_text_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps(ROW).encode()
    path.write_bytes(good + b'\n{"who": \n{"who": "\xff"}\n' + good)

    rows = list(job(path).rows())

    assert [each.fault.rule if each.fault else "" for each in rows] == ["", "not-json", "undecodable", ""]
    assert rows[1].text == '{"who":'
