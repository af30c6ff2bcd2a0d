"""Texts of a file become codes by the table of a mapping; what the table does not have is refused with advice."""

from collections.abc import Mapping

from connectors.importing.converting import Convert, Converted
from connectors.importing.headers import nearest
from connectors.importing.spec import Literals

_SHORTEST_PART = 4
_MARKS = "/|,;+&"


def code_of(
    table: Mapping[str, Literals],
    elsewhere: Mapping[str, str],
    *,
    otherwise: Literals | None = None,
    any_case: bool = False,
    separator: str | None = None,
) -> Convert:
    """Return what looks texts up in *table*.

    *elsewhere* are the texts that other columns know, with the name of the column.
    """
    folded = {text.casefold(): value for text, value in table.items()}

    def convert(text: str) -> Converted:
        if text in table:
            return Converted(table[text])
        if any_case and text.casefold() in folded:
            return Converted(folded[text.casefold()], ("case-changed",))
        if otherwise is not None:
            return Converted(otherwise)
        return _refused(text, table, elsewhere, separator)

    return convert


def _refused(
    text: str, table: Mapping[str, Literals], elsewhere: Mapping[str, str], separator: str | None
) -> Converted:
    """Say why the table has no such text; the advice names texts of the mapping, never the one of the cell."""
    same = next((known for known in table if known.casefold() == text.casefold()), None)
    if same is not None:
        return Converted(rule="wrong-case", advice=f"write it as `{same}`")
    if text in elsewhere:
        return Converted(rule="other-column", advice=f"the value belongs into the column `{elsewhere[text]}`: move it")
    if parts := glued(text, table):
        between = f"`{separator}`" if separator else "a row of its own"
        return Converted(
            rule="glued-values",
            advice=f"begins or ends with `{parts[0]}`: keep one value, or put {between} between two",
        )
    if like := nearest(text, table):
        return Converted(rule="misspelt-value", advice=f"is it `{like}`? then write it so")
    return Converted(rule="unknown-value", advice="use a value that the mapping has for this column, or add it there")


def glued(text: str, table: Mapping[str, Literals]) -> list[str]:
    """Return the known texts that *text* begins or ends with, when it is more than one of them."""
    long = [known for known in table if len(known) >= _SHORTEST_PART and known != text]
    return sorted((known for known in long if _sticks(text, known)), key=len, reverse=True)


def _sticks(text: str, known: str) -> bool:
    """Whether something without a blank between is attached to *known* in *text*."""
    if text.startswith(known):
        after = text[len(known)]
        return after in _MARKS or after.isupper()
    if text.endswith(known):
        before = text[-len(known) - 1]
        return before in _MARKS or (before.islower() and known[0].isupper())
    return False
