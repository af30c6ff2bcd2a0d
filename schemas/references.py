"""Tripwires on references: what an agency calls a person, a case or an officer must not tell who that is.

Rule 1: no e-mail address (an `@`), no telephone number (`+` or `00`, then seven to fifteen digits).
Rule 2: no national number: Serbia's JMBG (13 digits) or Bulgaria's EGN (10 digits), told by its date and check digit.
Rule 3: the reference of a person has a digit, for names have none, or is shorter than three letters. That of staff
        may be a word, not several of letters alone.
Rule 4: where the event says who the person is, the reference holds no part of a name (of three letters by itself, of
        five anywhere), not the date of birth, no number of a document and no contact; scripts and accents apart.
"""

# ruff: noqa: RUF001 - the letters of two alphabets are meant

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache

_SEPARATORS = re.compile(r"[-./\s_]")
_PHONE = re.compile(r"(\+|00)\d{7,15}")
_WORDS = re.compile(r"[^\W\d_]+")
_STAFF_NAME = re.compile(r"[^\W\d_]+([-._/][^\W\d_]+)+")
_SHORTEST_PART = 3
_SHORTEST_INSIDE = 5
_SHORTEST_NUMBER = 5
_SHORTEST_DAY = 6
_SHORTEST_PHONE = 7
_JMBG_WEIGHTS = (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_EGN_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6)
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "з": "z", "и": "i", "й": "j", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f",
    "х": "h", "ц": "c", "ч": "c", "ш": "s", "щ": "st", "ъ": "a", "ы": "i", "ь": "", "э": "e", "ю": "ju",
    "я": "ja", "ѝ": "i", "ђ": "d", "ћ": "c", "љ": "lj", "њ": "nj", "џ": "dz", "ј": "j", "ж": "z",
}  # fmt: skip
_ENGLISH = {
    "ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sht", "ю": "yu", "я": "ya", "й": "y", "ђ": "dj", "џ": "dzh",
}  # fmt: skip
"""How Bulgaria writes its letters in passports, and other spellings that people use."""


def tells_contact(reference: str) -> bool:
    """Whether *reference* is an e-mail address or a telephone number."""
    if "@" in reference:
        return True
    return _may_hold(reference, _SHORTEST_PHONE) and _PHONE.fullmatch(_SEPARATORS.sub("", reference)) is not None


def is_national_number(reference: str) -> bool:
    """Whether *reference* is a JMBG or an EGN: digits and separators with a possible date and the right check digit."""
    if not _may_hold(reference, len(_EGN_WEIGHTS) + 1):
        return False
    digits = _SEPARATORS.sub("", reference)
    if not digits.isascii() or not digits.isdigit():
        return False
    numbers = [int(digit) for digit in digits]
    if len(numbers) == len(_JMBG_WEIGHTS) + 1:
        rest = sum(map(int.__mul__, _JMBG_WEIGHTS, numbers)) % 11
        year = 1000 + int(digits[4:7]) if digits[4] == "9" else 2000 + int(digits[4:7])
        return _is_day(year, int(digits[2:4]), int(digits[:2])) and rest != 1 and numbers[-1] == (11 - rest) % 11
    if len(numbers) == len(_EGN_WEIGHTS) + 1:
        shift, month = divmod(int(digits[2:4]), 20)
        year = {0: 1900, 1: 1800, 2: 2000}.get(shift, 0) + int(digits[:2])
        check = sum(map(int.__mul__, _EGN_WEIGHTS, numbers)) % 11 % 10
        return shift <= 2 and _is_day(year, month, int(digits[4:6])) and numbers[-1] == check  # noqa: PLR2004 - as above
    return False


def is_staff_name(reference: str) -> bool:
    """Whether *reference* has the form of a name: words of letters alone."""
    return _STAFF_NAME.fullmatch(reference) is not None


def may_be_a_name(reference: str) -> bool:
    """Whether *reference*, that of a person, could be a name: it has no digit, and is longer than initials."""
    return len(reference) >= _SHORTEST_PART and not any(map(str.isdigit, reference))


def holds_name(reference: str, names: Iterable[str]) -> bool:
    """Whether *reference* is, or holds, a part of one of *names*, in whatever script."""
    spelt = {word for name in names for word in _words(name)}
    if not spelt:
        return False
    parts = _words(reference)
    inside = [word for word in spelt if len(word) >= _SHORTEST_INSIDE]
    return any(
        (part in spelt and (len(part) >= _SHORTEST_PART or len(part) == len(reference)))
        or any(word in part for word in inside)
        for part in parts
    )


def holds_day(reference: str, day: date) -> bool:
    """Whether *reference* holds *day* in one of the orders in which people write it."""
    if not _may_hold(reference, _SHORTEST_DAY):
        return False
    short = f"{day:%y%m%d}", f"{day:%d%m%y}"
    runs = re.findall(r"\d+", reference)
    if any(run in short for run in runs):
        return True
    digits = _SEPARATORS.sub("", reference)
    return any(form in digits for form in (f"{day:%Y%m%d}", f"{day:%d%m%Y}", f"{day:%m%d%Y}"))


def holds_number(reference: str, numbers: Iterable[str]) -> bool:
    """Whether *reference* holds one of *numbers* (of a document, a telephone), separators and case apart."""
    folded = _SEPARATORS.sub("", reference).casefold()
    bare = (_SEPARATORS.sub("", number).casefold() for number in numbers)
    return any(len(number) >= _SHORTEST_NUMBER and number in folded for number in bare)


def _may_hold(reference: str, digits: int) -> bool:
    """Whether *reference* has so many digits at all; most have fewer, and are not looked into."""
    return len(reference) >= digits and sum(map(str.isdigit, reference)) >= digits


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=8192)
def _words(text: str) -> frozenset[str]:
    """Return the words of *text*, each in every spelling in Latin letters without accents."""
    return frozenset(word for spelling in _spellings(text.casefold()) for word in _WORDS.findall(spelling))


def _spellings(text: str) -> Iterator[str]:
    if text.isascii():
        yield text
        return
    yield text
    for letters in (_CYRILLIC, {**_CYRILLIC, **_ENGLISH}):
        latin = "".join(letters.get(letter, letter) for letter in text)
        for crossed in ("d", "dj"):
            plain = unicodedata.normalize("NFKD", latin.replace("đ", crossed))
            yield "".join(letter for letter in plain if not unicodedata.combining(letter))
