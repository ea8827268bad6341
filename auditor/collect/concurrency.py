"""Limits how many collections of one run read tenants, or write snapshots to disk, concurrently."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Self, TypeVar

T = TypeVar("T")

MAX_READS = 8
"""Tenants read concurrently: each has its own quota, but they share this machine's memory."""
MAX_WRITES = 16
"""Finished snapshots that are written to disk concurrently: each takes a few MB of memory at most."""


class TenantSlots:
    """The slots for the tenants of one run."""

    def __init__(self, *, max_reads: int = MAX_READS) -> None:
        self._read_slots = asyncio.Semaphore(max_reads)
        self._write_slots = asyncio.Semaphore(MAX_WRITES)
        self._threads = ThreadPoolExecutor(MAX_WRITES, thread_name_prefix="collect")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Every caller has waited for its thread.
        self._threads.shutdown(wait=False)

    @asynccontextmanager
    async def read_slot(self) -> AsyncIterator["TenantSlot"]:
        """Wait for a slot to read a tenant; it is released at the end of the block, or when publishing begins."""
        slot = TenantSlot(self._read_slots, self._write_slots, self._threads)
        await self._read_slots.acquire()
        try:
            yield slot
        finally:
            slot.release()


class TenantSlot:
    """The slot of one tenant."""

    def __init__(
        self, read_slots: asyncio.Semaphore, write_slots: asyncio.Semaphore, threads: ThreadPoolExecutor
    ) -> None:
        self._read_slots: asyncio.Semaphore | None = read_slots
        self._write_slots = write_slots
        self._threads = threads

    def release(self) -> None:
        """Let the next tenant be read."""
        read_slots, self._read_slots = self._read_slots, None
        if read_slots is not None:
            read_slots.release()

    @asynccontextmanager
    async def write_slot(self) -> AsyncIterator[None]:
        """Wait for a slot to write a snapshot, and let the next tenant be read."""
        async with self._write_slots:
            self.release()
            yield

    async def run_in_thread(self, work: Callable[[], T], stop: Callable[[], object]) -> T:
        """Run work in a thread; on cancellation call `stop` and wait for the thread to end."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            stop()
            while not future.done():
                # Ignore further cancellations: the thread must end before its files are removed.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([future])
            future.exception()
            raise
