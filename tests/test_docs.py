"""What the documents say is so: commands, options, links, files, examples, generated pages."""

import dataclasses
import datetime as dt
import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer

from connectors.importing.mappings import read as read_mapping
from infra.cli import build
from schemas.codelists import Code, Deprecation
from schemas.field_steps import AGENCY
from schemas.json_form import read_event
from schemas.names import KeyId
from schemas.sealing import DataKey, Sealing

PROJECT = Path(__file__).resolve().parents[1]
README = PROJECT / "README.md"
README_LINES_MAX = 90
PAGES = (README, *sorted((PROJECT / "docs").rglob("*.md")))
DECISION_LINES_MAX = 60
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(r"`((?:schemas|infra|streams|connectors|projections|tests|docs)/[\w./-]*)`")
EXAMPLE = re.compile(r"<!-- test: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
OPENED = ("0199c0de-0000-7000-8000-000000000001", "hub.feed.personal.v1.PersonIdentified", "person.full_name")


def _id(page: Path) -> str:
    return str(page.relative_to(PROJECT))


every_page = pytest.mark.parametrize("page", PAGES, ids=_id)


def _commands(text: str) -> Iterator[str]:
    """Yield what stands behind `hub` in code: in backticks, and in indented lines."""
    for line in text.splitlines():
        code = [line.strip()] if line.startswith("    ") else re.findall(r"`((?:\./)?hub [^`]+)`", line)
        for piece in code:
            if found := re.match(r"(?:\./)?hub (.+)", piece):
                yield found[1].split("   #")[0].split("  #")[0].strip()


def _anchors(page: Path) -> set[str]:
    text = page.read_text("utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def test_the_readme_is_short() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= README_LINES_MAX


@every_page
def test_named_commands_exist_with_their_options(page: Path) -> None:
    root = typer.main.get_command(build())

    for line in _commands(page.read_text("utf-8")):
        words = shlex.split(line.replace("…", "").replace("|", " | "))
        command = root
        while (group := getattr(command, "commands", None)) is not None and words and not words[0].startswith("-"):
            name = words.pop(0)
            if name not in group and (fallback := getattr(command, "default_command", None)):
                command = group[fallback]
                break
            assert name in group, f"{page.name}: no command `hub {line}`"
            command = group[name]
        known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help"}
        if command.name != "test":  # passes its options on to pytest
            unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in known]
            assert not unknown, f"{page.name}: `hub {line}` has no {unknown}"


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{_id(page)}: {link}"
        if anchor:
            assert anchor in _anchors(target), f"{_id(page)}: {link}"


@every_page
def test_named_files_exist(page: Path) -> None:
    missing = [name for name in NAMED_FILE.findall(page.read_text("utf-8")) if not (PROJECT / name).exists()]

    assert not missing, missing


def test_every_page_is_reached_from_the_index() -> None:
    seen, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text("utf-8")) if "://" not in link)
        waiting += [(page.parent / link).resolve() for link in links if link]

    assert set(PAGES) <= seen


def test_a_decision_fits_a_page() -> None:
    for page in (PROJECT / "docs" / "decisions").glob("*.md"):
        text = page.read_text("utf-8")

        assert len(text.splitlines()) <= DECISION_LINES_MAX, page.name
        assert page.name == "0001-record-decisions.md" or all(
            f"**{part}.**" in text for part in ("Context", "Decision", "Consequences", "Rejected")
        ), page.name


def test_generated_pages_are_current() -> None:
    for page, text in _generator().pages().items():
        assert page.read_text("utf-8") == text, f"{page.name}: run `python docs/reference/generate.py`"


def test_no_page_of_the_language_is_left_over() -> None:
    generator = _generator()

    assert set(generator.FOLDER.glob("*")) <= generator.pages().keys()


