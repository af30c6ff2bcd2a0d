"""How well a column of an unknown file fits a field: by its name, and by the texts that it holds."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from functools import cache, lru_cache

import pycountry

from connectors.importing.converting import country_names
from schemas.codelists import code_list
from schemas.shapes import Array, Field, Scalar

_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_LEFT_OUT = frozenset({"prs", "vic", "cas", "per", "hte", "is", "of", "the", "type", "types"})
_SAME = {
    "sex": "gender", "nationality": "citizenship", "nationalities": "citizenship", "citizenships": "citizenship",
    "dob": "birth", "birthdate": "birth", "born": "birth", "labor": "labour", "victim": "person", "ref": "reference",
    "id": "reference", "number": "reference", "forms": "form", "methods": "method", "indicators": "indicator",
    "exploit": "exploitation",
}  # fmt: skip
_YES, _NO = frozenset({"1", "yes", "true", "y"}), frozenset({"0", "no", "false", "n"})
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y", "%d-%m-%Y", "%Y/%m/%d")
_NUMBER = re.compile(r"\d+([.]\d+)?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+([.]\d+)?", re.ASCII)
_SHOWN_MAX = 60
_SHORTEST, _SPELT_ALIKE = 5, 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class ByValue:
    """What the texts of a column say about a field."""

    share: float
    """Part of the cells that fit."""
    rule: Mapping[str, object]
    """What a rule needs beside the column."""
    why: str
    open: tuple[str, ...] = ()
    """Texts that nothing is known about."""


def by_name(column: str, path: str, entry: Field) -> tuple[float, str]:
    """Return how much the name of *column* speaks for the field at *path*, from 0 to 1, and why."""
    for standard in ("ctdc", "htcds"):
        for name in (entry.text(standard) or "").split(", "):
            if name and name.casefold() == column.casefold():
                return 1.0, f"is its name in {standard.upper()}"
    own = _words(column)
    names = [path.rsplit(".", 1)[-1], path.replace(".", "_")]
    names += [name for standard in ("ctdc", "htcds") for name in (entry.text(standard) or "").split(", ") if name]
    best = max((_alike(own, _words(name)), name) for name in names)
    return best[0], f"its name is like `{best[1]}`" if best[0] else "its name says nothing"


def by_values(texts: Counter[str], entry: Field) -> ByValue:
    """Return how well *texts* fit the field *entry*."""
    scalar = entry.shape.items if isinstance(entry.shape, Array) else entry.shape
    codes = entry.text("codes")
    if not texts:
        return ByValue(share=0.0, rule={}, why="the column is empty")
    if codes == "flag":
        return _flags(texts)
    if codes is not None:
        return _codes(texts, codes)
    if scalar in (Scalar.DATE, Scalar.TIMESTAMP):
        return _dates(texts)
    if scalar in (Scalar.INT, Scalar.LONG, Scalar.DOUBLE):
        return _numbers(texts)
    return ByValue(share=0.5, rule={}, why="any text fits")


def is_flag(texts: Counter[str]) -> bool:
    """Whether a column says yes or no."""
    return bool(texts) and all(text.casefold() in _YES | _NO for text in texts)


def flag_texts(texts: Counter[str]) -> tuple[list[str], list[str]]:
    """Return the texts for yes and those for no."""
    return sorted(t for t in texts if t.casefold() in _YES), sorted(t for t in texts if t.casefold() in _NO)


def code_named(column: str, entry: Field) -> str | None:
    """Return the code of a list for which a whole column stands, such as `meansOfControlThreats`; None when none."""
    if (codes := entry.text("codes")) is None:
        return None
    named = [name for name in (entry.text("ctdc") or "").split(", ") if "=" not in name]
    if not any(fnmatchcase(column, name) or name.startswith(column[:2]) for name in named):
        return None
    prefixes = ["", *(name.removesuffix("*") for name in named if name.endswith("*"))]
    found = [
        code.code
        for code in code_list(codes).codes.values()
        for standard, name in code.crosswalk.items()
        if standard.startswith("CTDC") and column in {f"{prefix}{name}" for prefix in prefixes}
    ]
    return found[0] if len(set(found)) == 1 else "OTHER" if "OTHER" in found else None


def tells_sex(column: str) -> bool:
    """Whether a column is named like one of sex or gender."""
    return "gender" in _words(column)


def _words(name: str) -> frozenset[str]:
    found = (word.casefold() for word in _WORDS.findall(name))
    return frozenset(_SAME.get(word, word) for word in found if word not in _LEFT_OUT)


def _alike(own: frozenset[str], other: frozenset[str]) -> float:
    """Return which part of their words two names share, words that are spelt nearly alike included."""
    if not own or not other:
        return 0.0
    shared = sum(any(_same_word(word, each) for each in other) for word in own)
    return shared / (len(own) + len(other) - shared) if shared <= len(other) else 0.0


@lru_cache(maxsize=50_000)
def _same_word(word: str, other: str) -> bool:
    if word == other:
        return True
    return min(len(word), len(other)) >= _SHORTEST and SequenceMatcher(None, word, other).ratio() >= _SPELT_ALIKE


def _flags(texts: Counter[str]) -> ByValue:
    yes, no = flag_texts(texts)
    rest = [text for text in texts if text not in yes + no]
    table = {**dict.fromkeys(yes, "YES"), **dict.fromkeys(no, "NO")}
    share = 1 - sum(texts[text] for text in rest) / texts.total()
    rule: dict[str, object] = {"map": table, "empty": "NOT_REPORTED"}
    return ByValue(share=share, rule=rule, why="holds yes and no", open=tuple(rest[:_SHOWN_MAX]))


def _codes(texts: Counter[str], name: str) -> ByValue:
    if name == "country":
        return _countries(texts)
    known = _texts_of(name)
    if len(texts) > max(_SHOWN_MAX, 2 * len(code_list(name).codes)):
        return ByValue(share=0.0, rule={}, why="holds more different texts than the list has codes")
    table = {text: known[text.casefold()] for text in texts if text.casefold() in known}
    share, rest = _share(texts, table)
    why = f"{share:.0%} of its cells are in the code list {name}"
    is_same = all(text == code for text, code in table.items()) and not rest
    return ByValue(share=share, rule={} if is_same else {"map": table}, why=why, open=rest)


def _countries(texts: Counter[str]) -> ByValue:
    """Tell in which of three ways countries are written: what is written in another way is left open.

    So "NA" is Namibia among codes of two letters, and nothing that is known among codes of three, or names.
    """
    ways: tuple[tuple[Mapping[str, str], dict[str, object], str], ...] = (
        ({country.alpha_2: country.alpha_3 for country in pycountry.countries}, {"convert": "alpha-2"}, "two letters"),
        ({country.alpha_3: country.alpha_3 for country in pycountry.countries}, {}, "three letters"),
        (country_names(), {"convert": "country-name"}, "names"),
    )
    best = ByValue(share=0.0, rule={}, why="holds no countries")
    for known, rule, form in ways:
        found = {text for text in texts if (text.casefold() if form == "names" else text) in known}
        share, rest = _share(texts, found)
        if share > best.share:
            best = ByValue(share=share, rule=rule, why=f"{share:.0%} of its cells are countries ({form})", open=rest)
    return best


def _share(texts: Counter[str], found: Collection[str]) -> tuple[float, tuple[str, ...]]:
    return sum(texts[text] for text in found) / texts.total(), tuple(text for text in texts if text not in found)


@cache
def _texts_of(name: str) -> Mapping[str, str]:
    """Return the codes of a list by every text that stands for exactly one of them."""
    found: dict[str, set[str]] = {}
    for text, code in _spellings(name):
        found.setdefault(text.casefold(), set()).add(code)
    return {text: next(iter(codes)) for text, codes in found.items() if len(codes) == 1}


def _spellings(name: str) -> Iterator[tuple[str, str]]:
    for code in code_list(name).codes.values():
        yield code.code, code.code
        yield code.label, code.code
        for text in code.crosswalk.values():
            yield from ((part, code.code) for part in text.split(", "))


def _dates(texts: Counter[str]) -> ByValue:
    forms = [form for form in _DATES if all(_is_date(text, form) for text in texts)]
    if len(forms) == 1:
        return ByValue(share=1.0, rule={"date": forms}, why=f"all its cells are dates ({forms[0]})")
    if forms:
        return ByValue(share=0.4, rule={"date": forms}, why="its dates can be read in several ways")
    return ByValue(share=0.0, rule={}, why="holds no dates")


def _is_date(text: str, form: str) -> bool:
    try:
        return dt.datetime.strptime(text, form).year >= 1900  # noqa: DTZ007, PLR2004 - a day; the hub takes none before
    except ValueError:
        return False


def _numbers(texts: Counter[str]) -> ByValue:
    plain = sum(number for text, number in texts.items() if _NUMBER.fullmatch(text))
    grouped = sum(number for text, number in texts.items() if _GROUPED.fullmatch(text))
    rest = tuple(text for text in texts if not _NUMBER.fullmatch(text) and not _GROUPED.fullmatch(text))
    form: dict[str, object] = {"thousands": ","} if grouped else {}
    share = (plain + grouped) / texts.total()
    return ByValue(
        share=share, rule={"number": form}, why=f"{share:.0%} of its cells are numbers", open=rest[:_SHOWN_MAX]
    )
