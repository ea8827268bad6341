"""Findings about the subscriptions of a tenant."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, timedelta
from typing import Any, Final

from auditor.checks.check import Check
from auditor.domain.enums import Agreement, Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.money import Money, UnitPrice
from auditor.domain.policy.model import Subscriptions
from auditor.domain.policy.prices import MONTHLY
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.renewals import moved_by_a_month
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import Subscription
from auditor.domain.result.purchases import RecentPurchase, RenewalPrice
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import Extent, PolicyExtent
from auditor.engine.product_tables import is_active
from auditor.engine.scope import TenantScope
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.manifest import format_instant

Row = Mapping[str, Any]
"""A row of subscriptions.parquet."""
_STATES: Final = frozenset({"enabled", "warning", "suspended", "lockedout", "deleted"})
"""The states that Graph documents, in lower case."""
_WINDOW: Final = timedelta(days=7)
"""How long after the purchase a Microsoft Customer Agreement allows removing seats (Buy or remove licenses, 2024)."""


def subscription_findings(
    scope: TenantScope,
    block: Subscriptions,
    matches: Callable[[Row], bool | None],
    detail: str | None = None,
    more: Callable[[Row], Mapping[str, Any]] = lambda _: {},
) -> Iterator[ObjectFinding]:
    """Report the subscriptions of the block's set for which `matches` is true; it returns None if that is not known.

    `detail` is the name of the property whose value becomes the detail; `more` adds to the evidence.
    """
    if not scope.readable(Source.SUBSCRIPTIONS):
        return
    for row in scope.facts.subscriptions:
        verdict = matches(row)
        if verdict is False:
            continue
        included, unknown = includes(scope.bound, row, block.of)
        if verdict is None and (included or unknown):
            if state_of(row) is None:
                state_unknown(scope, row)
            else:
                reason = Message("it is not known whether the subscription {row} is a trial", row=row["id"])
                scope.unknown.add("subscriptions.isTrial", reason)
        elif verdict and unknown:
            scope.unknown.add("subscribedSkus", Message("it is not known whether a subscription's SKU is in the set"))
        elif verdict and included:
            value = None if detail is None else str(row[detail])
            yield subscription_finding(scope, row, detail=value, evidence=more(row))


def state_of(row: Row) -> str | None:
    """Return the state of a subscription, casefolded; None if Graph gave none, or one that it does not document."""
    state = (row["status"] or "").casefold()
    return state if state in _STATES else None


def state_unknown(scope: TenantScope, row: Row) -> None:
    """Record that Graph did not give the state of a subscription, or one that it does not document."""
    reason = Message("Graph returned no state of the subscription {row}", row=row["id"])
    if row["status"]:
        reason = Message(
            "Graph returned a state of the subscription {row} that it does not document: {state}; update the program",
            row=row["id"],
            state=row["status"],
        )
    scope.unknown.add("subscriptions.status", reason)


def subscription_finding(
    scope: TenantScope, row: Row, *, detail: str | None = None, evidence: Mapping[str, Any], money: Money | None = None
) -> ObjectFinding:
    """Return a finding about a subscription; `evidence` is added to that of the row."""
    sku, ends = scope.facts.subscription_sku(row), row["nextLifecycleDateTime"]
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
            **evidence,
        },
        money=money,
    )


def ends_within(scope: TenantScope, row: Row, time: timedelta) -> bool | None:
    """Return whether an active subscription reaches its next lifecycle date within a time, or has reached it.

    None: Graph did not give its state.
    """
    ends, state = row["nextLifecycleDateTime"], state_of(row)
    if ends is None or ends >= scope.facts.as_of + time:
        return False
    return None if state is None else is_active(state)


def renews_within(scope: TenantScope, block: Subscriptions, row: Row, time: timedelta) -> bool | None:
    """Return whether a subscription ends within a time, unless it is monthly and the block excludes these.

    None: Graph did not give its state.
    """
    ends = ends_within(scope, row, time)
    return False if ends is not False and block.except_monthly and term_of(scope, row) == "monthly" else ends


def term_of(scope: TenantScope, row: Row) -> str:
    """Return `monthly`, another term from a contract, or `unknown`.

    A subscription is monthly if its next date moved by 27 to 31 days between two snapshots, including this one, or if
    every contract in force that covers its product says so.
    """
    current = scope.facts.manifest.instant, row["nextLifecycleDateTime"].date()
    earlier = [snapshot for snapshot in scope.facts.earlier_dates.get(row["id"], ()) if snapshot[0] < current[0]]
    if moved_by_a_month((*earlier, current)):
        return "monthly"
    masks, index = scope.bound.masks, scope.facts.index.get(row["skuId"] or "")
    if index is None:
        return "unknown"
    in_force = scope.bound.contracts_in_force
    if any(masks.of(contract.products).unknown[index] for contract in in_force):
        return "unknown"
    terms = {contract.term for contract in in_force if masks.of(contract.products).true[index]}
    if len(terms) != 1:
        return "unknown"
    return "monthly" if MONTHLY in terms else terms.pop()


def dated_subscriptions(bound: BoundPolicies) -> tuple[Subscription, ...]:
    """Return the subscriptions that have a next date, in order of id; empty if subscriptions were not read."""
    if not bound.facts.status(Source.SUBSCRIPTIONS).is_read:
        return ()
    dated = [row for row in bound.facts.subscriptions if row["nextLifecycleDateTime"] is not None]
    return tuple(
        Subscription(
            id=row["id"],
            sku_id=sku.sku_id,
            sku_part_number=sku.part_number or "",
            name=bound.facts.title(sku),
            status=row["status"],
            is_trial=row["isTrial"],
            total_licenses=row["totalLicenses"],
            next_lifecycle_date_time=row["nextLifecycleDateTime"],
        )
        for row, sku in zip(dated, map(bound.facts.subscription_sku, dated), strict=True)
    )


def renewal_prices(bound: BoundPolicies) -> tuple[RenewalPrice, ...] | None:
    """Return the prices of seats at renewal that differ from today's price; None if none differs."""
    facts, prices = bound.facts, bound.prices
    if prices is None:
        return None
    today = facts.as_of.date()
    prices_by_day: dict[tuple[str, date], UnitPrice | None] = {}
    for subscription in dated_subscriptions(bound):
        sku_id = subscription.sku_id.casefold()
        day = max(today, subscription.next_lifecycle_date_time.astimezone(UTC).date())
        index, prices_then = facts.index.get(sku_id), bound.prices_on(day)
        part = None if index is None else facts.skus[index].part_number
        amount = None if prices_then is None else prices_then.of(sku_id=sku_id, part_number=part)
        if amount != prices.of(sku_id=sku_id, part_number=part):
            price = None if amount is None else UnitPrice(currency=prices.currency, per_month=amount)
            prices_by_day[sku_id, day] = price
    return (
        tuple(RenewalPrice(sku_id=sku, day=day, money=prices_by_day[sku, day]) for sku, day in sorted(prices_by_day))
        or None
    )


