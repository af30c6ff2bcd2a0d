# ruff: noqa: INP001 - beside a program, not in a package
"""Renders the pages of the common language into `language/`, one for each event type, shared record and code list."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import language
import reading_guide
import search_index
from codes_pages import codes_pages, slug
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from rule_texts import PROJECT, Rule

from schemas.codelists import code_list_names, is_code
from schemas.privacy_table import CHANNELS

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
FOLDER = HERE / "language"
TO_PROJECT = "../" * len(FOLDER.relative_to(PROJECT).parts)
ASSETS = ("reference.css", "reference.js", "search.js")
OTHER_LISTS = {"ILO 11": "ilo_fl11", "ICCS": "iccs", "region": "m49", "ISIC section": "isic_section"}
"""Names of crosswalks that are code lists of ours under another name."""


def language_pages(rules: Mapping[str, tuple[Rule, ...]], runners: Mapping[str, str]) -> dict[Path, str]:
    """Return what each file of the folder should hold; *rules* by code with who says them."""
    environment = _environment()
    shown = {
        "events": language.events(),
        "families": language.families(),
        "records": language.shared(),
        "lists": codes_pages(),
        "guide": reading_guide.guide(),
        "rules": rules,
        "runners": runners,
        "topology": language.topology(),
        "channels": CHANNELS,
    }
    pages: dict[str, Mapping[str, object]] = {"index": {}, "guide": {}, "rules": {}, "all": {}}
    pages |= {event.name: {"event": event} for event in language.events()}
    pages |= {name: {"record": name} for name in language.shared()}
    pages |= {each.page: {"codes": each} for each in codes_pages()}
    texts = {
        FOLDER / f"{name}.html": _compact(_render(environment, name, {**shown, **own})) for name, own in pages.items()
    }
    assets = {FOLDER / name: (TEMPLATES / name).read_text("utf-8") for name in ASSETS}
    return {**texts, **assets, FOLDER / "search-index.js": search_index.script(rules)}


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": _prose, "slug": slug, "anchor": lambda path: path.replace("[]", "")}
    environment.globals |= {
        "SHARED": language.SHARED,
        "OTHER_LISTS": OTHER_LISTS,
        "is_code": lambda name, code: name in code_list_names() and is_code(name, code),
        "kinds_of": language.kinds_of,
        "project": TO_PROJECT,
    }
    environment.tests["has"] = lambda values, value: value in values
    return environment


def _render(environment: Environment, page: str, shown: Mapping[str, object]) -> str:
    """Render one page; on the page that prints everything, every link leads to a place on it."""
    together = page == "all"
    kind = next((kind for kind in ("event", "record", "codes") if kind in shown), page)
    template = environment.get_template(f"{kind}.html.jinja")
    return template.render(
        page=page, together=together, link=_linker(page, together=together), ident=_namer(together), **shown
    )


def _linker(page: str, *, together: bool) -> Callable[..., str]:
    not_here = {each.page for each in codes_pages() if not each.printed}

    def link(target: str, anchor: str = "") -> str:
        if together and target not in not_here:
            return f"#{target}.{anchor}" if anchor else f"#{target}"
        there = "" if target == page else f"{target}.html"
        return f"{there}#{anchor}" if anchor else there or "#main"

    return link


def _namer(together: bool) -> Callable[[str, str], str]:
    return lambda page, anchor: f"{page}.{anchor}" if together else anchor


def _prose(text: str) -> Markup:
    """Return *text* as HTML; what stands in backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _compact(html: str) -> str:
    """Return *html* without the indentation of the templates, but for what is preformatted."""
    parts = re.split(r"(<pre.*?</pre>)", html, flags=re.DOTALL)
    return "".join(part if part.startswith("<pre") else re.sub(r"\s*\n\s*", "\n", part) for part in parts)
