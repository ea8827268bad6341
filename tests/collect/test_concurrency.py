"""Tenants take turns at being read, and make way for the next as soon as they only wait for the disk."""

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from auditor.collect.concurrency import MAX_PUBLISHING, TenantSlots


async def settled() -> None:
    """Let every task go as far as it can without anything from outside."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_next_tenant_is_read_while_a_snapshot_waits_for_the_disk() -> None:
    async def scenario() -> list[str]:
        events: list[str] = []
        published = asyncio.Event()

        async def first(turns: TenantSlots) -> None:
            async with turns.reading() as turn:
                events.append("first read")
                await settled()
                async with turn.publishing():
                    await published.wait()
                    events.append("first published")

        async def second(turns: TenantSlots) -> None:
            async with turns.reading():
                events.append("second read")
            published.set()

        async with turns_of_one() as turns, asyncio.TaskGroup() as tasks:
            tasks.create_task(first(turns))
            tasks.create_task(second(turns))
        return events

    assert asyncio.run(scenario()) == ["first read", "second read", "first published"]


def test_who_finds_no_room_to_publish_keeps_its_turn_so_that_memory_stays_bounded() -> None:
    async def scenario() -> None:
        async with turns_of_one() as turns, AsyncExitStack() as waiting:
            stacks = [AsyncExitStack() for _ in range(MAX_PUBLISHING)]
            for stack in stacks:
                turn = await stack.enter_async_context(turns.reading())
                await stack.enter_async_context(turn.publishing())
                await waiting.enter_async_context(stack)

            async def late() -> None:
                async with turns.reading() as turn, turn.publishing():
                    pass

            async def later() -> None:
                async with turns.reading():
                    pass

            one, other = asyncio.create_task(late()), asyncio.create_task(later())
            await settled()
            assert not one.done()
            assert not other.done(), "the turn of the one before is not over"
            await stacks[0].aclose()
            await asyncio.gather(one, other)

    asyncio.run(scenario())


def test_a_turn_ends_where_reading_fails() -> None:
    async def scenario() -> str:
        async with turns_of_one() as turns:
            with pytest.raises(OSError, match="no space"):
                async with turns.reading():
                    raise OSError("no space")
            async with turns.reading():
                return "read"

    assert asyncio.run(scenario()) == "read"


def test_whoever_is_cancelled_waits_for_its_thread_however_often_it_is_asked() -> None:
    written, go_on = threading.Event(), threading.Event()
    asked: list[int] = []

    def work() -> None:
        go_on.wait(60)
        written.set()

    async def scenario() -> None:
        async with turns_of_one() as turns, turns.reading() as turn:
            task = asyncio.create_task(turn.run_in_thread(work, lambda: asked.append(1)))
            for _ in range(3):
                await settled()
                task.cancel()
            await settled()
            assert not task.done()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert written.is_set()
            assert asked == [1]

    asyncio.run(scenario())


def test_what_a_thread_raises_is_raised() -> None:
    def work() -> None:
        raise OSError("no space")

    async def scenario() -> None:
        async with turns_of_one() as turns, turns.reading() as turn:
            with pytest.raises(OSError, match="no space"):
                await turn.run_in_thread(work, lambda: None)

    asyncio.run(scenario())


def turns_of_one() -> TenantSlots:
    return TenantSlots(max_reading=1)
