"""What codes are called in English, for people who read an export without the code lists."""

from collections.abc import Mapping
from functools import cache

from projections.indicators.carried import column_of
from projections.indicators.entries import Indicator, OverFacts, OverPersons
from projections.indicators.figures import NOT_BROKEN_DOWN, NOT_REPORTED, SEVERAL
from schemas.codelists import code_list

TOTAL, BAND = "TOTAL", "band"
_OWN = {
    TOTAL: "all",
    NOT_REPORTED: "not reported",
    SEVERAL: "several of these",
    NOT_BROKEN_DOWN: "not broken down",
    "ADULT": "adult",
    "MINOR": "minor",
    "SEXUAL": "sexual exploitation",
    "LABOUR": "forced labour",
    "SLAVERY_LIKE": "slavery-like practices",
    "BEGGING_CRIMINALITY": "forced begging or criminality",
    "ADOPTION_SURROGACY_OTHER": "illegal adoption, surrogacy and similar",
    "OTHER_FORMS": "other forms",
}
_PLACES = ("m49", "country")
_LISTS = {"group": ("person_group",), "age": ("age_band",), "citizenship_region": _PLACES, "return_to": _PLACES}


def label_of(entry: Indicator, dimension: str, code: str) -> str:
    """Return what *code* of *dimension* of *entry* is called; a code that no list has stands for itself."""
    lists = (*_LISTS.get(dimension, ()), *_lists_of(entry, dimension))
    return _first(lists, code) or code.replace("_", " ").capitalize()


def place_label(code: str) -> str:
    """Return what a country, a sub-region or a region is called."""
    return _first(_PLACES, code) or code


def _first(lists: tuple[str, ...], code: str) -> str:
    if code in _OWN:
        return _OWN[code]
    return next((found for name in lists if (found := _labels(name).get(code, ""))), "")


def _lists_of(entry: Indicator, dimension: str) -> tuple[str, ...]:
    measure = entry.measure
    if not isinstance(measure, OverPersons | OverFacts) or dimension not in entry.by:
        return ()
    column = column_of(measure.kind, entry.by[dimension])
    return tuple(name for source in column.sources if (name := source.field.text("codes"))) if column else ()


@cache
def _labels(name: str) -> Mapping[str, str]:
    return {code: entry.label for code, entry in code_list(name).codes.items()}
