"""What changed from one version of an agreement to the next, term by term. Pure."""

import dataclasses
from dataclasses import dataclass

from infra.topology.agreements import Agreement

UNCHANGING = ("id", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One term that two versions have otherwise."""

    term: str
    before: str | None
    """None for a list, of which `removed` and `added` tell."""
    after: str | None
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    def plain(self) -> str:
        """Return it in a line."""
        if self.before is not None or self.after is not None:
            return f"{self.term}: {self.before} -> {self.after}"
        return " ".join([f"{self.term}:", *(f"-{code}" for code in self.removed), *(f"+{code}" for code in self.added)])


def changes(one: Agreement, other: Agreement) -> list[Change]:
    """Return every term that *other* has otherwise than *one*, in the order in which agreements list them."""
    found = []
    for term in (each.name for each in dataclasses.fields(Agreement) if each.name not in UNCHANGING):
        before, after = getattr(one, term), getattr(other, term)
        if before == after:
            continue
        if isinstance(before, tuple) and isinstance(after, tuple):
            removed, added = sorted(set(before) - set(after)), sorted(set(after) - set(before))
            if removed or added:
                found.append(Change(term=term, before=None, after=None, removed=tuple(removed), added=tuple(added)))
        else:
            found.append(Change(term=term, before=_said(before), after=_said(after)))
    return found


def _said(value: object) -> str:
    if value is None:
        return "all"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
