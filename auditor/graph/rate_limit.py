"""Limits requests to Graph's documented quota: a token bucket of resource units, and pauses shared by all requests."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]


def units_per_ten_seconds(users: int) -> int:
    """Return the quota of one application in a tenant with this many users (Graph's throttling limits)."""
    if users < 50:
        return 3_500
    return 5_000 if users <= 500 else 8_000


_MIN_WAIT = 0.001
"""Seconds below which a wait is skipped; a clock may not advance by less."""


class Quota:
    """A token bucket: a burst of 0.4 of the quota and 0.4 more over ten seconds; others can use the remaining fifth."""

    def __init__(self, *, quota: int = 3_500, sleep: Sleep = asyncio.sleep, clock: Clock = time.monotonic) -> None:
        self._sleep = sleep
        self._clock = clock
        self._updated_at = clock()
        self._paused_until = 0.0
        self.set_limit(quota)
        self._units = self._capacity

    def set_limit(self, quota: int) -> None:
        """Set the quota, in resource units per ten seconds."""
        self._capacity, self._rate = 0.4 * quota, 0.04 * quota

    def pause(self, seconds: float) -> None:
        """Delay all requests, because one of them was answered with 429."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def correct(self, units: float) -> None:
        """Deduct the cost of a request beyond its estimate (`x-ms-resource-unit`)."""
        self._units -= units

    async def take(self, units: float) -> None:
        """Wait until the bucket has this many units, and take them."""
        while True:
            now = self._clock()
            self._units = min(self._capacity, self._units + (now - self._updated_at) * self._rate)
            self._updated_at = now
            wait = max(self._paused_until - now, (min(units, self._capacity) - self._units) / self._rate)
            if wait <= _MIN_WAIT:
                self._units -= units
                return
            await self._sleep(wait)


class IntervalLimiter:
    """Keeps a minimum interval between requests; the interval is 0 until `slow` is called."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, clock: Clock = time.monotonic) -> None:
        self._sleep = sleep
        self._clock = clock
        self._interval = 0.0
        self._next = 0.0

    def slow(self, *, minimum: float, maximum: float) -> None:
        """Double the interval, within `minimum` and `maximum` seconds."""
        self._interval = min(max(self._interval * 2, minimum), maximum)

    async def wait(self) -> None:
        """Wait until the next request may be sent."""
        now = self._clock()
        slot = max(now, self._next)
        self._next = slot + self._interval
        if slot > now:
            await self._sleep(slot - now)
