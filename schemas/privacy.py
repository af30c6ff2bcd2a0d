"""Privacy classes and the linter that refuses a schema with a field whose privacy is not settled.

Each check is one function in `CHECKS`; `problems_of` runs all of them over all fields and reports everything
at once (design section 5).
"""

from collections.abc import Iterator, Mapping

from schemas.codelists import is_code
from schemas.errors import Problem
from schemas.privacy_classes import (
    AGENCY,
    FAMILIES,
    LADDER_CLASSES,
    LADDERS,
    PERSON,
    SEALED_CLASSES,
    SELF,
    TAGS,
    VIEWS,
    PrivacyClass,
)
from schemas.privacy_place import Check, Place
from schemas.privacy_values import (
    boolean_flag,
    free_text_in_clear,
    unfit_for_codes,
    unknown_code_list,
    unknown_default,
    unknown_format,
)
from schemas.registry import AvroSchema
from schemas.shapes import Field, Record, Scalar, UnsupportedSchemaError, inner_record, record_shape

__all__ = ["CHECKS", "LADDERS", "SEALED_CLASSES", "TAGS", "Check", "Place", "PrivacyClass", "problems_of"]

_ATTRIBUTES = frozenset({"class", "subject", "ladder", "views"})
_MEASURED = frozenset({Scalar.INT, Scalar.LONG, Scalar.DOUBLE, Scalar.DATE, Scalar.TIMESTAMP})


def problems_of(schema: AvroSchema) -> tuple[Problem, ...]:
    """Return all that is wrong with the self-contained schema of an event, nothing when it may be built."""
    try:
        root = record_shape(schema)
    except UnsupportedSchemaError as error:
        return (Problem("$", "unsupported-type", f"{error}; coded values are strings with the attribute `codes`"),)
    found = list(_problems_of_event(schema, root))
    for place in _places(root, root, "", in_person=False, unit=None, seen=set()):
        found += [
            Problem(place.path, name, advice) for name, check in CHECKS.items() if (advice := check(place)) is not None
        ]
    return tuple(found)


def _problems_of_event(schema: AvroSchema, root: Record) -> Iterator[Problem]:
    if not root.fields or root.fields[0].name != "envelope" or not isinstance(root.fields[0].shape, Record):
        yield Problem("$", "missing-envelope", "make `envelope` of type hub.v1.Envelope the first field")
    if schema.get("family") not in FAMILIES:
        yield Problem("$", "unknown-family", f"set `family` to one of: {', '.join(sorted(FAMILIES))}")
    if not schema.get("doc"):
        yield Problem("$", "missing-doc", "say in one sentence what the event reports")


def _places(
    root: Record,
    record: Record,
    path: str,
    *,
    in_person: bool,
    unit: Field | None,
    seen: set[tuple[str, bool, str]],
) -> Iterator[Place]:
    """Yield each field; a record that is used in the same way in several places is looked at in the first."""
    inside = in_person or record.name == PERSON
    use = (record.name, inside, str(unit.privacy) if unit else "")
    if use in seen:
        return
    seen.add(use)
    for entry in record.fields:
        here = f"{path}{entry.name}"
        yield Place(path=here, field=entry, root=root, in_person=inside, unit=unit)
        inner = inner_record(entry.shape)
        if inner is not None:
            container = entry.privacy.get("class") == PrivacyClass.CONTAINER
            around = unit or (None if container else entry)
            yield from _places(root, inner, f"{here}.", in_person=inside, unit=around, seen=seen)


def _unclassified(place: Place) -> str | None:
    return None if place.privacy_class else "give the field a privacy class"


def _unknown_class(place: Place) -> str | None:
    if not place.privacy_class or place.privacy_class in set(PrivacyClass):
        return None
    return f"use one of: {', '.join(PrivacyClass)}"


def _unknown_privacy_attribute(place: Place) -> str | None:
    unknown = place.field.privacy.keys() - _ATTRIBUTES
    return f"remove {', '.join(sorted(unknown))}: nothing reads it" if unknown else None


def _needs_subject(place: Place) -> bool:
    return place.privacy_class in SEALED_CLASSES or place.privacy_class == PrivacyClass.ENTITY


def _missing_subject(place: Place) -> str | None:
    if _needs_subject(place) and not place.subjects:
        return "name the person whose key seals the field, or `agency`"
    return None


def _needless_subject(place: Place) -> str | None:
    if not _needs_subject(place) and place.subjects:
        return "remove the subject, or choose a class that is sealed: this one never is"
    return None


def _wrong_subject(place: Place) -> str | None:
    if all(_leads_to_person(place, subject) for subject in place.subjects):
        return None
    return "use `agency`, inside a person `self`, else the path from the event to a Person or a list of them"


