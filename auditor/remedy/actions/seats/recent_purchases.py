"""Seats that were bought so recently that a Microsoft Customer Agreement allows removing them before the renewal."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.checks.subscriptions.subscriptions import is_active
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Agreement
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.actions.groups import ActionGroup
from auditor.remedy.actions.subscription_terms import day_of

_WINDOW: Final = timedelta(days=7)
"""How long after the purchase a Microsoft Customer Agreement allows removing seats (Buy or remove licenses, 2024)."""


class RecentPurchases(Struct, frozen=True, kw_only=True):
    """The purchases of a product from which seats can still be removed."""

    seats: int | None
    """None if the product has no other subscription in use."""
    until: date
    """The day on which the window of the first of these purchases closes, in UTC."""


def recent_purchases(facts: TenantFacts) -> dict[str, RecentPurchases]:
    """Return the recent purchases by lowercase skuId: paid subscriptions in use that are at most `_WINDOW` old."""
    rows_by_sku: dict[str, list[Mapping[str, Any]]] = {}
    for row in facts.subscriptions:
        if row["skuId"] and not row["isTrial"] and is_active(row["status"]):
            rows_by_sku.setdefault(row["skuId"].lower(), []).append(row)
    purchases: dict[str, RecentPurchases] = {}
    for sku_id, rows in rows_by_sku.items():
        recent = [
            row
            for row in rows
            if row["createdDateTime"] is not None and facts.as_of - _WINDOW <= row["createdDateTime"] <= facts.as_of
        ]
        if recent:
            purchases[sku_id] = RecentPurchases(
                seats=None if recent == rows else sum(row["totalLicenses"] or 0 for row in recent),
                until=min(day_of(row["createdDateTime"] + _WINDOW) for row in recent),
            )
    return purchases


def remove_recent(
    groups: Iterable[ActionGroup], agreement: Agreement, purchases: Mapping[str, RecentPurchases]
) -> None:
    """Remove seats at once instead of at the renewal if all of them can come from recent purchases of their product."""
    for group in groups:
        recent = purchases.get(group.first.old)
        if agreement is not Agreement.MCA or group.first.kind is not ActionKind.REMOVE_AT_RENEWAL or recent is None:
            continue
        if recent.seats is None or group.seats <= recent.seats:
            group.first = replace(group.first, kind=ActionKind.REMOVE_NOW)
            group.dates.add(recent.until.isoformat())
