"""The figures of `pump.py` for people: a table with ratios, and below it who is who."""

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._contenders import CONTENDERS

COLUMNS = ("events per CPU-s", "ours is", "CPU µs", "events/s (wall)", "MB", "tx/s/part.")


def show(found: dict[str, Any]) -> None:
    """Print *found*, what `--json` prints, as a table."""
    console = Console(width=None if Console().is_terminal else 120)
    table = Table(title=f"{found['events']:,} events, median of {found['rounds']}", title_justify="left")
    table.add_column("contender", no_wrap=True)
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for name, row in found["details"].items():
        ratio = found["ratios"].get(f"ours_to_{name}")
        table.add_row(
            name,
            f"{row['events_per_cpu_s']:,}",
            "" if ratio is None or CONTENDERS[name].sealed else f"{ratio:.2f} x",
            f"{row['cpu_us']:.1f}",
            f"{row['events_per_s']:,}",
            f"{row['peak_memory_mb']:,}",
            f"{row.get('transactions_per_s_and_partition', '')}",
        )
    console.print(table)
    for name, contender in CONTENDERS.items():
        left_out = found["left_out"].get(name)
        console.print(f"{name}: {contender.what if left_out is None else f'left out ({left_out})'}", highlight=False)
    console.print(f"of that the work itself, which is the same for all but the sealed: {found['work_us']} CPU µs")
    machine = found["machine"]
    console.print(f"{machine['cores']} cores, Python {machine['python']}, load {machine['load_1m']} at the end")
