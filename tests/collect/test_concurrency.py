"""Tests the limit on tenants that are read concurrently, and that publishing a snapshot frees its slot."""

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from auditor.collect.concurrency import MAX_WRITES, TenantSlots


async def run_pending_tasks() -> None:
    """Run all tasks as far as they get without external events."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_next_tenant_is_read_while_a_snapshot_is_published() -> None:
    async def scenario() -> list[str]:
        events: list[str] = []
        published = asyncio.Event()

        async def first(slots: TenantSlots) -> None:
            async with slots.read_slot() as slot:
                events.append("first read")
                await run_pending_tasks()
                async with slot.write_slot():
                    await published.wait()
                    events.append("first published")

        async def second(slots: TenantSlots) -> None:
            async with slots.read_slot():
                events.append("second read")
            published.set()

        async with one_slot() as slots, asyncio.TaskGroup() as tasks:
            tasks.create_task(first(slots))
            tasks.create_task(second(slots))
        return events

    assert asyncio.run(scenario()) == ["first read", "second read", "first published"]


def test_reading_slot_is_kept_while_no_publishing_slot_is_free() -> None:
    async def scenario() -> None:
        async with one_slot() as slots, AsyncExitStack() as waiting:
            stacks = [AsyncExitStack() for _ in range(MAX_WRITES)]
            for stack in stacks:
                slot = await stack.enter_async_context(slots.read_slot())
                await stack.enter_async_context(slot.write_slot())
                await waiting.enter_async_context(stack)

            async def publish() -> None:
                async with slots.read_slot() as slot, slot.write_slot():
                    pass

            async def read() -> None:
                async with slots.read_slot():
                    pass

            publishing, reading = asyncio.create_task(publish()), asyncio.create_task(read())
            await run_pending_tasks()
            assert not publishing.done()
            assert not reading.done(), "the reading slot is still occupied"
            await stacks[0].aclose()
            await asyncio.gather(publishing, reading)

    asyncio.run(scenario())


def test_slot_is_freed_if_reading_fails() -> None:
    async def scenario() -> str:
        async with one_slot() as slots:
            with pytest.raises(OSError, match="no space"):
                async with slots.read_slot():
                    raise OSError("no space")
            async with slots.read_slot():
                return "read"

    assert asyncio.run(scenario()) == "read"


def test_cancelled_task_waits_for_its_thread() -> None:
    written, proceed = threading.Event(), threading.Event()
    stop_calls: list[int] = []

    def work() -> None:
        proceed.wait(60)
        written.set()

    async def scenario() -> None:
        async with one_slot() as slots, slots.read_slot() as slot:
            task = asyncio.create_task(slot.run_in_thread(work, lambda: stop_calls.append(1)))
            for _ in range(3):
                await run_pending_tasks()
                task.cancel()
            await run_pending_tasks()
            assert not task.done()
            proceed.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert written.is_set()
            assert stop_calls == [1]

    asyncio.run(scenario())


def test_exception_of_a_thread_is_raised() -> None:
    def work() -> None:
        raise OSError("no space")

    async def scenario() -> None:
        async with one_slot() as slots, slots.read_slot() as slot:
            with pytest.raises(OSError, match="no space"):
                await slot.run_in_thread(work, lambda: None)

    asyncio.run(scenario())


def one_slot() -> TenantSlots:
    return TenantSlots(max_reads=1)
