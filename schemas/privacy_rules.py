"""What a rule that lets a field into a non-personal channel may say, and what a key or header may be made of.

A non-personal channel carries a field only through a rule that names it, with the level of its ladder on which it
leaves (design section 5). Each check is one function in `RULE_CHECKS`; all are run, and all problems come at once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.errors import Problem
from schemas.generalising import EVERYTHING, ladder
from schemas.privacy_classes import PrivacyClass
from schemas.shapes import Array, Field, Record, Scalar, Shape, inner_record

NEVER_LEAVES = frozenset({PrivacyClass.IDENTITY, PrivacyClass.CONTACT, PrivacyClass.LINK, PrivacyClass.NARRATIVE})
"""No rule can let these into a non-personal channel."""
IN_CLEAR = frozenset({PrivacyClass.OPERATIONAL, PrivacyClass.PUBLIC})
"""About nobody; the only classes of which keys and headers may be made."""
_LINKS = frozenset({"uuid", "reference"})
_NUMBERS = frozenset({Scalar.INT, Scalar.LONG, Scalar.DOUBLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One field of an event, and the level on which a rule lets it leave, None for a field without a ladder."""

    field: Field
    level: str | None

    @property
    def privacy_class(self) -> str:
        """The class of the field as written."""
        return str(self.field.privacy.get("class", ""))

    @property
    def ladder(self) -> str | None:
        """The ladder of the field."""
        found = self.field.privacy.get("ladder")
        return None if found is None else str(found)

    @property
    def value(self) -> Shape:
        """The shape of the value, of a list that of its entries."""
        return self.field.shape.items if isinstance(self.field.shape, Array) else self.field.shape


Check = Callable[[Rule], str | None]
"""Returns what to do about a rule, None when it is right."""


def problems_of_rule(path: str, field: Field, level: str | None) -> tuple[Problem, ...]:
    """Return all that is wrong with letting *field*, at *path* in its event, leave on *level* of its ladder."""
    rule = Rule(field=field, level=level)
    found = ((name, check(rule)) for name, check in RULE_CHECKS.items())
    return tuple(Problem(path, name, advice) for name, advice in found if advice is not None)


def problem_of_key(root: Record, path: str) -> Problem | None:
    """Return why the field at *path* of the event *root* may not be a key or header of its records, None if it may."""
    entry, record = None, root
    for name in path.split("."):
        entry = next((each for each in record.fields if each.name == name), None)
        if entry is None:
            return Problem(path, "unknown-field", "name a field of every event that the topic carries")
        record = inner_record(entry.shape) or Record("", ())
    if entry is not None and entry.privacy.get("class") in IN_CLEAR and isinstance(entry.shape, Scalar):
        return None
    return Problem(
        path, "personal-key", "keys and headers are read by whoever may list a topic: use an OPERATIONAL field"
    )


def _never_leaves(rule: Rule) -> str | None:
    if rule.privacy_class in NEVER_LEAVES:
        return f"remove the rule: {rule.privacy_class} stays in personal channels"
    return None


def _unclassified(rule: Rule) -> str | None:
    return None if rule.privacy_class in set(PrivacyClass) else "give the field a privacy class first"


def _held_back(rule: Rule) -> str | None:
    views = rule.field.privacy.get("views")
    if views is None or (isinstance(views, list) and "stage" in views):
        return None
    return "remove the rule: the field's `views` keep it from every non-personal channel"


def _linkable(rule: Rule) -> str | None:
    if rule.field.text("format") in _LINKS:
        return "remove the rule: whoever has a personal feed as well finds the person by this reference"
    if rule.value is Scalar.TIMESTAMP and rule.ladder is None:
        return (
            "remove the rule: a moment to the millisecond is a reference; carry a day or month in a field on a ladder"
        )
    return None


def _missing_level(rule: Rule) -> str | None:
    if rule.ladder is not None and rule.level is None:
        return f"name a level of the ladder {rule.ladder}: {'; '.join(ladder(rule.ladder).levels[:-1])}"
    return None


def _needless_level(rule: Rule) -> str | None:
    return "remove the level: the field has no ladder" if rule.ladder is None and rule.level is not None else None


def _unknown_level(rule: Rule) -> str | None:
    if rule.ladder is None or rule.level is None or rule.level in ladder(rule.ladder).levels:
        return None
    return f"use a level of the ladder {rule.ladder}: {'; '.join(ladder(rule.ladder).levels[:-1])}"


def _too_fine(rule: Rule) -> str | None:
    minimum = rule.field.privacy.get("minimum", EVERYTHING)
    levels = () if rule.ladder is None else ladder(rule.ladder).levels
    if rule.level not in levels or minimum not in levels:
        return None
    finer = levels.index(str(rule.level)) < levels.index(str(minimum))
    return f"use the level `{minimum}` or a coarser one" if finer else None


def _says_nothing(rule: Rule) -> str | None:
    return "remove the rule: on `*` all values are one" if rule.level == EVERYTHING else None


def _open_text(rule: Rule) -> str | None:
    coded = rule.field.text("codes") or rule.privacy_class in IN_CLEAR
    if rule.value is Scalar.STRING and not coded:
        return "remove the rule: a text about somebody that no code list holds may say anything"
    return None


def _exact_figure(rule: Rule) -> str | None:
    exact = rule.value in _NUMBERS or rule.value is Scalar.DATE
    if exact and rule.ladder is None and rule.privacy_class not in IN_CLEAR:
        return "remove the rule: an exact figure about somebody singles out; publish it in bands, on a ladder"
    return None


RULE_CHECKS: Mapping[str, Check] = {
    "unclassified": _unclassified,
    "never-leaves": _never_leaves,
    "held-back": _held_back,
    "linkable": _linkable,
    "missing-level": _missing_level,
    "needless-level": _needless_level,
    "unknown-level": _unknown_level,
    "too-fine": _too_fine,
    "says-nothing": _says_nothing,
    "open-text": _open_text,
    "exact-figure": _exact_figure,
}
"""Every rule about rules: the stable name that a problem carries, and its check."""
