"""The constraint blocks `contracts` and `budget`: which contracts are in force, and what a seat costs on a day."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.blocks.seats import purchased, usable_of
from tests.oracle.products import contains, elements, named_skus, written
from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.verdict import NOT_EVALUATED, Claim, Document, Product
from tests.oracle.words import DAY, is_glob, same
from tests.oracle.world import World

TERMS = {"P1M": 1, "P1Y": 12, "P3Y": 36}


def today(world: World) -> date:
    return date.fromordinal(world.now // DAY)


def ends(contract: Document) -> date:
    return date.fromisoformat(contract["ends"])


def holds(contract: Document, day: date) -> bool:
    """Whether a contract is in force: from the day after (end minus term) up to and including the end."""
    last = ends(contract)
    months = last.year * 12 + last.month - 1 - TERMS[contract["term"]]
    year, month = months // 12, months % 12 + 1
    before = date(year, month, min(last.day, monthrange(year, month)[1]))
    return before < day <= last


def contracts_of(world: World) -> list[Document]:
    return [
        contract for contract in world.book.contracts if "tenants" not in contract or world.name in contract["tenants"]
    ]


def single_sku(world: World, product_set: Any) -> str | None:
    """The SKU that a set of a single name or id refers to; None = the set is not a single SKU."""
    names = product_set if isinstance(product_set, list) else [product_set]
    if len(names) != 1 or not isinstance(names[0], str):
        return None
    name = names[0]
    if name in ("*", "free", "paid", "trial") or name in world.book.products or is_glob(name):
        return None
    matching = [sku for sku in _tenant_skus(world) if contains(world, name, sku) is True]
    if matching:
        return matching[0] if len(matching) == 1 else None
    catalogued = [sku.lower() for sku, (part, _) in world.catalogue.skus.items() if same(sku, name) or same(part, name)]
    return catalogued[0] if len(catalogued) == 1 else None


def _tenant_skus(world: World) -> set[str]:
    """The SKUs that the tenant owns or that its people hold."""
    held = {row["skuId"].lower() for user in world.rows("users") for row in user.get("assignedLicenses") or []}
    held |= {row["skuId"].lower() for user in world.rows("users") for row in user.get("licenseAssignmentStates") or []}
    return held | {row["skuId"].lower() for row in world.rows("subscribedSkus")}


def _every_sku(world: World) -> set[str]:
    return _tenant_skus(world) | {sku.lower() for sku in world.catalogue.skus}


def about(world: World, product_set: Any) -> tuple[str, Product]:
    sku = single_sku(world, product_set)
    return (sku, sku) if sku is not None else (written(product_set), ("written", written(product_set)))


def contracts(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["contracts"]
    if "match" in block:
        yield from _match(world)
    for contract in contracts_of(world):
        subject, product = about(world, contract["products"])
        skus = _pool(world, contract["products"]) if isinstance(product, tuple) else None
        last = ends(contract).toordinal() - today(world).toordinal()
        days = []
        if "notice" in block and "notice" in contract:
            left = last - int(contract["notice"][:-1])
            days.append(("contract.notice", 0 <= left <= int(block["notice"]["within"][:-1])))
        if "ending" in block:
            days.append(("contract.ending", -30 <= last <= int(block["ending"]["within"][:-1])))
        for check, truth in days:
            yield Claim(truth=truth, check=check, subject=("product", subject), product=product, skus=skus,
                        names=named_skus(world, contract["products"]), detail=contract["id"])  # fmt: skip
    if "missing" in block:
        yield from _missing(world)


def _pool(world: World, product_set: Any) -> dict[str, Truth]:
    """The SKUs of a contract's set, whether or not the tenant owns them."""
    return {sku: judged for sku in _every_sku(world) if (judged := contains(world, product_set, sku)) is not False}


def _match(world: World) -> Iterator[Claim]:
    complete = world.source("subscribedSkus") == "complete"
    if not complete:
        yield NOT_EVALUATED
    if world.unread("subscribedSkus"):
        return
    groups: list[list[Document]] = []
    for contract in sorted(contracts_of(world), key=lambda contract: str(contract["id"])):
        if holds(contract, today(world)):
            members = _members(world, contract["products"])
            group = next((group for group in groups if _members(world, group[0]["products"]) == members), None)
            if group is None:
                groups.append([contract])
            else:
                group.append(contract)
    for active in groups:
        product_set = active[0]["products"]
        subject, product = about(world, product_set)
        if any("seats" not in contract for contract in active):
            continue
        rows = {row["skuId"].lower(): row for row in world.rows("subscribedSkus")}
        memberships = {sku: judged for sku in rows if (judged := contains(world, product_set, sku)) is not False}
        if not complete and (isinstance(product, tuple) or not memberships):
            continue
        units = [purchased(rows[sku]) for sku in memberships]
        seats = sum(contract["seats"] for contract in active)
        decided = None not in units and None not in memberships.values()
        truth = sum(unit or 0 for unit in units) != seats if decided else None
        yield Claim(truth=truth, check="contract.seats-differ", subject=("product", subject), product=product,
                    skus=_pool(world, product_set) if isinstance(product, tuple) else None,
                    names=named_skus(world, product_set))  # fmt: skip


