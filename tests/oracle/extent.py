"""The extent of a policy: how many people or objects it certainly judges, and whether it may judge any at all."""

from collections.abc import Iterable

from tests.oracle.blocks.contracts import contracts_of
from tests.oracle.blocks.seats import is_user_sku, usable_of
from tests.oracle.products import contains
from tests.oracle.selection.selectors import licensed, selects
from tests.oracle.truth import Truth
from tests.oracle.verdict import Document
from tests.oracle.world import World

Extent = tuple[int, bool]
"""How many subjects are certainly judged, and whether any may be."""


def extent(world: World, policy: Document) -> Extent:
    if "seats" in policy:
        if {"assigned", "covers"} & policy["seats"].keys():
            return people(world, policy)
        return products([world], policy["seats"].get("of", "paid"))
    if "subscriptions" in policy:
        product_set = policy["subscriptions"].get("of", "*")
        return counted(
            contains(world, product_set, row["skuId"].lower(), row.get("skuPartNumber"))
            for row in world.rows("subscriptions")
        )
    if "purchases" in policy or "budget" in policy:
        usable = [usable_of(row) for row in world.rows("subscribedSkus")]
        return counted(seats is None or seats > 0 for seats in usable)
    if "contracts" in policy:
        kinds = policy["contracts"].keys()
        contract_count = (
            counted(True for _ in contracts_of(world)) if kinds & {"match", "notice", "ending"} else (0, False)
        )
        bought = counted(
            (seats := usable_of(row)) is None or seats > 0 for row in world.rows("subscribedSkus") if "missing" in kinds
        )
        return contract_count[0] + bought[0], contract_count[1] or bought[1]
    if "health" in policy:
        errors = people(world, policy) if "errors" in policy["health"] else (0, False)
        licensed_groups = [bool(group.get("assignedLicenses")) for group in world.rows("groups")]
        groups = counted(licensed_groups) if policy["health"].keys() - {"errors"} else (0, False)
        return errors[0] + groups[0], errors[1] or groups[1]
    return people(world, policy)


def people(world: World, policy: Document) -> Extent:
    if "users" in policy:
        return counted(selects(world, policy["users"], user) for user in world.rows("users"))
    if "attributes" in policy:
        return counted(licensed(world, user) for user in world.rows("users"))
    return counted(True for _ in world.rows("users"))


def products(worlds: Iterable[World], product_set: object) -> Extent:
    """The number of distinct SKUs of the tenants that people can hold."""
    certain: set[str] = set()
    possible = False
    for world in worlds:
        for row in world.rows("subscribedSkus"):
            sku = row["skuId"].lower()
            truth = contains(world, product_set, sku) if is_user_sku(row) else False
            possible = possible or truth is not False
            if truth is True:
                certain.add(sku)
    return len(certain), possible


def counted(truths: Iterable[Truth]) -> Extent:
    values = list(truths)
    return sum(truth is True for truth in values), any(truth is not False for truth in values)
