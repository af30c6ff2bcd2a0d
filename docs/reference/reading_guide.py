# ruff: noqa: INP001 - beside a program, not in a package
"""The words that the pages of the language use: classes, ladders, channels, read from where the code defines them."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.derive import Channel
from schemas.generalising import Ladder, ladders
from schemas.privacy_classes import SEALED_CLASSES, PrivacyClass
from schemas.privacy_table import CHANNELS

FORMS: Mapping[str, str] = {
    "sealed": "ciphertext under the key of the subject: a person of the event, or the agency; nobody else can read it",
    "clear": "readable by whoever may read the topic",
    "by form": "clear for a legal person; sealed when the legal form is anything else",
    "company": "clear for a legal person whose proprietor has no restricted note; not there otherwise",
    "": "the field does not exist there; no code can write it",
}
"""In which form a field travels; the empty one is for a field that does not."""
KINDS: Mapping[str, tuple[str, str]] = {
    "code": ("a text that its code list holds", '"PRESUMED"'),
    "string": ("a text", '"K-2026-0311"'),
    "int, long": ("a whole number", "3"),
    "double": ("a number", "1.5"),
    "date": ("a day, without a time zone", '"2026-03-02"'),
    "timestamp": ("a moment, with its time zone", '"2026-03-02T21:40:00Z"'),
    "list of …": ("any number of them, none included", '["MDA", "SRB"]'),
}
"""What the pages call a value, and how JSON writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What the page that explains the others shows."""

    classes: Mapping[str, str]
    sealed: frozenset[str]
    ladders: tuple[Ladder, ...]
    channels: Mapping[str, str]
    forms: Mapping[str, str]
    kinds: Mapping[str, tuple[str, str]]


def guide() -> Guide:
    """Return all that the reader of a page may have to look up."""
    said = _said_of_members(Channel)
    return Guide(
        classes=_said_of_members(PrivacyClass),
        sealed=frozenset(map(str, SEALED_CLASSES)),
        ladders=ladders(),
        channels={str(channel): said[channel.name] for channel in CHANNELS},
        forms=FORMS,
        kinds=KINDS,
    )


def _said_of_members(enum: type[StrEnum]) -> Mapping[str, str]:
    """Return the sentence under each member of *enum*, which only its source has."""
    body = ast.parse(inspect.getsource(enum)).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for before, after in zip(body.body, body.body[1:], strict=False):
        match before, after:
            case ast.Assign(targets=[ast.Name(name)]), ast.Expr(value=ast.Constant(value=str(sentence))):
                found[name] = sentence
    return found
