"""The subscriptions of a tenant, judged one by one."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from auditor.domain.enums import Source, SourceStatus, SubjectType
from auditor.domain.message import Message
from auditor.domain.policy import Subscriptions
from auditor.domain.result import ProductReference, Subject, Subscription
from auditor.engine.binding import BoundPolicies
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy_extent import includes
from auditor.engine.scope import TenantScope
from auditor.snapshot.manifest import format_instant

Row = Mapping[str, Any]
"""A row of subscriptions.parquet."""
_ALIVE = frozenset({"enabled", "warning"})


def chosen(
    scope: TenantScope, block: Subscriptions, raised: Callable[[Row], bool | None], detail: str | None = None
) -> Iterator[ObjectFinding]:
    """Report the subscriptions of the block's set for which `raised` holds; None there stands for not known.

    `detail` is the name of the property whose value becomes the detail.
    """
    if not scope.readable(Source.SUBSCRIPTIONS):
        return
    mask = scope.bound.masks.of(block.of)
    for row in scope.facts.subscriptions:
        verdict = raised(row)
        if verdict is False:
            continue
        included, unknown = includes(scope.bound, mask, row, block.of)
        if verdict is None and (included or unknown):
            scope.unknown.add(
                "subscriptions.isTrial",
                Message("whether the subscription {row} is a trial is not known", row=row["id"]),
            )
        elif verdict and unknown:
            scope.unknown.add("subscribedSkus", Message("whether a subscription's SKU is in the set is not known"))
        elif verdict and included:
            yield _finding(scope, row, None if detail is None else str(row[detail]))


def _finding(scope: TenantScope, row: Row, detail: str | None) -> ObjectFinding:
    sku, ends = scope.facts.subscribed(row), row["nextLifecycleDateTime"]
    return scope.finding(
        Subject(type=SubjectType.SUBSCRIPTION, id=row["id"], name=scope.facts.title(sku)),
        product=ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number),
        detail=detail,
        evidence={
            "status": row["status"],
            "isTrial": row["isTrial"],
            "totalLicenses": row["totalLicenses"],
            "nextLifecycleDateTime": None if ends is None else format_instant(ends),
            "commerceSubscriptionId": row["commerceSubscriptionId"],
            "ownerTenantId": row["ownerTenantId"],
            "consumed": sku.consumed,
            "spare": sku.spare,
        },
    )


def ends_within(scope: TenantScope, row: Row, time: timedelta) -> bool:
    """Tell whether a subscription that is alive reaches its next lifecycle date within a time, or has reached it."""
    ends = row["nextLifecycleDateTime"]
    alive = (row["status"] or "").casefold() in _ALIVE
    return alive and ends is not None and bool(ends < scope.facts.as_of + time)


def dated_subscriptions(bound: BoundPolicies) -> tuple[Subscription, ...]:
    """Return the subscriptions that have a next date, in order of id; none where they were not read."""
    if bound.facts.status(Source.SUBSCRIPTIONS) not in {SourceStatus.COMPLETE, SourceStatus.PARTIAL}:
        return ()
    return tuple(_dated(bound, row) for row in bound.facts.subscriptions if row["nextLifecycleDateTime"] is not None)


def _dated(bound: BoundPolicies, row: Row) -> Subscription:
    sku = bound.facts.subscribed(row)
    return Subscription(
        id=row["id"],
        sku_id=sku.sku_id,
        sku_part_number=sku.part_number or "",
        name=bound.facts.title(sku),
        status=row["status"],
        is_trial=row["isTrial"],
        total_licenses=row["totalLicenses"],
        next_lifecycle_date_time=row["nextLifecycleDateTime"],
    )
