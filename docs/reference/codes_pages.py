# ruff: noqa: INP001 - beside a program, not in a package
"""What the pages of the code lists show."""

import re
from dataclasses import dataclass
from functools import cache

import language

from schemas.codelists import CodeList, code_list, code_list_names, where_to_look

NOT_PRINTED_MIN = 150
"""A list as long as this is a standard of its own: it has its page, and is left out of the page for printing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesPage:
    """A code list as its page shows it."""

    codes: CodeList
    file: str
    used_by: tuple[tuple[str, str], ...]
    """Page and path of each field that names it."""

    @property
    def page(self) -> str:
        """Return the name of its page."""
        return f"codes-{self.codes.name}"

    @property
    def standards(self) -> tuple[str, ...]:
        """Return the names of the other standards that its codes are matched with."""
        return tuple(dict.fromkeys(name for code in self.codes.codes.values() for name in code.crosswalk))

    @property
    def verified(self) -> int:
        """Return how many codes were read in the source of the list."""
        return sum(code.verified for code in self.codes.codes.values())

    @property
    def printed(self) -> bool:
        """Whether the list is short enough for the page that prints everything."""
        return len(self.codes.codes) < NOT_PRINTED_MIN


@cache
def codes_pages() -> tuple[CodesPage, ...]:
    """Return what to show of every code list, by name."""
    users = language.users_of_lists()
    return tuple(
        CodesPage(codes=code_list(name), file=where_to_look(name), used_by=users.get(name, ()))
        for name in code_list_names()
    )


def slug(code: str) -> str:
    """Return the id under which *code* is found on its page."""
    return re.sub(r"[^\w.+:-]+", "-", code)
