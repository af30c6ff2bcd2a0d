"""One field where the linter looks at it."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.shapes import Field, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One field where the linter looks at it."""

    path: str
    field: Field
    root: Record
    in_person: bool
    unit: Field | None
    """The field around this one that is sealed as a whole, None when there is none."""

    @property
    def privacy_class(self) -> str:
        """The class as written, empty when there is none."""
        return str(self.field.privacy.get("class", ""))

    @property
    def subjects(self) -> tuple[object, ...]:
        """Whom the field is about, as written; several for a narrative."""
        found = self.field.privacy.get("subject")
        return tuple(found) if isinstance(found, list) else () if found is None else (found,)


Check = Callable[[Place], str | None]
"""Returns what to do about a field, None when it is right."""
