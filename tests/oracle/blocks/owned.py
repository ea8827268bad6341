"""The constraint blocks `purchases` and `subscriptions`, about what a tenant owns."""

from collections.abc import Iterator

from tests.oracle.blocks.contracts import contracts_of, holds, today
from tests.oracle.blocks.seats import bound, is_user_sku, usable_of
from tests.oracle.products import contains
from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.verdict import NOT_EVALUATED, Claim, Document
from tests.oracle.words import days, instant
from tests.oracle.world import World


def purchases(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["purchases"]
    if world.source("subscribedSkus") != "complete":
        yield NOT_EVALUATED
    for row in world.rows("subscribedSkus"):
        sku = row["skuId"].lower()
        usable = usable_of(row)
        owned = None if usable is None else usable > 0
        bad: list[Truth] = []
        if "allow" in block:
            bad.append(neg(contains(world, block["allow"], sku)))
        if "deny" in block:
            bad.append(contains(world, block["deny"], sku))
        claims = [("purchase.not-allowed", disj(bad))]
        if "trials" in block:
            claims.append(("purchase.trial", contains(world, "trial", sku)))
        if "unknown" in block:
            claims.append(("purchase.unknown", world.in_catalogue(sku) is None))
        for check, truth in claims:
            yield Claim(truth=conj([owned, truth]), check=check, subject=("product", sku), product=sku)


def subscriptions(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["subscriptions"]
    if world.source("subscriptions") != "complete":
        yield NOT_EVALUATED
    if "idle" in block.get("expiring", {}):
        yield from _idle(world, block)
    for row in world.rows("subscriptions"):
        sku = row["skuId"].lower()
        inside = contains(world, block.get("of", "*"), sku, row.get("skuPartNumber"))
        claims: list[tuple[str, Truth, str | None]] = []
        if "expiring" in block and "idle" not in block["expiring"]:
            claims.append(("subscription.expiring", _expires(world, row, block["expiring"]), None))
        if "states" in block:
            claims.append(("subscription.state", _denied(row, block["states"]["deny"]), row["status"]))
        if "trials" in block:
            ends = _ends(world, row, block["trials"]["endingWithin"])
            claims.append(("subscription.trial-ending", conj([row.get("isTrial"), ends]), None))
        for check, truth, detail in claims:
            yield Claim(truth=conj([inside, truth]), check=check, subject=("subscription", row["id"]),
                        product=sku, part=row.get("skuPartNumber"), detail=detail)  # fmt: skip


def _expires(world: World, row: Document, expiring: Document) -> Truth:
    return conj([_ends(world, row, expiring["within"]), not ("exceptTerm" in expiring and _monthly(world, row))])


def _monthly(world: World, row: Document) -> bool:
    """Whether every contract in force for the product is monthly; the oracle has no earlier snapshots to compare."""
    active = [contract for contract in contracts_of(world) if holds(contract, today(world))]
    sku, part = row["skuId"].lower(), row.get("skuPartNumber")
    memberships = [contains(world, contract["products"], sku, part) for contract in active]
    terms = {contract["term"] for contract, judged in zip(active, memberships, strict=True) if judged is True}
    return None not in memberships and terms == {"P1M"}


def _idle(world: World, block: Document) -> Iterator[Claim]:
    """Distribute the idle seats of each product over its subscriptions: earliest end first, each up to its seats."""
    if world.source("subscribedSkus") != "complete" or world.source("subscriptions") != "complete":
        yield NOT_EVALUATED
    if world.unread("subscribedSkus") or world.source("subscriptions") != "complete":
        return
    ending = [row for row in world.rows("subscriptions") if _expires(world, row, block["expiring"]) is not False]
    ending.sort(key=lambda row: (instant(row["nextLifecycleDateTime"]), row["id"]))
    for sku in {row["skuId"].lower() for row in ending}:
        product_rows = [row for row in ending if row["skuId"].lower() == sku]
        memberships = [contains(world, block.get("of", "*"), sku, row.get("skuPartNumber")) for row in product_rows]
        product_row = world.product_row(sku)
        if all(judged is False for judged in memberships) or (product_row is not None and not is_user_sku(product_row)):
            continue
        if product_row is None and world.source("subscribedSkus") == "complete":
            continue
        usable = None if product_row is None else usable_of(product_row)
        consumed = None if product_row is None else product_row.get("consumedUnits")
        if usable is None or consumed is None:
            yield NOT_EVALUATED
            continue
        idle = usable - consumed
        if idle < bound(block["expiring"]["idle"]["min"], usable):
            continue
        for row, judged in zip(product_rows, memberships, strict=True):
            seats = row.get("totalLicenses")
            if idle <= 0:
                break
            if seats is None or row["status"] is None:
                yield NOT_EVALUATED
                break
            taken = min(idle, seats)
            idle -= taken
            if taken:
                yield Claim(truth=judged, check="subscription.renewal-idle", subject=("subscription", row["id"]),
                            product=sku, part=row.get("skuPartNumber"), evidence={"adjust": -taken})  # fmt: skip


def _denied(row: Document, states: list[str]) -> Truth:
    return None if row["status"] is None else row["status"] in states


def _ends(world: World, row: Document, within: str) -> Truth:
    ends = instant(row.get("nextLifecycleDateTime"))
    if ends is None or ends >= world.now + days(within):
        return False
    return None if row["status"] is None else row["status"] in ("Enabled", "Warning")
