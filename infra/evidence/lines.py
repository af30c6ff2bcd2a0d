"""Fixed lines of text, as they are hashed and signed: a domain, then `name value` lines in a fixed order. Pure.

One content has one text, and a text that is not exactly that of its content is refused: so nothing in it can be changed
without notice, and whoever checks it needs no parser to know what was signed.
"""

import re
from collections.abc import Iterable, Sequence

from schemas.errors import RejectedError

ABSENT = "-"
DIGEST = re.compile(r"[0-9a-f]{64}")
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class MalformedEvidenceError(RejectedError):
    """Text that is not evidence in its one form."""

    code = "malformed-evidence"


def text_of(domain: str, lines: Iterable[tuple[str, str]]) -> bytes:
    """Return the text of *lines* under *domain*."""
    return "".join([f"{domain}\n", *(f"{name} {value}\n" for name, value in lines)]).encode("ascii")


def lines_of(text: bytes, domain: str) -> list[tuple[str, str]]:
    """Return the lines below *domain*; raise MalformedEvidenceError for anything else."""
    try:
        first, *others, last = text.decode("ascii").split("\n")
    except (UnicodeDecodeError, ValueError):
        raise MalformedEvidenceError("not lines of ASCII text") from None
    if first != domain or last:
        raise MalformedEvidenceError(f"the text must begin with the line {domain} and end with the end of a line")
    found = []
    for each in others:
        name, space, value = each.partition(" ")
        if not space:
            raise MalformedEvidenceError("each line must have a name and a value")
        found.append((name, value))
    return found


def values_of(lines: Sequence[tuple[str, str]], names: Sequence[str]) -> list[str]:
    """Return the values of *lines*, which must be those of *names* in that order."""
    if [name for name, _ in lines] != list(names):
        raise MalformedEvidenceError("other lines than there must be, or in another order")
    return [value for _, value in lines]


def number_of(value: str) -> int:
    """Return a whole number in its one form."""
    if not NUMBER.fullmatch(value):
        raise MalformedEvidenceError("a number is not written as it must be")
    return int(value)


def digest_of(value: str) -> bytes:
    """Return a SHA-256 in its one form, lower-case hexadecimal digits."""
    if not DIGEST.fullmatch(value):
        raise MalformedEvidenceError("a hash is not written as it must be")
    return bytes.fromhex(value)
