"""The reference of the language, as it lies in docs/reference/language: complete, well made, for every reader."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import cast
from urllib.parse import unquote

import pytest

from schemas.catalogue import contracts, inline, shared_records
from schemas.codelists import code_list, code_list_names
from schemas.examples import example
from schemas.shapes import Array, Record, inner_record, record_shape, shape_of, walk

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference" / "language"
PAGES = sorted(FOLDER.glob("*.html"))
VOID = frozenset({"meta", "link", "input", "br"})
SHORT = frozenset({"th", "td", "tr"})
"""Elements whose end tag HTML lets a page leave out, as the page of languages does."""
LOADS = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "form": "action"}
SHARED = {str(schema["name"]): inline(schema, shared_records()) for schema in shared_records().values()}
INSIDE_SHARED = SHARED.keys() | {
    record.name for schema in SHARED.values() for _, record, _ in walk(record_shape(schema))
}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


class Page(HTMLParser):
    """A page as its elements, in order; refuses what is not well formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.left_open = [tag for tag in self._open if tag not in SHORT]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute stands twice in <{tag}>"
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open[-1] != tag and self._open[-1] in SHORT:
            self._open.pop()
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def each(self, tag: str) -> list[dict[str, str]]:
        return [given for name, given in self.elements if name == tag]


@cache
def parsed(page: Path) -> Page:
    return Page(page.read_text("utf-8"))


@cache
def found_by_search() -> dict[str, set[str]]:
    """Return the names that the search finds, by the address it leads to."""
    script = (FOLDER / "search-index.js").read_text("utf-8")
    found: dict[str, set[str]] = {}
    for page, _, text in json.loads(
        script.partition("const SEARCH_INDEX = ")[2].rstrip().removesuffix(";").replace(",\n]", "\n]")
    ):
        for line in text.split("\n"):
            anchor, name = line.split("\t")[:2]
            address = f"{page}.html" + (f"#{name if anchor == '=' else anchor}" if anchor else "")
            found.setdefault(address, set()).add(name)
    return found


def test_there_is_a_page_for_every_event_type_shared_record_and_code_list() -> None:
    wanted = {known.name for known in contracts()} | SHARED.keys() | {f"codes-{name}" for name in code_list_names()}

    assert {page.stem for page in PAGES} == wanted | {"index", "guide", "rules", "all"}


@pytest.mark.parametrize("name", [known.name for known in contracts()])
def test_every_field_of_an_event_is_on_its_page(name: str) -> None:
    known = next(each for each in contracts() if each.name == name)
    wanted = {path.removesuffix("[]").replace("[]", "") for path, _, _ in walk(shape_of(known))}

    assert wanted <= set(parsed(FOLDER / f"{name}.html").ids)


@pytest.mark.parametrize("name", [known.name for known in contracts()])
def test_the_example_on_a_page_is_the_example(name: str) -> None:
    text = "".join(parsed(FOLDER / f"{name}.html").text)
    shown = text[text.index('{\n  "event_type"') :]

    assert json.JSONDecoder().raw_decode(shown)[0] == example(name)


@pytest.mark.parametrize("name", code_list_names())
def test_every_code_is_on_the_page_of_its_list_and_the_search_leads_there(name: str) -> None:
    page = parsed(FOLDER / f"codes-{name}.html")
    text = "".join(page.text)
    leads = {
        each: address
        for address, names in found_by_search().items()
        for each in names
        if address.startswith(f"codes-{name}.html#")
    }

    assert leads.keys() == code_list(name).codes.keys()
    assert {address.partition("#")[2] for address in leads.values()} <= set(page.ids)
    assert all(code.label in text for code in code_list(name).codes.values())


def test_the_search_finds_every_event_type_list_and_field() -> None:
    found = found_by_search()
    for known in contracts():
        assert known.name in found[f"{known.name}.html"]
        for path, holder, _ in walk(shape_of(known)):
            if holder.name not in INSIDE_SHARED:
                field = path.removesuffix("[]")
                assert field in found[f"{known.name}.html#{field.replace('[]', '')}"]
    for name, schema in SHARED.items():
        for path in _own_paths(record_shape(schema)):
            assert path in found[f"{name}.html#{path.replace('[]', '')}"]
    assert {f"codes-{name}.html" for name in code_list_names()} <= found.keys()


@pytest.mark.parametrize(
    ("query", "address"),
    [
        ("PersonIdentified", "PersonIdentified.html"),
        ("date birth", "Person.html#date_of_birth"),
        ("vic_TraffickingStatus", "PersonIdentified.html#status"),
        ("PossibleVictimOfTrafficking", "codes-victim_status.html#PRESUMED"),
        ("palermo-incomplete", "rules.html#palermo-incomplete"),
        ("BGR", "codes-country.html#BGR"),
        ("  debt   BONDAGE ", "codes-means_of_control.html#DEBT_BONDAGE"),
    ],
)
def test_what_one_looks_for_comes_first(query: str, address: str) -> None:
    assert _searched(query)[0] == address


