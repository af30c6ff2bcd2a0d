"""Checks of the linter on what a field may hold: sentences, units, codes, formats, flags."""

from schemas.codelists import code_list, code_list_names
from schemas.privacy_classes import FORMATS, PrivacyClass
from schemas.privacy_place import Place
from schemas.shapes import Array, Scalar

_MEASURED = frozenset({Scalar.INT, Scalar.LONG, Scalar.DOUBLE, Scalar.DATE, Scalar.TIMESTAMP})


def missing_doc(place: Place) -> str | None:
    """Find a field that nobody explained."""
    return None if place.field.text("doc") else "say in one sentence what the field means"


def missing_unit(place: Place) -> str | None:
    """Find a number or a date without a unit."""
    measured = isinstance(place.field.shape, Scalar) and place.field.shape in _MEASURED
    return "name the unit" if measured and not place.field.text("unit") else None


def missing_default(place: Place) -> str | None:
    """Find an optional field that is not null where it is left out."""
    if place.field.nullable and place.field.default is not None:
        return "an optional field has the default null, else no later version is compatible (FULL_TRANSITIVE)"
    return None


def unknown_code_list(place: Place) -> str | None:
    """Find a code list that is not there."""
    name = place.field.attributes.get("codes")
    if name is None or name in code_list_names():
        return None
    return "add the list to schemas/codes, or name one that is there"


def unfit_for_codes(place: Place) -> str | None:
    """Find codes on what is no text."""
    shape = place.field.shape
    value = shape.items if isinstance(shape, Array) else shape
    if place.field.text("codes") and value is not Scalar.STRING:
        return "a coded field is a string or a list of strings"
    return None


def boolean_flag(place: Place) -> str | None:
    """Find a truth value where a flag belongs."""
    if place.field.shape is Scalar.BOOLEAN:
        return "use a string with the code list `flag`: empty means not reported, not no"
    return None


def unknown_default(place: Place) -> str | None:
    """Find a default that is no code of the list."""
    name, default = place.field.text("codes"), place.field.default
    if name not in code_list_names() or not isinstance(default, str):
        return None
    if (found := code_list(str(name)).codes.get(default)) is None:
        return "the default is one of the codes of the list"
    return f"use a code that is not deprecated: {', '.join(found.deprecated.instead)}" if found.deprecated else None


def unknown_format(place: Place) -> str | None:
    """Find a format that nobody knows."""
    found = place.field.attributes.get("format")
    return None if found is None or found in FORMATS else f"use one of: {', '.join(sorted(FORMATS))}"


def free_text_in_clear(place: Place) -> str | None:
    """Find text that stays in clear and may hold anything."""
    value = place.field.shape.items if isinstance(place.field.shape, Array) else place.field.shape
    clear = place.privacy_class in (PrivacyClass.OPERATIONAL, PrivacyClass.PUBLIC)
    if clear and value is Scalar.STRING and not (place.field.text("codes") or place.field.text("format")):
        return "text in clear has `codes` or a `format`: whatever else is typed there could name somebody"
    return None
