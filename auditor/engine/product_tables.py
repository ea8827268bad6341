"""What the small tables of a snapshot say about products: their service plans, and the seats of their trials.

Seats of trials cost nothing, cannot be removed one by one, and end with their subscription.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import pyarrow as pa

_ACTIVE_STATES: Final = frozenset({"enabled", "warning"})


def is_active(status: str | None) -> bool:
    """Return whether people can use a subscription in this state; False if Graph did not give the state."""
    return status is not None and status.casefold() in _ACTIVE_STATES


def trial_seats(rows: Iterable[Mapping[str, Any]]) -> Mapping[str, int]:
    """Return the seats of active trials by lowercase skuId; `rows` are rows of subscriptions.parquet.

    A subscription counts as paid if Graph did not say whether it is a trial.
    """
    seats: dict[str, int] = {}
    for row in rows:
        if row["isTrial"] and is_active(row["status"]):
            sku_id = (row["skuId"] or "").lower()
            seats[sku_id] = seats.get(sku_id, 0) + (row["totalLicenses"] or 0)
    return seats


def plans_by_sku(table: pa.Table) -> Mapping[str, Mapping[str, str]]:
    """Return the service plans of each SKU in a table; equal plans are one shared object for all tenants.

    A SKU without rows, or with a plan without a name, is left out: its plans are not known.
    """
    cached = _PLANS_CACHE.get(id(table))
    if cached is None:
        plans: dict[str, dict[str, str | None]] = {}
        for sku_id, plan_id, name in zip(
            *(table.column(name).to_pylist() for name in ("skuId", "servicePlanId", "servicePlanName")), strict=True
        ):
            plans.setdefault(sku_id.lower(), {})[plan_id.lower()] = name
        if len(_PLANS_CACHE) >= _MAX_TABLES:
            _PLANS_CACHE.clear()
        named = {sku_id: tuple(sku_plans.items()) for sku_id, sku_plans in plans.items() if all(sku_plans.values())}
        cached = _PLANS_CACHE[id(table)] = (table, {sku_id: shared_plans(pairs) for sku_id, pairs in named.items()})
    return cached[1]


_PLANS_CACHE: dict[int, tuple[pa.Table, Mapping[str, Mapping[str, str]]]] = {}
_MAX_TABLES = 4


@lru_cache(maxsize=4096)
def shared_plans(plans: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Return one shared object for equal plans in equal order."""
    return dict(plans)
