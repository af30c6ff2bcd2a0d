"""The figures of `latency.py` for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

LINES = {
    "to_ledger": "to the ledger, not yet committed",
    "to_partner": "to the partner's feed",
    "to_projection": "to the projection",
    "sender_late": "of that, the sender late by",
    "projection_resolution": "between two looks at the projection",
}
COLUMNS = ("p50", "p90", "p99", "p99_9", "max")


def show(found: dict[str, Any]) -> None:
    """Print *found*, what `--json` prints, as a table with milliseconds."""
    console = Console(width=None if Console().is_terminal else 120)
    table = Table(title=f"milliseconds from when an event was due, {found['seconds']:g} s each", title_justify="left")
    for name in ("events/s", ""):
        table.add_column(name)
    for name in (*COLUMNS, "missing"):
        table.add_column(name.replace("_", "."), justify="right")
    for rate, row in found["rates"].items():
        for key, title in LINES.items():
            cells = ["never" if row[key][name] is None else f"{row[key][name]:,.1f}" for name in COLUMNS]
            table.add_row(rate if key == "to_ledger" else "", title, *cells, f"{row[key]['missing']:,}")
        table.add_section()
    console.print(table)
    for rate, row in found["rates"].items():
        cost = f"{row['worker_cpu_ms_per_event']} ms CPU of the worker an event"
        console.print(f"{rate} a second: {_verdict(row)}; {cost}", highlight=False)
    machine = found["machine"]
    console.print(f"{machine['cores']} cores, Python {machine['python']}")


def _verdict(row: dict[str, Any]) -> str:
    behind = f"{row['backlog_at_end']:,} of {row['sent']:,} under way when the last was due"
    if row["kept_up"]:
        return f"the hub kept up; {behind}, all delivered {row['drained_s']:.1f} s later; load {row['load_1m']}"
    if row["drained_s"] is None:
        return f"the hub did NOT keep up; {behind}, some not delivered in time; load {row['load_1m']}"
    return f"the hub did NOT keep up; {behind}, all delivered {row['drained_s']:.1f} s later; load {row['load_1m']}"