def _leads_to_person(place: Place, subject: object) -> bool:
    if place.in_person:
        return subject == SELF
    if subject == AGENCY:
        return True
    record: Record | None = place.root
    for name in str(subject).split("."):
        entry = next((entry for entry in record.fields if entry.name == name), None) if record else None
        record = inner_record(entry.shape) if entry else None
    return record is not None and record.name == PERSON


def _several_subjects(place: Place) -> str | None:
    if len(place.subjects) > 1 and place.privacy_class != PrivacyClass.NARRATIVE:
        return "name one subject: only a narrative is about several"
    return None


def _missing_ladder(place: Place) -> str | None:
    if place.privacy_class in LADDER_CLASSES and "ladder" not in place.field.privacy:
        return "name the ladder on which the value is generalised; `all-or-nothing` when there is no other"
    return None


def _unknown_ladder(place: Place) -> str | None:
    ladder = place.field.privacy.get("ladder")
    return None if ladder is None or ladder in LADDERS else f"use one of: {', '.join(LADDERS)}"


def _unknown_view(place: Place) -> str | None:
    views = place.field.privacy.get("views", [])
    if isinstance(views, list) and set(views) <= VIEWS:
        return None
    return f"`views` lists some of: {', '.join(sorted(VIEWS))}"


def _wrong_container(place: Place) -> str | None:
    if place.privacy_class == PrivacyClass.CONTAINER and inner_record(place.field.shape) is None:
        return "CONTAINER is for a record or a list of records; classify the value itself"
    if place.privacy_class == PrivacyClass.CONTAINER and place.unit is not None:
        return "a record inside one that is sealed as a whole carries the class of the whole"
    return None


def _record_in_clear(place: Place) -> str | None:
    clear = place.privacy_class not in SEALED_CLASSES | {PrivacyClass.CONTAINER}
    if clear and inner_record(place.field.shape) is not None:
        return "make it a CONTAINER with classified fields, or give it a class that seals it as a whole"
    return None


def _person_in_unit(place: Place) -> str | None:
    inner = inner_record(place.field.shape)
    if inner is not None and inner.name == PERSON and place.privacy_class != PrivacyClass.CONTAINER:
        return "a person is a CONTAINER: each person is sealed under a key of their own"
    return None


def _differs_from_unit(place: Place) -> str | None:
    if place.unit is None:
        return None
    same = all(place.field.privacy.get(name) == place.unit.privacy.get(name) for name in ("class", "subject"))
    return None if same else "give it class and subject of the field around it, which is sealed as a whole"


def _missing_doc(place: Place) -> str | None:
    return None if place.field.text("doc") else "say in one sentence what the field means"


def _missing_unit(place: Place) -> str | None:
    measured = isinstance(place.field.shape, Scalar) and place.field.shape in _MEASURED
    return "name the unit" if measured and not place.field.text("unit") else None


def _missing_default(place: Place) -> str | None:
    if place.field.nullable and place.field.default is not None:
        return "an optional field has the default null, else no later version is compatible (FULL_TRANSITIVE)"
    return None


def _unknown_role(place: Place) -> str | None:
    if all(is_code("person_role", role) for role in place.field.texts("roles")):
        return None
    return "`roles` lists codes of the list person_role"


def _wrong_tags(place: Place) -> str | None:
    expected = TAGS.get(place.privacy_class)
    if expected is None or place.field.attributes.get("confluent:tags") == [expected]:
        return None
    return f'set "confluent:tags" to ["{expected}"]'


CHECKS: Mapping[str, Check] = {
    "unclassified": _unclassified,
    "unknown-class": _unknown_class,
    "unknown-privacy-attribute": _unknown_privacy_attribute,
    "missing-subject": _missing_subject,
    "needless-subject": _needless_subject,
    "wrong-subject": _wrong_subject,
    "several-subjects": _several_subjects,
    "missing-ladder": _missing_ladder,
    "unknown-ladder": _unknown_ladder,
    "unknown-view": _unknown_view,
    "wrong-container": _wrong_container,
    "record-in-clear": _record_in_clear,
    "free-text-in-clear": free_text_in_clear,
    "person-in-unit": _person_in_unit,
    "differs-from-unit": _differs_from_unit,
    "missing-doc": _missing_doc,
    "missing-unit": _missing_unit,
    "unknown-code-list": unknown_code_list,
    "unfit-for-codes": unfit_for_codes,
    "boolean-flag": boolean_flag,
    "unknown-default": unknown_default,
    "missing-default": _missing_default,
    "unknown-format": unknown_format,
    "unknown-role": _unknown_role,
    "wrong-tags": _wrong_tags,
}
"""Every rule of the linter: the stable name that a problem carries, and its check."""
