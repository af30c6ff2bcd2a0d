"""Ending tasks for certain: one cancellation may be lost on the way, and a lost one would hold up a whole group.

`asyncio.wait_for` of Python 3.11 swallows a cancellation that meets the end of what it waits for, and libraries use it.
"""

import asyncio
from collections.abc import Collection

PATIENCE_S = 2.0
"""How long what was cancelled may clean up before it is cancelled again."""


async def end(tasks: Collection["asyncio.Task[None]"], patience_s: float = PATIENCE_S) -> None:
    """Return when every one of *tasks* has ended, whatever it came to."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=patience_s)
    await asyncio.gather(*tasks, return_exceptions=True)  # what they raised was asked for
