"""Privacy classes and the linter that refuses a schema with a field whose privacy is not settled.

Each check is one function in `CHECKS`; `problems_of` runs all of them over all fields and reports everything
at once (design section 5).
"""

from collections.abc import Iterator, Mapping

from schemas.codelists import is_code
from schemas.errors import Problem
from schemas.outside_language import within_language
from schemas.privacy_classes import (
    AGENCY,
    FAMILIES,
    LADDERS,
    PERSON,
    SEALED_CLASSES,
    SELF,
    TAGS,
    VIEWS,
    PrivacyClass,
)
from schemas.privacy_ladders import (
    missing_ladder,
    missing_minimum,
    needless_minimum,
    unfit_for_ladder,
    unknown_ladder,
    unknown_minimum,
)
from schemas.privacy_place import Check, Place
from schemas.privacy_units import differs_from_unit, person_in_unit, record_in_clear, wrong_container
from schemas.privacy_values import (
    boolean_flag,
    free_text_in_clear,
    missing_default,
    missing_doc,
    missing_unit,
    unfit_for_codes,
    unknown_code_list,
    unknown_default,
    unknown_format,
)
from schemas.registry import AvroSchema
from schemas.shapes import Field, Record, inner_record, record_shape

__all__ = [
    "CHECKS",
    "LADDERS",
    "SEALED_CLASSES",
    "TAGS",
    "Check",
    "Place",
    "PrivacyClass",
    "problems_of",
    "problems_of_hub_record",
]

_ATTRIBUTES = frozenset({"class", "subject", "ladder", "minimum", "views"})


def problems_of(schema: AvroSchema) -> tuple[Problem, ...]:
    """Return all that is wrong with the self-contained schema of an event, nothing when it may be built."""
    spoken, outside = within_language(schema)
    root = record_shape(spoken)
    found = [*outside, *_problems_of_event(schema, root)]
    for place in _places(root, root, "", in_person=False, unit=None, seen=set()):
        found += [
            Problem(place.path, name, advice) for name, check in CHECKS.items() if (advice := check(place)) is not None
        ]
    return tuple(found)


def problems_of_hub_record(schema: AvroSchema) -> tuple[Problem, ...]:
    """Return what is not settled about a record that the hub itself writes: every field has a class and a sentence.

    Its texts come from the hub's own code, so the checks of what agencies may type do not apply.
    """
    root = record_shape(schema)
    places = _places(root, root, "", in_person=False, unit=None, seen=set())
    found = ((place.path, name, CHECKS[name](place)) for place in places for name in _OF_EVERY_RECORD)
    return tuple(Problem(path, name, advice) for path, name, advice in found if advice is not None)


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


def _unknown_view(place: Place) -> str | None:
    views = place.field.privacy.get("views", [])
    if isinstance(views, list) and set(views) <= VIEWS:
        return None
    return f"`views` lists some of: {', '.join(sorted(VIEWS))}"


def _unknown_role(place: Place) -> str | None:
    if all(is_code("person_role", role) for role in place.field.texts("roles")):
        return None
    return "`roles` lists codes of the list person_role"


def _wrong_tags(place: Place) -> str | None:
    expected = TAGS.get(place.privacy_class)
    if expected is None or place.field.attributes.get("confluent:tags") == [expected]:
        return None
    return f'set "confluent:tags" to ["{expected}"]'


_OF_EVERY_RECORD = ("unclassified", "unknown-class", "unknown-privacy-attribute", "missing-doc", "wrong-tags")
CHECKS: Mapping[str, Check] = {
    "unclassified": _unclassified,
    "unknown-class": _unknown_class,
    "unknown-privacy-attribute": _unknown_privacy_attribute,
    "missing-subject": _missing_subject,
    "needless-subject": _needless_subject,
    "wrong-subject": _wrong_subject,
    "several-subjects": _several_subjects,
    "missing-ladder": missing_ladder,
    "unknown-ladder": unknown_ladder,
    "unfit-for-ladder": unfit_for_ladder,
    "missing-minimum": missing_minimum,
    "needless-minimum": needless_minimum,
    "unknown-minimum": unknown_minimum,
    "unknown-view": _unknown_view,
    "wrong-container": wrong_container,
    "record-in-clear": record_in_clear,
    "free-text-in-clear": free_text_in_clear,
    "person-in-unit": person_in_unit,
    "differs-from-unit": differs_from_unit,
    "missing-doc": missing_doc,
    "missing-unit": missing_unit,
    "unknown-code-list": unknown_code_list,
    "unfit-for-codes": unfit_for_codes,
    "boolean-flag": boolean_flag,
    "unknown-default": unknown_default,
    "missing-default": missing_default,
    "unknown-format": unknown_format,
    "unknown-role": _unknown_role,
    "wrong-tags": _wrong_tags,
}
"""Every rule of the linter: the stable name that a problem carries, and its check."""
