"""What `hub schema` shows: tables for people, objects for scripts."""

import sys
from collections.abc import Collection, Mapping, Sequence

import orjson
from rich.console import Console
from rich.table import Table

from schemas.catalogue import Contract
from schemas.differences import Difference
from schemas.golden import Entry
from schemas.review import Finding

WIDTH_IN_A_PIPE = 250
"""Columns for who reads with `grep`: nothing is cut off."""


def write_json(content: object) -> None:
    """Write *content* as one JSON object."""
    sys.stdout.write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n")


def show_list(found: Sequence[Mapping[str, object]]) -> None:
    """Show one line for each schema."""
    table = table_of("event type", "family", "versions", "fields", "persons")
    for each in found:
        persons = each["persons"]
        named = ", ".join(map(str, persons)) if isinstance(persons, list) else ""
        versions = f"{each['versions']}" if each["recorded"] else f"{each['versions']} + one not recorded"
        table.add_row(str(each["name"]), str(each["family"]), versions, str(each["fields"]), named or "none")
    console().print(table)


def show_fields(contract: Contract, fields: Sequence[Mapping[str, object]]) -> None:
    """Show one line for each field of *contract*."""
    screen = console()
    screen.print(f"{contract.name} ({contract.family}): {contract.schema.get('doc', '')}", markup=False)
    table = table_of("field", "type", "class", "ladder", "codes", "meaning")
    for each in fields:
        path = f"{each['path']} *" if each["mandatory"] else str(each["path"])
        ladder, codes = each["ladder"] or "", each["codes"] or ""
        table.add_row(path, str(each["type"]), str(each["class"]), str(ladder), str(codes), str(each["doc"]))
    screen.print(table)
    screen.print("* mandatory; the codes of a list: schemas/codes, and ISO 3166, 4217 and 639", style="dim")


def show_diff(contract: Contract, entry: Entry, changes: Sequence[Difference], wrong: Sequence[Finding]) -> None:
    """Show what changed since *entry*, and whether it may land."""
    screen = console()
    if not changes:
        screen.print(f"{contract.name}: the current schema is version {entry.version}; nothing changed")
        return
    screen.print(f"{contract.name}: version {entry.version} → the schema in schemas/avro")
    table = table_of("field", "", "what", "before", "after", "")
    for each in changes:
        verdict = _verdict(each, wrong)
        style = "red" if verdict != "compatible" else None
        table.add_row(each.path, each.change, each.attribute, each.before, each.after, verdict, style=style)
    screen.print(table)
    show_check([contract.name], wrong)


def show_check(checked: Collection[str], found: Sequence[Finding], unrecorded: Collection[str] = ()) -> None:
    """Show every reason why a schema may not land, or that all may."""
    screen = Console(soft_wrap=True, highlight=False)
    for each in found:
        screen.print(str(each), style="red", markup=False)
    subject = next(iter(checked)) if len(checked) == 1 else f"{len(checked)} schemas"
    if found:
        count = f"{len(found)} reason{'s' * (len(found) != 1)}"
        screen.print(f"{subject}: may not land, for {count}; docs/evolution.md says how to change a schema")
    else:
        screen.print(f"{subject}: nothing is wrong with privacy, and every version that landed understands it")
    if unrecorded:
        screen.print(f"not recorded yet: {', '.join(unrecorded)}; `hub schema record` does it before they land")


def show_written(written: Sequence[str], codes: int) -> None:
    """Show the files that were added to the golden corpus, and how many codes were."""
    for name in written:
        sys.stdout.write(f"schemas/golden/{name}\n")
    advice = "commit schemas/golden with the change" if written or codes else "every schema and every code was recorded"
    Console(stderr=True).print(f"{len(written)} files and {codes} codes added; {advice}", markup=False)


def show_registered(subjects: int, changes: Sequence[str]) -> None:
    """Show what was registered."""
    screen = Console(soft_wrap=True, highlight=False)
    for change in changes:
        screen.print(change, markup=False)
    count = f"{len(changes)} change{'s' * (len(changes) != 1)} made"
    screen.print(f"{count if changes else 'no change'}: {subjects} subjects hold the current schemas")


def diff_as_object(
    contract: Contract, entry: Entry, changes: Sequence[Difference], wrong: Sequence[Finding]
) -> dict[str, object]:
    """Return a diff for scripts."""
    return {
        "name": contract.name,
        "from_version": entry.version,
        "from_fingerprint": entry.fingerprint,
        "to_fingerprint": contract.fingerprint,
        "differences": [
            {
                "path": each.path,
                "change": each.change,
                "attribute": each.attribute,
                "before": each.before,
                "after": each.after,
                "verdict": _verdict(each, wrong),
            }
            for each in changes
        ],
        "compatible": not wrong,
        "problems": [_as_object(each) for each in wrong],
    }


def check_as_object(
    checked: Collection[str], found: Sequence[Finding], unrecorded: Collection[str]
) -> dict[str, object]:
    """Return the answer of `check` for scripts."""
    return {
        "checked": list(checked),
        "problems": [_as_object(each) for each in found],
        "unrecorded": list(unrecorded),
    }


def _as_object(finding: Finding) -> dict[str, str]:
    return {
        "schema": finding.schema,
        "against": finding.against,
        "path": finding.problem.path,
        "rule": finding.problem.rule,
        "advice": finding.problem.advice,
    }


def _verdict(difference: Difference, wrong: Sequence[Finding]) -> str:
    rules = sorted({each.problem.rule for each in wrong if each.problem.path == difference.path})
    return ", ".join(rules) or "compatible"


def table_of(*columns: str) -> Table:
    """Return an empty table without lines, whose cells are never cut off."""
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def console() -> Console:
    """Return where to print: as wide as the terminal, in a pipe wide enough for every line."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH_IN_A_PIPE)