def _members(world: World, product_set: Any) -> set[str]:
    """The SKUs of the tenant and the catalogue in a set, and the elements that match none."""
    single = single_sku(world, product_set)
    if single is not None:
        return {single}
    held = {sku for user in world.rows("users") for sku in world.licenses(user) or {}}
    skus = {
        *held,
        *(row["skuId"].lower() for row in world.rows("subscribedSkus")),
        *map(str.lower, world.catalogue.skus),
    }
    members = {sku for sku in skus if contains(world, product_set, sku) is True}
    for element in elements(world, product_set):
        if not any(contains(world, element, sku) is True for sku in skus):
            members.add(str(element).casefold())
    return members


def _missing(world: World) -> Iterator[Claim]:
    if world.source("subscribedSkus") != "complete":
        yield NOT_EVALUATED
    active = [contract for contract in contracts_of(world) if holds(contract, today(world))]
    for row in world.rows("subscribedSkus"):
        sku = row["skuId"].lower()
        usable = usable_of(row)
        covered = disj(contains(world, contract["products"], sku) for contract in active)
        truth = conj([contains(world, "paid", sku), neg(covered), None if usable is None else usable > 0])
        yield Claim(truth=truth, check="contract.missing", subject=("product", sku), product=sku)


# ---- prices


def _in_force(priced: Any, day: date) -> Fraction | None:
    if not isinstance(priced, list | dict):
        return Fraction(str(priced))
    starts = [
        (date.fromisoformat(entry["from"]) if "from" in entry else date.min, Fraction(str(entry["amount"])))
        for entry in (priced if isinstance(priced, list) else [priced])
    ]
    return max(((start, amount) for start, amount in starts if start <= day), default=(None, None))[1]


def price(world: World, sku: str, day: date) -> tuple[Fraction | None, bool]:
    """The price of a seat on a day, and whether there is a price; (None, True) = there is one, but it is unknown."""
    certain: list[tuple[Fraction, int | None]] = []
    uncertain = False
    for contract in contracts_of(world):
        amount = _in_force(contract["perSeatPerMonth"], day) if "perSeatPerMonth" in contract else None
        if amount is None or not holds(contract, day):
            continue
        inside = contains(world, contract["products"], sku)
        if inside is True:
            certain.append((amount, contract.get("seats")))
        uncertain = uncertain or inside is None
    if uncertain:
        return None, True
    if certain:
        if len({amount for amount, _ in certain}) == 1:
            return certain[0][0], True
        seats = [count for _, count in certain]
        total = sum(count or 0 for count in seats)
        if None in seats or not total:
            return None, True
        return sum((amount * (count or 0) for amount, count in certain), Fraction(0)) / total, True
    by_id = [entry for name, entry in world.book.prices.items() if name.lower() == sku]
    by_name = [entry for name, entry in world.book.prices.items() if contains(world, name, sku)]
    for entry in (*by_id, *by_name):
        amount = _in_force(entry, day)
        if amount is not None:
            return amount, True
    return None, False


def budget(world: World, policy: Document) -> Iterator[Claim]:
    total = Fraction(0)
    uncertain = world.source("subscribedSkus") != "complete"
    for row in world.rows("subscribedSkus"):
        sku = row["skuId"].lower()
        usable = usable_of(row)
        amount, priced = price(world, sku, today(world))
        if amount is not None and usable is not None:
            total += amount * usable
        elif priced and usable == 0:
            continue
        elif priced or conj([contains(world, "paid", sku), None if usable is None else usable > 0]) is not False:
            uncertain = True
    over = total > Fraction(str(policy["budget"]["limit"]))
    yield Claim(truth=over or (None if uncertain else False), check="budget.exceeded",
                subject=("tenant", world.tenant["tenantId"]), detail=world.book.currency or _currency(world))  # fmt: skip


def _currency(world: World) -> str | None:
    for contract in world.book.contracts:
        priced = contract.get("perSeatPerMonth") or []
        for entry in priced if isinstance(priced, list) else [priced]:
            if "currency" in entry:
                return str(entry["currency"])
    return None
