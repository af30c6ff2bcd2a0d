"""The figures of `stages.py` for people."""

from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Table


def show(found: dict[str, Any], most: int) -> None:
    """Print *found*, what `--json` prints, with the *most* costly lines and functions of each processor."""
    console = Console(width=None if Console().is_terminal else 120)
    for name, row in found["processors"].items():
        title = (
            f"{name}: {row['events_per_cpu_s']:,} events per CPU-second, {row['cpu_us']} µs each; "
            f"{row['outputs_per_event']} outputs, {row['output_bytes_per_event']:,} bytes"
        )
        table = Table(title=title, title_justify="left")
        table.add_column("CPU µs", justify="right")
        table.add_column("where", no_wrap=True)
        for part in ("stages_us", "lines_us", "functions_us"):
            shown = row[part].items() if part == "stages_us" else islice(row[part].items(), most)
            for where, cost in shown:
                table.add_row(f"{cost:.1f}", where)
            table.add_section()
        console.print(table)
    machine = found["machine"]
    console.print(f"{machine['cores']} cores, Python {machine['python']}, load {machine['load_1m']} at the end")
