"""Checks of the linter on records within records: each is a CONTAINER, or sealed as a whole."""

from schemas.privacy_classes import PERSON, SEALED_CLASSES, PrivacyClass
from schemas.privacy_place import Place
from schemas.shapes import inner_record


def wrong_container(place: Place) -> str | None:
    """Find a CONTAINER that holds no record, or lies inside what is sealed as a whole."""
    if place.privacy_class == PrivacyClass.CONTAINER and inner_record(place.field.shape) is None:
        return "CONTAINER is for a record or a list of records; classify the value itself"
    if place.privacy_class == PrivacyClass.CONTAINER and place.unit is not None:
        return "a record inside one that is sealed as a whole carries the class of the whole"
    return None


def record_in_clear(place: Place) -> str | None:
    """Find a record that is neither a CONTAINER nor sealed as a whole."""
    clear = place.privacy_class not in SEALED_CLASSES | {PrivacyClass.CONTAINER}
    if clear and inner_record(place.field.shape) is not None:
        return "make it a CONTAINER with classified fields, or give it a class that seals it as a whole"
    return None


def person_in_unit(place: Place) -> str | None:
    """Find a person who would be sealed under the key of another."""
    inner = inner_record(place.field.shape)
    if inner is not None and inner.name == PERSON and place.privacy_class != PrivacyClass.CONTAINER:
        return "a person is a CONTAINER: each person is sealed under a key of their own"
    return None


def differs_from_unit(place: Place) -> str | None:
    """Find a field that is classified otherwise than the whole that it is sealed with."""
    if place.unit is None:
        return None
    same = all(place.field.privacy.get(name) == place.unit.privacy.get(name) for name in ("class", "subject"))
    return None if same else "give it class and subject of the field around it, which is sealed as a whole"
