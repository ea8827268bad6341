"""Contracts and prices: the constraint block, who holds when, and what a seat costs on a day."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from typing import Any

from tests.oracle.blocks.seats import purchased, usable_of
from tests.oracle.products import contains, written
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
    """From the day after (end less term) up to and including the end."""
    last = ends(contract)
    months = last.year * 12 + last.month - 1 - TERMS[contract["term"]]
    year, month = months // 12, months % 12 + 1
    before = date(year, month, min(last.day, monthrange(year, month)[1]))
    return before < day <= last


def own(world: World) -> list[Document]:
    return [each for each in world.book.contracts if "tenants" not in each or world.name in each["tenants"]]


def one_name(world: World, wanted: Any) -> str | None:
    """The SKU that a set of one name or id means; None = a set."""
    names = wanted if isinstance(wanted, list) else [wanted]
    if len(names) != 1 or not isinstance(names[0], str):
        return None
    name = names[0]
    if name in ("*", "free", "paid", "trial") or name in world.book.products or is_glob(name):
        return None
    held = {row["skuId"].lower() for user in world.rows("users") for row in user.get("assignedLicenses") or []}
    held |= {row["skuId"].lower() for user in world.rows("users") for row in user.get("licenseAssignmentStates") or []}
    every = held | {row["skuId"].lower() for row in world.rows("subscribedSkus")}
    mine = [sku for sku in every if contains(world, name, sku) is True]
    if mine:
        return mine[0] if len(mine) == 1 else None
    known = [sku.lower() for sku, (part, _) in world.catalogue.skus.items() if same(sku, name) or same(part, name)]
    return known[0] if len(known) == 1 else None


def about(world: World, wanted: Any) -> tuple[str, Product]:
    sku = one_name(world, wanted)
    return (sku, sku) if sku is not None else (written(wanted), ("written", written(wanted)))


def contracts(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["contracts"]
    if "match" in block:
        yield from _match(world)
    for contract in own(world):
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
                        detail=contract["id"])  # fmt: skip
    if "missing" in block:
        yield from _missing(world)


def _pool(world: World, wanted: Any) -> dict[str, Truth]:
    rows = [row["skuId"].lower() for row in world.rows("subscribedSkus")]
    return {sku: judged for sku in rows if (judged := contains(world, wanted, sku)) is not False}


def _match(world: World) -> Iterator[Claim]:
    whole = world.source("subscribedSkus") == "complete"
    if not whole:
        yield NOT_EVALUATED
    if world.unread("subscribedSkus"):
        return
    groups: dict[str, list[Document]] = {}
    for contract in own(world):
        if holds(contract, today(world)):
            groups.setdefault(about(world, contract["products"])[0], []).append(contract)
    for subject, agreed in groups.items():
        wanted = agreed[0]["products"]
        product = about(world, wanted)[1]
        if any("seats" not in contract for contract in agreed):
            continue
        rows = {row["skuId"].lower(): row for row in world.rows("subscribedSkus")}
        inside = {sku: judged for sku in rows if (judged := contains(world, wanted, sku)) is not False}
        if not whole and (isinstance(product, tuple) or not inside):
            continue
        units = [purchased(rows[sku]) for sku in inside]
        seats = sum(contract["seats"] for contract in agreed)
        known = None not in units and None not in inside.values()
        truth = sum(unit or 0 for unit in units) != seats if known else None
        yield Claim(truth=truth, check="contract.seats-differ", subject=("product", subject), product=product,
                    skus=inside if isinstance(product, tuple) else None)  # fmt: skip


def _missing(world: World) -> Iterator[Claim]:
    if world.source("subscribedSkus") != "complete":
        yield NOT_EVALUATED
    agreed = [contract for contract in own(world) if holds(contract, today(world))]
    for row in world.rows("subscribedSkus"):
        sku = row["skuId"].lower()
        usable = usable_of(row)
        covered = disj(contains(world, contract["products"], sku) for contract in agreed)
        truth = conj([contains(world, "paid", sku), neg(covered), None if usable is None else usable > 0])
        yield Claim(truth=truth, check="contract.missing", subject=("product", sku), product=sku)


# ---- prices


def _in_force(priced: Any, day: date) -> Fraction | None:
    if not isinstance(priced, list | dict):
        return Fraction(str(priced))
    begun = [
        (date.fromisoformat(entry["from"]) if "from" in entry else date.min, Fraction(str(entry["amount"])))
        for entry in (priced if isinstance(priced, list) else [priced])
    ]
    return max(((start, amount) for start, amount in begun if start <= day), default=(None, None))[1]


def price(world: World, sku: str, day: date) -> tuple[Fraction | None, bool]:
    """What a seat costs on a day, and whether anything says so; (None, True) = said, but not how much."""
    sure: list[tuple[Fraction, int | None]] = []
    perhaps = False
    for contract in own(world):
        amount = _in_force(contract["perSeatPerMonth"], day) if "perSeatPerMonth" in contract else None
        if amount is None or not holds(contract, day):
            continue
        inside = contains(world, contract["products"], sku)
        if inside is True:
            sure.append((amount, contract.get("seats")))
        perhaps = perhaps or inside is None
    if perhaps:
        return None, True
    if sure:
        if len({amount for amount, _ in sure}) == 1:
            return sure[0][0], True
        seats = [count for _, count in sure]
        total = sum(count or 0 for count in seats)
        if None in seats or not total:
            return None, True
        return sum((amount * (count or 0) for amount, count in sure), Fraction(0)) / total, True
    by_id = [entry for name, entry in world.book.prices.items() if name.lower() == sku]
    by_name = [entry for name, entry in world.book.prices.items() if contains(world, name, sku)]
    for entry in (*by_id, *by_name):
        amount = _in_force(entry, day)
        if amount is not None:
            return amount, True
    return None, False


def budget(world: World, policy: Document) -> Iterator[Claim]:
    total = Fraction(0)
    unsure = world.source("subscribedSkus") != "complete"
    if unsure:
        yield NOT_EVALUATED
    for row in world.rows("subscribedSkus"):
        sku = row["skuId"].lower()
        usable = usable_of(row)
        amount, unit_price = price(world, sku, today(world))
        if amount is not None and usable is not None:
            total += amount * usable
        elif unit_price and usable == 0:
            continue
        elif unit_price or conj([contains(world, "paid", sku), None if usable is None else usable > 0]) is not False:
            unsure = True
    over = total > Fraction(str(policy["budget"]["limit"]))
    yield Claim(truth=over or (None if unsure else False), check="budget.exceeded",
                subject=("tenant", world.tenant["tenantId"]), detail=world.book.currency or _currency(world))  # fmt: skip


def _currency(world: World) -> str | None:
    for contract in world.book.contracts:
        priced = contract.get("perSeatPerMonth") or []
        for entry in priced if isinstance(priced, list) else [priced]:
            if "currency" in entry:
                return str(entry["currency"])
    return None
