"""Throttling by resource units: a token bucket per app and tenant, as in Entra's directory."""

import math
import time
from collections.abc import Callable

from msgspec import Struct

from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import GraphError

WINDOW = 10.0  # seconds


def capacity(tenant: Tenant) -> int:
    """Return the resource units per ten seconds: small tenants (below 50 users), medium (up to 500) and large ones."""
    size = len(tenant.people)
    if size < 50:
        return 3500
    return 5000 if size <= 500 else 8000


class Bucket(Struct):
    """The remaining units, and the time of the last refill on the clock of Throttle."""

    remaining: float
    at: float


class Throttle:
    """All buckets; `limits` replaces the documented capacity of a tenant, so that tests reach the limit quickly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self.limits: dict[str, int] = {}

    def spend(self, tenant: Tenant, client_id: str, units: int) -> dict[str, str]:
        """Take units from the bucket; returns the header that warns of a limit more than 80 % used.

        Raises GraphError 429 with Retry-After if the bucket has too few units.
        """
        limit = self.limits.get(tenant.tenant_id, capacity(tenant))
        now = self._clock()
        bucket = self._buckets.setdefault((tenant.tenant_id, client_id), Bucket(float(limit), now))
        bucket.remaining = min(float(limit), bucket.remaining + (now - bucket.at) * limit / WINDOW)
        bucket.at = now
        if bucket.remaining < units:
            wait = math.ceil((units - bucket.remaining) * WINDOW / limit)
            headers = scope_headers(tenant, client_id) | {"Retry-After": str(max(wait, 1))}
            raise too_many(headers)
        bucket.remaining -= units
        used_share = 1 - bucket.remaining / limit
        return {"x-ms-throttle-limit-percentage": f"{used_share:.1f}"} if used_share > 0.8 else {}


def scope_headers(tenant: Tenant, client_id: str) -> dict[str, str]:
    """Return the headers that say which limit was exceeded."""
    return {
        "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{client_id}/{tenant.tenant_id}",
        "x-ms-throttle-information": "ResourceUnitLimitExceeded",
    }


def too_many(headers: dict[str, str]) -> GraphError:
    """Return the error 429 TooManyRequests."""
    inner = {"code": "429", "message": "Please retry after", "status": "429"}
    return GraphError(429, "TooManyRequests", "Please retry again later.", inner=inner, headers=headers)
