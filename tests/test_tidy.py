"""Our own rules about the project itself: names, sizes, and what must never stand in a file."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = ("schemas", "infra", "streams", "connectors", "projections")
LINES_MAX = 300
LINES_OF_TESTS_MAX = 400
"""Tests are lists of cases: a little more."""
GENERATED = frozenset({"schemas/types_generated.py"})
LONGER = {
    "schemas/sealing.py": "sealing and opening are one rule, read side by side",
}
"""Files above the limit, each with its reason."""
BANNED_NAMES = frozenset({"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"})
TOP = frozenset({
    "schemas", "infra", "streams", "connectors", "projections", "tests", "docs", "benchmarks", ".ci",
    "hub", "pyproject.toml", "README.md", "requirements.lock", ".gitignore",
})  # fmt: skip
FORBIDDEN = {
    "a path of one machine": r"/(?:home|root|Users|work)/[a-z]",
    "the host of a package registry": r"pypi\.org|pythonhosted\.org|maven\.org|maven\.apache\.org|npmjs\.(?:org|com)",
    "a private key": r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
    "a server on every address": r"\b0\.0\.0\.0\b",
}
SECRET = re.compile(r"password|secret|\bkek\b|wrapped", re.IGNORECASE)


def _tracked() -> list[Path]:
    """Return every file of the project: those in git, those that will be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [PROJECT / name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()]


FILES = _tracked()
PYTHON = [path for path in FILES if path.suffix == ".py"]


def _name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def _text(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def test_nothing_else_stands_at_the_top() -> None:
    assert {path.relative_to(PROJECT).parts[0] for path in FILES} <= TOP


def test_names_say_what_a_file_holds() -> None:
    assert not [_name(path) for path in FILES if BANNED_NAMES & set(re.split(r"[_.-]", path.stem))]


def test_python_files_stay_short() -> None:
    allowed = GENERATED | LONGER.keys()
    sizes = {_name(path): len(_text(path).splitlines()) for path in PYTHON if _name(path) not in allowed}

    def limit(name: str) -> int:
        return LINES_OF_TESTS_MAX if name.startswith("tests/") else LINES_MAX

    assert not {name: lines for name, lines in sizes.items() if lines > limit(name)}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    others = [path for path in FILES if path != Path(__file__).resolve()]

    assert not [_name(path) for path in others if pattern.search(_text(path))]


def test_no_secret_is_printed_or_logged() -> None:
    found = []
    for path in PYTHON:
        if path.relative_to(PROJECT).parts[0] not in ROOMS:
            continue
        for node in ast.walk(ast.parse(_text(path))):
            if isinstance(node, ast.Call) and _is_output(node.func):
                names = [part for argument in (*node.args, *node.keywords) for part in _names(argument)]
                found += [f"{_name(path)}:{node.lineno}: {name}" for name in names if SECRET.search(name)]

    assert not found


def test_every_module_says_what_it_is_for() -> None:
    assert not [_name(path) for path in PYTHON if not ast.get_docstring(ast.parse(_text(path)))]


def test_a_skip_is_allowed_only_with_a_reason() -> None:
    lines = _text(PROJECT / "tests" / "skips_allowed.txt").splitlines()

    for line in lines:
        if line and not line.startswith("#"):
            pattern, _, reason = line.partition("  ")
            assert pattern.startswith("tests/"), line
            assert len(reason.strip()) > 10, line


def _is_output(called: ast.expr) -> bool:
    """Whether *called* prints, logs or writes to a terminal."""
    if isinstance(called, ast.Name):
        return called.id == "print"
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return False
    return called.value.id in ("log", "console", "out") or (called.value.id, called.attr) == ("typer", "echo")


def _names(node: ast.AST) -> list[str]:
    """Return the names of variables and attributes whose values *node* would show."""
    inner = list(ast.walk(node))
    return [each.id for each in inner if isinstance(each, ast.Name)] + [
        each.attr for each in inner if isinstance(each, ast.Attribute)
    ]