def test_what_is_nowhere_is_not_found() -> None:
    assert _searched("qwertzuiop") == []


def _searched(query: str) -> list[str]:
    """Return the addresses that the search of the pages finds for *query*, by their own script."""
    if (node := shutil.which("node")) is None:
        pytest.skip("no node on this machine")
    scripts = "".join((FOLDER / name).read_text("utf-8") for name in ("search-index.js", "search.js"))
    call = f"console.log(JSON.stringify(search({json.dumps(query)}).map(({{href}}) => href)));"
    done = subprocess.run([node, "-"], input=scripts + call, capture_output=True, text=True, timeout=60, check=True)
    return cast("list[str]", json.loads(done.stdout))


def test_whatever_the_search_finds_is_there() -> None:
    for address in found_by_search():
        file, _, anchor = address.partition("#")
        assert not anchor or anchor in parsed(FOLDER / file).ids, address


@every_page
def test_a_page_is_well_formed_and_each_id_stands_once(page: Path) -> None:
    text = page.read_text("utf-8")

    assert text.startswith("<!doctype html>\n<html lang=")
    assert not parsed(page).left_open
    assert len(parsed(page).ids) == len(set(parsed(page).ids))


@every_page
def test_links_lead_to_something(page: Path) -> None:
    for link in parsed(page).each("a"):
        file, _, anchor = link["href"].partition("#")
        target = (page.parent / unquote(file)).resolve() if file else page
        assert target.is_file(), link["href"]
        assert not anchor or unquote(anchor) in parsed(target).ids, link["href"]


@every_page
def test_a_page_loads_nothing_from_elsewhere(page: Path) -> None:
    for tag, attribute in LOADS.items():
        for given in parsed(page).each(tag):
            source = given.get(attribute, "data:,")
            assert source == "data:," or (FOLDER / source).is_file(), source
    assert not [
        given for _, given in parsed(page).elements if "style" in given or any(name.startswith("on") for name in given)
    ]


@pytest.mark.parametrize("name", ["reference.css", "reference.js", "search.js", "search-index.js"])
def test_what_pages_share_loads_nothing(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")

    assert not re.search(r"https?://|//[\w-]+\.\w|@import|url\(|fetch\(|import\(|XMLHttpRequest", text)


@every_page
def test_headings_step_down_one_at_a_time_from_a_single_first(page: Path) -> None:
    levels = [int(tag[1]) for tag, _ in parsed(page).elements if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@every_page
def test_a_page_can_be_used_without_eyes_and_without_a_mouse(page: Path) -> None:
    found = parsed(page)
    labelled = {given["for"] for given in found.each("label")}
    landmarks = [tag for tag, _ in found.elements if tag in ("header", "main")]

    assert landmarks == ["header", "main"]
    assert found.each("a")[0] == {"class": "skip", "href": "#main"}
    assert all(given["id"] in labelled for given in found.each("input"))
    assert all(given.get("aria-label") for given in found.each("nav"))
    assert all(given.get("scope") in ("row", "col", "rowgroup") for given in found.each("th"))
    assert len(found.each("caption")) == len(found.each("table"))
    assert all(given.get("aria-label") for _, given in found.elements if given.get("role") == "region")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    colours = _colours(scheme)
    pairs = [
        *((ink, ground) for ink in ("ink", "muted", "accent", "warn") for ground in ("paper", "raised", "mark")),
        *((f"{form}-ink", form) for form in ("sealed", "clear", "form")),
    ]

    assert not {pair: ratio for pair in pairs if (ratio := _contrast(colours[pair[0]], colours[pair[1]])) < 4.5}


def _own_paths(record: Record, above: str = "") -> Iterator[str]:
    """Yield the paths of the fields below *record*, but for those of another shared record."""
    for entry in record.fields:
        yield f"{above}{entry.name}"
        inner = inner_record(entry.shape)
        if inner is not None and inner.name not in SHARED:
            yield from _own_paths(inner, f"{above}{entry.name}{'[]' if isinstance(entry.shape, Array) else ''}.")


def _colours(scheme: str) -> dict[str, str]:
    css = (FOLDER / "reference.css").read_text("utf-8")
    blocks = [
        dict(re.findall(r"--([\w-]+): (#\w+);", block)) for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    ]
    return blocks[0] if scheme == "light" else blocks[0] | blocks[1]


def _contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2, which asks for 4.5 between text and what is behind it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = list(_channels(colour))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> Iterator[float]:
    digits = colour.removeprefix("#")
    size = len(digits) // 3
    for start in range(0, len(digits), size):
        yield int(digits[start : start + size] * (2 // size), 16) / 255
