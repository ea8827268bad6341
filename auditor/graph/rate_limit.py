"""Keeps the auditor below Graph's documented quota: a bucket of resource units, and pauses that all requests share."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]


def units_per_ten_seconds(users: int) -> int:
    """Return the documented quota of one application in one tenant, by the tenant's size (throttling-limits)."""
    if users < 50:
        return 3_500
    return 5_000 if users <= 500 else 8_000


_INSTANT = 0.001
"""Seconds that are not worth a wait; less may not even move a clock."""


class Quota:
    """A token bucket: at most 0.4 of the quota at once and 0.4 more over ten seconds, so that others keep a fifth."""

    def __init__(self, *, quota: int = 3_500, sleep: Sleep = asyncio.sleep, clock: Clock = time.monotonic) -> None:
        self._sleep = sleep
        self._clock = clock
        self._most = 0.0
        self._rate = 0.0
        self._units = 0.0
        self._at = clock()
        self._paused_until = 0.0
        self.allow(quota)
        self._units = self._most

    def allow(self, quota: int) -> None:
        """Use another quota, in units per ten seconds."""
        self._most, self._rate = 0.4 * quota, 0.04 * quota

    def pause(self, seconds: float) -> None:
        """Hold every request back: the tenant asked one of them to wait."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def correct(self, units: float) -> None:
        """Take what a request cost beyond what was thought (`x-ms-resource-unit`)."""
        self._units -= units

    async def take(self, units: float) -> None:
        """Wait until that many units may be spent."""
        while True:
            now = self._clock()
            self._units = min(self._most, self._units + (now - self._at) * self._rate)
            self._at = now
            wait = max(self._paused_until - now, (min(units, self._most) - self._units) / self._rate)
            if wait <= _INSTANT:
                self._units -= units
                return
            await self._sleep(wait)


class Pace:
    """At least so many seconds between requests of one lane; starts free and slows down when it is told to."""

    def __init__(self, *, sleep: Sleep = asyncio.sleep, clock: Clock = time.monotonic) -> None:
        self._sleep = sleep
        self._clock = clock
        self._interval = 0.0
        self._next = 0.0

    def slow(self, *, least: float, most: float) -> None:
        """Double the time between requests, from `least` up to `most` seconds."""
        self._interval = min(max(self._interval * 2, least), most)

    async def wait(self) -> None:
        """Wait for the lane's next turn."""
        now = self._clock()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            await self._sleep(turn - now)
