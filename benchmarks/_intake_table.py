"""The figures of `intake.py` for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

BUDGET = 3_000
"""Events per CPU-second with every check on (design section 13)."""


def show(found: dict[str, Any]) -> None:
    """Print *found*, what `--json` prints, as two tables."""
    console = Console(width=None if Console().is_terminal else 120)
    kinds = Table(title=f"Full intake, {found['events']:,} events, median of {found['rounds']}", title_justify="left")
    kinds.add_column("published", no_wrap=True)
    for name in ("events per CPU-s", "of the budget", "CPU µs", "verify µs", "events/s (wall)", "events/transaction"):
        kinds.add_column(name, justify="right")
    for kind, row in found["kinds"].items():
        kinds.add_row(
            kind,
            f"{row['events_per_cpu_s']:,.0f}",
            f"{row['events_per_cpu_s'] / BUDGET:.2f} x",
            f"{row['cpu_us']:.1f}",
            f"{row['verify_us']:.1f}",
            f"{row['events_per_s']:,.0f}",
            f"{row['events_per_transaction']:,.0f}",
        )
    console.print(kinds)
    parts = Table(title="Where it goes, signed and sealed", title_justify="left")
    parts.add_column("CPU µs", justify="right")
    parts.add_column("part", no_wrap=True)
    for stage, cost in found["split_us"].items():
        parts.add_row(f"{cost:.1f}", stage)
    console.print(parts)
    machine = found["machine"]
    console.print(
        f"peak memory {found['peak_memory_mb']} MB; {machine['cores']} cores, Python {machine['python']}, "
        f"load {machine['load_1m']} at the end"
    )
