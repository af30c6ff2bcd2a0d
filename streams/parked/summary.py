"""The summary of what is parked, as people and programs read it: one screen, however much is parked."""

from collections.abc import Iterable, Sequence

from rich.table import Column, Table

from streams.parked.screens import EMPTY
from streams.parked.tallies import Halt, Tally, age_text, oldest_by_processor

LINES_MAX = 15
"""Errors that are listed; of more only the number is told."""


def shown(found: Sequence[Tally], still: Sequence[Halt]) -> dict[str, object]:
    """Return the whole summary, for a program."""
    return {
        "records": sum(tally.records for tally in found),
        "errors": [
            {
                "processor": tally.processor,
                "code": tally.code,
                "records": tally.records,
                "oldest": str(tally.oldest),
                "oldest_at": tally.oldest_at.isoformat(),
                "oldest_age_s": tally.oldest_age_s,
            }
            for tally in found
        ],
        "halted": [
            {"processor": halt.processor, "code": halt.code, "advice": halt.advice, "partitions": halt.partitions}
            for halt in still
        ],
    }


def shown_oldest(found: Iterable[Tally]) -> dict[str, dict[str, object]]:
    """Return since when the oldest record of each processor is parked, for the status."""
    return {
        processor: {"since": tally.oldest_at.isoformat(), "age_s": tally.oldest_age_s}
        for processor, tally in oldest_by_processor(found).items()
    }


def table(found: Sequence[Tally]) -> Table:
    """Return a line for each error of each processor."""
    columns = (Column("processor", no_wrap=True), Column("code", no_wrap=True), Column("records", justify="right"))
    built = Table(*columns, Column("oldest", no_wrap=True), Column("for", no_wrap=True), box=None)
    for tally in found[:LINES_MAX]:
        built.add_row(tally.processor, tally.code, str(tally.records), str(tally.oldest), age_text(tally.oldest_age_s))
    return built


def lines(found: Sequence[Tally], still: Sequence[Halt]) -> Iterable[str]:
    """Yield what the table does not say: what it leaves out, what stands still, what to do next."""
    if not found:
        yield EMPTY
    if len(found) > LINES_MAX:
        yield f"and {len(found) - LINES_MAX} errors more: `hub parked summary --json` has them all"
    for halt in still:
        yield f"{halt.processor} stands still on {halt.partitions} partitions ({halt.code}): {halt.advice}"
    causes = [tally for tally in found if tally.is_a_cause]
    if causes:
        first = min(causes, key=lambda tally: tally.oldest_at)
        yield f"Begin with the oldest: `hub parked show {first.oldest}`"