def test_the_page_of_a_list_says_what_to_use_instead_of_a_deprecated_code(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = _generator()
    pages = sys.modules["language_pages"]
    old = Code(
        code="OLD",
        label="old",
        verified=True,
        ictip_code="T1",
        deprecated=Deprecation(since=dt.date(2026, 1, 1), instead=("YES", "NO")),
    )
    flag = next(each for each in pages.codes_pages() if each.codes.name == "flag")
    codes = dataclasses.replace(flag.codes, codes={**flag.codes.codes, "OLD": old})
    lists = [dataclasses.replace(each, codes=codes) if each is flag else each for each in pages.codes_pages()]
    monkeypatch.setattr(pages, "codes_pages", lambda: lists)

    html = generator.pages()[generator.FOLDER / "codes-flag.html"]

    row = html[html.index('<tr id="OLD" class="deprecated">') :]
    assert "Deprecated since 2026-01-01" in row
    assert 'use <a href="#YES"><code>YES</code></a> or <a href="#NO">' in row
    assert "IC-TIP" in html
    assert "<td>T1</td>" in row


def test_the_rules_page_has_every_rule_that_tests_of_rules_name() -> None:
    page = (PROJECT / "docs" / "reference" / "rules.md").read_text("utf-8")

    for rule in ("agency-not-owner", "event-id-reused", "wrong-role", "not-a-uuid", "malformed-record", "not-json"):
        assert f"`{rule}`" in page


def test_the_event_of_the_readme_is_valid() -> None:
    text = re.search(r"```json\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert text is not None
    event = json.loads(text[1])
    now = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)
    event["envelope"] |= {"agency": "rs-police", "event_id": OPENED[0], "recorded_at": now}

    contract, _ = read_event(event, now)

    assert contract.name == "PersonIdentified"


def test_the_mapping_of_the_page_about_importing_fits_the_contracts() -> None:
    assert read_mapping("example", dict(examples())["mapping"]).columns


def test_python_examples_compile() -> None:
    for kind, code in examples():
        if kind not in ("open-node", "mapping"):
            compile(code, kind, "exec")
            for module in re.findall(r"^from ((?:connectors|infra|schemas)[\w.]*) import (.+)$", code, re.MULTILINE):
                source = importlib.import_module(module[0])
                assert all(hasattr(source, name.strip()) for name in module[1].split(","))


def test_the_python_lines_open_a_sealed_field() -> None:
    code = dict(examples())["open-python"]
    key, sealed = _sealed("Invented Example")
    namespace: dict[str, object] = {}
    exec(code, namespace)  # noqa: S102 - our own page
    open_field = namespace["open_field"]

    assert callable(open_field)
    assert open_field(key.secret, *OPENED, key.subject, sealed["kid"], sealed["ct"]) == "Invented Example"


def test_the_node_lines_open_a_sealed_field() -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("no node on this machine")
    key, sealed = _sealed("Invented Example")
    ct = sealed["ct"]
    assert isinstance(ct, bytes)
    given = json.dumps([*OPENED, key.subject, sealed["kid"]])
    call = (
        f"const key = Buffer.from('{key.secret.hex()}', 'hex'), ct = Buffer.from('{ct.hex()}', 'hex');\n"
        f"console.log(openField(key, ...{given}, ct));"
    )

    done = subprocess.run(
        [node, "-e", dict(examples())["open-node"] + call], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout == "Invented Example\n"


def _sealed(value: str) -> tuple[DataKey, dict[str, object]]:
    key = DataKey(KeyId("5c1f6a3e-9f0b-4a55-8d4e-2b8f5a1f0c11"), "7ccqv2bx2utuxc3z2vnwnfhgod", bytes(range(32)))
    event_id, schema, path = OPENED
    sealing = Sealing(event_id=event_id, schema=schema, keys={AGENCY: key}, nonce=lambda: bytes(12))
    return key, sealing.seal(path, value, [key])


def examples() -> list[tuple[str, str]]:
    return [example for page in PAGES for example in EXAMPLE.findall(page.read_text("utf-8"))]


def _generator() -> ModuleType:
    path = PROJECT / "docs" / "reference" / "generate.py"
    if str(path.parent) not in sys.path:  # its modules lie beside it
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("docs_reference_generate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