def recent_purchases(facts: TenantFacts) -> tuple[RecentPurchase, ...]:
    """Return the purchases of paid subscriptions in use whose seats can be removed before the renewal, by skuId."""
    if facts.manifest.agreement is not Agreement.MCA:
        return ()
    rows_by_sku: dict[str, list[Row]] = {}
    for row in facts.subscriptions:
        if row["skuId"] and is_active(row["status"]):
            rows_by_sku.setdefault(row["skuId"].lower(), []).append(row)
    purchases = []
    for sku_id, rows in sorted(rows_by_sku.items()):
        bought = ((row, row["createdDateTime"]) for row in rows if not row["isTrial"] and row["createdDateTime"])
        recent = [(row, instant) for row, instant in bought if facts.as_of - _WINDOW <= instant <= facts.as_of]
        seats = None if len(recent) == len(rows) else sum(row["totalLicenses"] or 0 for row, _ in recent)
        if recent and seats != 0:
            closing = min(instant + _WINDOW for _, instant in recent).astimezone(UTC).date()
            until = max(closing - timedelta(days=1), facts.as_of.date())
            purchases.append(RecentPurchase(sku_id=sku_id, seats=seats, until=until))
    return tuple(purchases)


def includes(bound: BoundPolicies, row: Row, products: ProductSet) -> tuple[bool, bool]:
    """Return whether the product of a subscription is in a set, and whether that is not known.

    A subscription without a skuId may be to any product.
    """
    contained = bound.contains(products, bound.facts.subscription_sku(row))
    return bool(contained.true[0]), bool(contained.unknown[0] or (not row["skuId"] and not contained.true[0]))


def subscription_extent(bound: BoundPolicies, block: Subscriptions, _people: PolicyExtent) -> PolicyExtent:
    """Count the subscriptions to products of the set."""
    judged, possible = 0, False
    for row in bound.facts.subscriptions:
        included, unknown = includes(bound, row, block.of)
        judged += int(included)
        possible = possible or included or unknown
    return PolicyExtent(judged, not possible)


class SubscriptionCheck(Check[Subscriptions], frozen=True, kw_only=True):
    """A check about one subscription."""

    block: type[Subscriptions] = Subscriptions
    subject: SubjectType = SubjectType.SUBSCRIPTION
    once_per: str = N_("subscription")
    products: Callable[[Subscriptions], Iterable[ProductSet]] = lambda block: (block.of,)
    sources: tuple[Source, ...] = (Source.SUBSCRIPTIONS,)
    extent: Extent | None = subscription_extent
