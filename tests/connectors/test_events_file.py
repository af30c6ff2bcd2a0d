"""Files of events: what is an event is read, what is not is named by its line, and nothing is dropped."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import events_file
from connectors.events_file import Line, read_events


def read(text: str) -> list[Line]:
    return list(read_events(io.StringIO(text)))


def read_bytes(content: bytes) -> list[Line]:
    return list(read_events(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", errors="surrogateescape")))


def numbers(lines: list[Line]) -> list[tuple[int, object]]:
    return [(line.number, line.event if line.problem is None else line.problem.rule) for line in lines]


A, B = {"a": 1}, {"b": "ж"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n \n", []),
        ('{"a": 1}', [(1, A)]),
        ('{"a": 1}\n{"b": "ж"}\n', [(1, A), (2, B)]),
        ('{"a": 1}\r\n\r\n{"b": "ж"}\r\n', [(1, A), (3, B)]),
        ('\n\n{"a": 1}\n', [(3, A)]),
        ('{\n "a": 1\n}\n', [(1, A)]),
        ('\n{\n "a": 1\n}\n', [(2, A)]),
        ('[{"a": 1}, {"b": "ж"}]', [(1, A), (1, B)]),
        ('[\n{"a": 1},\n{"b": "ж"}\n]\n', [(1, A), (1, B)]),
        ("[]", []),
        ('\ufeff{"a": 1}\n{"b": "ж"}\n', [(1, A), (2, B)]),
        ('\ufeff[\n{"a": 1}\n]\n', [(1, A)]),
        ('oops\n{"a": 1}\n\noops\n', [(1, "not-json"), (2, A), (4, "not-json")]),
        ('{"a": 1}\noops\n{"b": "ж"}\n', [(1, A), (2, "not-json"), (3, B)]),
        ('{"a": 1} {"a": 1}\n', [(1, "not-json")]),
        ('"text"\n5\nnull\n', [(1, "type"), (2, "type"), (3, "type")]),
        ('[{"a": 1}, 5]\n', [(1, A), (1, "type")]),
        ('{\n "a": 1,\n "b":\n', [(1, "not-json")]),
        ('{"a": NaN}\n', [(1, "not-json")]),
        ("[" * 100_000, [(1, "not-json")]),
        ('{"a": 1, "a": 2}\n{"b": "ж"}\n', [(1, "duplicate-field"), (2, B)]),
        ('{"a" : 1,\n "b": {"c": 1, "c" :1}}\n', [(1, "duplicate-field")]),
        ('{"a": "x:y\\u003a", "b": ":"}\n', [(1, {"a": "x:y:", "b": ":"})]),
        ('{"a": "\\ud800"}\n', [(1, "invalid-unicode")]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_file_is_read_event_by_event(text: str, expected: list[tuple[int, object]]) -> None:
    assert numbers(read(text)) == expected


def test_a_byte_that_is_not_utf8_is_the_fault_of_its_line() -> None:
    assert numbers(read_bytes(b'{"a": 1}\n{"b": "\xff"}\n{"a": 1}\n')) == [(1, A), (2, "invalid-unicode"), (3, A)]
    utf16 = '{"a": 1}\n'.encode("utf-16")
    assert {rule for _, rule in numbers(read_bytes(utf16))} <= {"invalid-unicode", "not-json"}
    assert numbers(read_bytes(utf16))[0][1] == "invalid-unicode"
    assert numbers(read_bytes(b'{"b": "\xff"}\n{"a": 1}\n')) == [(1, "invalid-unicode"), (2, A)]


def test_a_file_with_a_broken_first_line_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_file, "DOCUMENT_CHARS_MAX", 100)
    lines = read("oops\n" + '{"a": 1}\n' * 500 + "oops")
    assert len(lines) == 502
    assert numbers(lines)[-1] == (502, "not-json")
    assert [line.event for line in lines[1:-1]] == [A] * 500


def test_a_problem_says_nothing_of_the_line() -> None:
    (line,) = read('{"full_name": "Milica"')
    assert "Milica" not in str(line.problem)


def test_lines_are_read_as_they_come() -> None:
    def endless() -> object:
        while True:
            yield '{"a": 1}\n'

    lines = read_events(endless())  # type: ignore[arg-type]
    assert [next(lines).number for _ in range(3)] == [1, 2, 3]


objects = st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(-5, 5), max_size=3)


@given(st.lists(objects, max_size=6), st.sampled_from(["lines", "array", "pretty"]))
def test_the_same_events_come_from_every_way_to_write_them(events: list[dict[str, object]], form: str) -> None:
    if form == "lines":
        text = "".join(json.dumps(event) + "\n" for event in events)
    else:
        text = json.dumps(events, indent=2 if form == "pretty" else None)
    assert [line.event for line in read(text)] == events


@given(st.text(max_size=200))
def test_every_line_with_something_on_it_has_an_answer(text: str) -> None:
    for line in read(text):
        assert (line.event is None) is (line.problem is not None)
