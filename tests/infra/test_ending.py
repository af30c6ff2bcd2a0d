"""Ending tasks: a cancellation that is swallowed on the way does not keep a task alive."""

import asyncio

from infra.ending import end


async def test_a_task_that_swallows_its_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def deaf() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)

    await end([task], patience_s=0.01)

    assert task.cancelled()


async def test_what_a_task_raises_while_it_ends_stays_with_it() -> None:
    async def failing() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            raise ValueError

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)

    await end([task])

    assert isinstance(task.exception(), ValueError)


async def test_nothing_to_end_is_ended() -> None:
    await end([])
