"""The constraint blocks over what a tenant owns: purchases and subscriptions."""

from collections.abc import Iterator

from tests.oracle.products import contains
from tests.oracle.seats import usable_of
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
    for row in world.rows("subscriptions"):
        sku = row["skuId"].lower()
        inside = contains(world, block.get("of", "*"), sku, row.get("skuPartNumber"))
        claims: list[tuple[str, Truth, str | None]] = []
        if "expiring" in block:
            claims.append(("subscription.expiring", _ends(world, row, block["expiring"]["within"]), None))
        if "states" in block:
            claims.append(("subscription.state", row["status"] in block["states"]["deny"], row["status"]))
        if "trials" in block:
            ends = _ends(world, row, block["trials"]["endingWithin"])
            claims.append(("subscription.trial-ending", conj([row.get("isTrial"), ends]), None))
        for check, truth, detail in claims:
            yield Claim(truth=conj([inside, truth]), check=check, subject=("subscription", row["id"]),
                        product=sku, part=row.get("skuPartNumber"), detail=detail)  # fmt: skip


def _ends(world: World, row: Document, within: str) -> bool:
    ends = instant(row.get("nextLifecycleDateTime"))
    return ends is not None and ends < world.now + days(within) and row["status"] in ("Enabled", "Warning")
