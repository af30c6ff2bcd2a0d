"""Shows on standard error what each part is doing: live in a terminal, else a line for each thing done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

OVER = ("ready", "runs", "stopped", "done")
"""How a part says that it has nothing left to do."""


def _line(name: str, doing: str) -> None:
    if doing.startswith(OVER):
        sys.stderr.write(f"  {name}: {doing}\n")


@contextmanager
def shown(title: str) -> Iterator[Callable[[str, str], None]]:
    """Yield a function that shows what a part is doing; it may be called from any thread."""
    if not sys.stderr.isatty():
        sys.stderr.write(f"{title}\n")
        yield _line
        return
    columns = (SpinnerColumn(), TextColumn("{task.fields[name]:<10}"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        progress.console.print(title, markup=False)
        tasks = {}

        def tell(name: str, doing: str) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(doing, name=name, total=1)
            over = doing.startswith(OVER)
            progress.update(tasks[name], description=doing, completed=int(over))

        yield tell
