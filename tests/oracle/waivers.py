"""Waivers: which findings they cover, and whether they have expired or expire soon."""

from datetime import UTC, date, datetime, time, timedelta

from tests.oracle.products import contains, named_skus
from tests.oracle.selection.selectors import selects
from tests.oracle.truth import Truth, conj, disj
from tests.oracle.verdict import Claim, Document
from tests.oracle.world import World


def for_policy(waiver: Document, policy: str) -> bool:
    policies = waiver["policies"]
    return policies == "*" or "*" in policies or policy in policies


def for_tenant(waiver: Document, tenant: str) -> bool:
    return "tenants" not in waiver or tenant in waiver["tenants"]


def expired(waiver: Document, as_of: datetime) -> bool:
    return as_of.astimezone(UTC).date() > date.fromisoformat(waiver["expires"])


def expiring(waiver: Document, as_of: datetime) -> bool:
    """Whether at most 14 whole days are left, including the last day of the waiver."""
    end = datetime.combine(date.fromisoformat(waiver["expires"]), time(0), UTC) + timedelta(days=1)
    return not expired(waiver, as_of) and (end - as_of) // timedelta(days=1) <= 14


def covers(waiver: Document, policy: str, claim: Claim, worlds: list[World], *, fleet: bool) -> Truth:
    """Whether an unexpired waiver covers the finding; `worlds` are the tenants that the finding is about."""
    if not for_policy(waiver, policy):
        return False
    if fleet and "tenants" in waiver:
        return False
    if not fleet and not for_tenant(waiver, worlds[0].name):
        return False
    return conj([_users(waiver, claim, worlds), _products(waiver, claim, worlds)])


def _users(waiver: Document, claim: Claim, worlds: list[World]) -> Truth:
    if "users" not in waiver:
        return True
    if claim.user is None:
        return False
    return selects(worlds[0], waiver["users"], claim.user)


def _products(waiver: Document, claim: Claim, worlds: list[World]) -> Truth:
    if "products" not in waiver:
        return True
    if claim.product is None:
        return False
    product_set = waiver["products"]
    if isinstance(claim.product, str):
        sku = claim.product
        return conj(contains(world, product_set, sku, claim.part) for world in worlds)
    if claim.names & named_skus(worlds[0], product_set):
        return True
    skus = claim.skus or {}
    return disj(conj([judged, contains(worlds[0], product_set, sku)]) for sku, judged in skus.items())
