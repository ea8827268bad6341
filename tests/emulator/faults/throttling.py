"""Turns resource units spent into 429 answers: a token bucket per app and tenant, as Entra's directory keeps one."""

import math
import time
from collections.abc import Callable

from msgspec import Struct

from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import GraphError

WINDOW = 10.0  # seconds


def capacity(tenant: Tenant) -> int:
    """Units per ten seconds by tenant size: S below 50 users, M to 500, L above."""
    size = len(tenant.people)
    if size < 50:
        return 3500
    return 5000 if size <= 500 else 8000


class Bucket(Struct):
    """What is left, and when it was last filled up."""

    left: float
    at: float


class Throttle:
    """All buckets; `limits` replaces the documented capacity of a tenant, for tests that want to see the limit soon."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self.limits: dict[str, int] = {}

    def spend(self, tenant: Tenant, client_id: str, units: int) -> dict[str, str]:
        """Takes the units; raises GraphError 429 with the wait, else gives the headers of a bucket nearly empty."""
        limit = self.limits.get(tenant.tenant_id, capacity(tenant))
        now = self._clock()
        bucket = self._buckets.setdefault((tenant.tenant_id, client_id), Bucket(float(limit), now))
        bucket.left = min(float(limit), bucket.left + (now - bucket.at) * limit / WINDOW)
        bucket.at = now
        if bucket.left < units:
            wait = math.ceil((units - bucket.left) * WINDOW / limit)
            headers = scope_headers(tenant, client_id) | {"Retry-After": str(max(wait, 1))}
            raise too_many(headers)
        bucket.left -= units
        used = 1 - bucket.left / limit
        return {"x-ms-throttle-limit-percentage": f"{used:.1f}"} if used > 0.8 else {}


def scope_headers(tenant: Tenant, client_id: str) -> dict[str, str]:
    return {
        "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{client_id}/{tenant.tenant_id}",
        "x-ms-throttle-information": "ResourceUnitLimitExceeded",
    }


def too_many(headers: dict[str, str]) -> GraphError:
    inner = {"code": "429", "message": "Please retry after", "status": "429"}
    return GraphError(429, "TooManyRequests", "Please retry again later.", inner=inner, headers=headers)
