"""Bounds what the collections of one run do at the same time: few tenants are read, more wait for the disk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

READ_AT_ONCE = 8
"""Tenants read at the same time: their quotas are their own, this machine's memory is not."""
PUBLISHED_AT_ONCE = 16
"""Finished snapshots that wait for the disk: each holds a few MB at most, and a disk takes many as fast as one."""


class Turns:
    """The turns of the tenants of one run."""

    def __init__(self, *, read_at_once: int = READ_AT_ONCE) -> None:
        self._reading = asyncio.Semaphore(read_at_once)
        self._publishing = asyncio.Semaphore(PUBLISHED_AT_ONCE)
        self._threads = ThreadPoolExecutor(PUBLISHED_AT_ONCE, thread_name_prefix="collect")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        # Whoever gave a thread something to do has waited for it.
        self._threads.shutdown(wait=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["TenantSlot"]:
        """Wait until a tenant may be read; its turn ends with the block, or when it begins to publish."""
        turn = TenantSlot(self._reading, self._publishing, self._threads)
        await self._reading.acquire()
        try:
            yield turn
        finally:
            turn.end()


class TenantSlot:
    """One tenant's turn."""

    def __init__(self, reading: asyncio.Semaphore, publishing: asyncio.Semaphore, threads: ThreadPoolExecutor) -> None:
        self._reading: asyncio.Semaphore | None = reading
        self._publishing = publishing
        self._threads = threads

    def end(self) -> None:
        """Let the next tenant be read."""
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.release()

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[None]:
        """Let the next tenant be read while this one's snapshot waits for the disk: as soon as there is room for it."""
        async with self._publishing:
            self.end()
            yield

    async def beside(self, work: Callable[[], T], stop: Callable[[], object]) -> T:
        """Do something in a thread; when this is cancelled, the thread is told by `stop` and waited for."""
        working = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            stop()
            while not working.done():
                # Whoever is impatient and asks again changes nothing: what the thread writes must not be swept away.
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([working])
            working.exception()
            raise
