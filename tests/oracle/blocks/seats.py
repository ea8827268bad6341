"""The constraint blocks `seats` and `balance`, which count seats."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from tests.oracle.products import contains, written
from tests.oracle.selection.selectors import selects
from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.verdict import NOT_EVALUATED, Claim, Document, Product
from tests.oracle.world import World

Units = dict[str, int]
SEARCH_LIMIT = 5_000_000
"""The number of seats up to which `adjust` searches."""


def usable_of(row: Document, *, count_warning: bool = True) -> int | None:
    """Usable seats; None = unknown."""
    prepaid = row.get("prepaidUnits") or {}
    warning = prepaid.get("warning", 0)
    if prepaid.get("enabled") is None or warning is None:
        return None
    return int(prepaid["enabled"]) + (int(warning) if count_warning else 0)


def is_user_sku(row: Document) -> bool:
    return (row.get("appliesTo") or "User") == "User"


def _units(row: Document, *, count_warning: bool) -> Units | None:
    usable = usable_of(row, count_warning=count_warning)
    consumed = row.get("consumedUnits")
    if usable is None or consumed is None:
        return None
    prepaid = row["prepaidUnits"]
    units = {name: int(prepaid.get(name) or 0) for name in ("enabled", "warning", "suspended", "lockedOut")}
    return {**units, "consumed": consumed, "usable": usable, "spare": usable - consumed}


def _share(percent: Any, usable: int) -> Fraction:
    return Fraction(str(percent).removesuffix("%").strip()) * usable / 100


def bound(written_bound: Any, usable: int) -> Fraction:
    """A bound as an exact number of seats: a number, a percentage of the usable seats, or the larger of the two."""
    if isinstance(written_bound, dict):
        return max(_share(written_bound["percent"], usable), Fraction(written_bound["seats"]))
    if isinstance(written_bound, str):
        return _share(written_bound, usable)
    return Fraction(written_bound)


def adjust(spare: Document, usable: int, consumed: int) -> tuple[int | None, bool]:
    """The number of seats to buy (+) or remove (-), and whether any number of seats keeps both bounds."""

    def keeps_min(seats: int) -> bool:
        return seats >= consumed and ("min" not in spare or seats - consumed >= bound(spare["min"], seats))

    def keeps_max(seats: int) -> bool:
        return "max" not in spare or seats - consumed <= bound(spare["max"], seats)

    if not keeps_min(SEARCH_LIMIT):  # nor does a smaller number: more seats never break a minimum
        return None, False
    fewest = consumed
    while not keeps_min(fewest):
        fewest += 1
    if not keeps_max(fewest):
        return fewest - usable, False
    seats = max(usable, fewest)
    while not keeps_max(seats):
        seats -= 1
    return seats - usable, True


def _spare_claims(
    block: Document, units: Units | None, inside: Truth, subject: str, product: Product, skus: dict[str, Truth] | None
) -> Iterator[Claim]:
    if "spare" not in block and {"assigned", "purchased"} & block.keys():
        return
    if units is None:
        yield Claim(truth=conj([inside, None]))
        return
    spare = block.get("spare", {})
    left, usable = units["spare"], units["usable"]
    checks = []
    if left < 0:
        checks.append("seats.over-assigned")
    elif "min" in spare and left < bound(spare["min"], usable):
        checks.append("seats.below-minimum")
    if "max" in spare and left > bound(spare["max"], usable):
        checks.append("seats.above-maximum")
    if not checks:
        return
    change, holds = adjust(spare, usable, units["consumed"])
    for check in checks:
        yield Claim(truth=inside, check=check, subject=("product", subject), product=product, skus=skus,
                    evidence={**units, "adjust": change, "boundsHold": holds})  # fmt: skip


def _quota_claim(
    world: World,
    policy: Document,
    skus: dict[str, Truth],
    inside: Truth,
    subject: str,
    product: Product,
    *,
    consumed: int | None,
    pooled: bool,
) -> Claim:
    """Count the people of the population who hold one of the SKUs: those who certainly do, and those who may."""
    certain = possible = 0
    for user in world.rows("users"):
        held = world.licenses(user)
        holds = None if held is None else disj(conj([judged, sku in held]) for sku, judged in skus.items())
        member = conj([selects(world, policy.get("users"), user), holds])
        certain += member is True
        possible += member is None
    most = _quota(policy["seats"]["assigned"]["max"], consumed)
    everybody = world.source("users") == "complete"  # those who were not read may hold any SKU
    exceeded: Truth = True if certain > most else None if certain + possible > most or not everybody else False
    if most < 0:
        exceeded = None if certain + possible or not everybody else False
    return Claim(truth=conj([inside, exceeded]), check="seats.quota-exceeded", subject=("product", subject),
                 product=product, skus=skus if pooled else None,
                 evidence={"assigned": certain, "max": most})  # fmt: skip


def _quota(written_quota: Any, consumed: int | None) -> int:
    """The quota as a number of people; -1 = unknown."""
    if not isinstance(written_quota, str):
        return int(written_quota)
    if Fraction(written_quota.removesuffix("%")) == 0:
        return 0
    return -1 if consumed is None else int(_share(written_quota, consumed))


def purchased(row: Document) -> int | None:
    """Units bought, in use or not; None = unknown."""
    prepaid = row.get("prepaidUnits") or {}
    units = [prepaid.get("enabled"), prepaid.get("warning", 0), prepaid.get("suspended", 0)]
    return None if None in units else sum(int(number) for number in units)


def _cap_claim(block: Document, bought: int | None, inside: Truth, subject: str, product: Product,
               skus: dict[str, Truth] | None) -> Iterator[Claim]:  # fmt: skip
    if "purchased" not in block:
        return
    most = block["purchased"]["max"]
    over = None if bought is None else bought > most
    evidence = {} if bought is None else {"adjust": most - bought}
    yield Claim(truth=conj([inside, over]), check="seats.purchased-exceeded", subject=("product", subject),
                product=product, skus=skus, evidence=evidence)  # fmt: skip


def _covers(world: World, policy: Document) -> Iterator[Claim]:
    """Claim that the population has more people than the product set has usable seats."""
    block = policy["seats"]
    product_set = block.get("of", "paid")
    if world.source("subscribedSkus") != "complete":
        yield NOT_EVALUATED
        return
    rows = {row["skuId"].lower(): row for row in world.rows("subscribedSkus") if is_user_sku(row)}
    skus = {sku: judged for sku in rows if (judged := contains(world, product_set, sku)) is not False}
    memberships = [selects(world, policy.get("users"), user) for user in world.rows("users")]
    certain, possible = memberships.count(True), len(memberships) - memberships.count(False)
    grace = block.get("graceUnits", "count") == "count"
    seats_of = {sku: usable_of(rows[sku], count_warning=grace) for sku in skus}
    least = [seats_of[sku] for sku, judged in skus.items() if judged is True]
    fewest = 0 if None in least else sum(seats or 0 for seats in least)
    decided = None not in seats_of.values()
    most = sum(seats or 0 for seats in seats_of.values())
    name = written(product_set)
    if decided and certain > most:
        adjust_ = certain - fewest if fewest == most else None
        yield Claim(truth=True, check="seats.not-covered", subject=("product", name), product=("written", name),
                    skus=skus, evidence={"needed": certain, "adjust": adjust_})  # fmt: skip
    elif world.source("users") != "complete" or possible > fewest:
        yield NOT_EVALUATED


def seats(world: World, policy: Document) -> Iterator[Claim]:
    block = policy["seats"]
    if "covers" in block:
        yield from _covers(world, policy)
        return
    product_set = block.get("of", "paid")
    count_warning = block.get("graceUnits", "count") == "count"
    if world.source("subscribedSkus") != "complete":
        yield NOT_EVALUATED
    quota = "assigned" in block
    rows = {row["skuId"].lower(): row for row in world.rows("subscribedSkus") if is_user_sku(row)}
    inside = {sku: contains(world, product_set, sku) for sku in rows}
    if block.get("pool"):
        yield from _pool(world, policy, rows, inside, count_warning=count_warning)
        return
    for sku, row in rows.items():
        units = _units(row, count_warning=count_warning)
        yield from _spare_claims(block, units, inside[sku], sku, sku, None)
        if quota:
            yield _quota_claim(world, policy, {sku: True}, inside[sku], sku, sku, consumed=row.get("consumedUnits"),
                               pooled=False)  # fmt: skip
        yield from _cap_claim(block, purchased(row), inside[sku], sku, sku, None)


def _pool(
    world: World, policy: Document, rows: dict[str, Document], inside: dict[str, Truth], *, count_warning: bool
) -> Iterator[Claim]:
    block = policy["seats"]
    name = written(block.get("of", "paid"))
    product: Product = ("written", name)
    skus: dict[str, Truth] = {sku: judged for sku, judged in inside.items() if judged is not False}
    in_set: Truth = True
    if not skus:
        return
    if world.source("subscribedSkus") != "complete":
        # SKUs that were not collected may belong to the pool.
        yield from _spare_claims(block, None, in_set, name, product, skus)
    else:
        answers = [
            list(_spare_claims(block, _sum(rows, chosen, count_warning=count_warning), in_set, name, product, skus))
            if chosen else []
            for chosen in _choices(skus)
        ]  # fmt: skip
        yield from _common(answers)
    yield from _pool_cap(world, block, rows, name, product, skus)
    if "assigned" in block:
        consumed = [rows[sku].get("consumedUnits") for sku, judged in skus.items() if judged is True]
        total_known = all(judged is True or _has_no_units(rows[sku]) for sku, judged in skus.items()) and any(
            judged is True for judged in skus.values()
        )
        total = None if None in consumed or not total_known else sum(units or 0 for units in consumed)
        yield _quota_claim(world, policy, skus, in_set, name, product, consumed=total, pooled=True)


def _has_no_units(row: Document) -> bool:
    units = _units(row, count_warning=True)
    return units is not None and not any(units[name] for name in ("usable", "suspended", "lockedOut", "consumed"))


def _common(answers: list[list[Claim]]) -> Iterator[Claim]:
    """The claims that every possible choice of SKUs leads to; without numbers where they differ."""
    if all(answer == answers[0] for answer in answers):
        yield from answers[0]
        return
    checks = [{claim.check for claim in answer if claim.truth is True} for answer in answers]
    certain = set.intersection(*checks)
    if any(claim.truth is None for answer in answers for claim in answer) or certain != set.union(*checks):
        yield NOT_EVALUATED
    for claim in answers[0]:
        if claim.check in certain:
            yield Claim(truth=True, check=claim.check, subject=claim.subject, product=claim.product, skus=claim.skus,
                        evidence={"adjust": None})  # fmt: skip


def _pool_cap(world: World, block: Document, rows: dict[str, Document], name: str, product: Product,
              skus: dict[str, Truth]) -> Iterator[Claim]:  # fmt: skip
    """The claim that the pool has more units than allowed: those that are known are already too many."""
    if "purchased" not in block:
        return
    least = sum(purchased(rows[sku]) or 0 for sku, judged in skus.items() if judged is True)
    units = [purchased(rows[sku]) for sku in skus]
    most = None if None in units or world.source("subscribedSkus") != "complete" else sum(count or 0 for count in units)
    cap = block["purchased"]["max"]
    total = least if least > cap else None if most is None or most > cap else 0
    in_set: Truth = True
    yield from _cap_claim(block, total, in_set, name, product, skus)


class TooManyChoicesError(Exception):
    """There are too many possible sets of SKUs to try each of them."""


def _choices(skus: dict[str, Truth]) -> list[list[str]]:
    """Every list of SKUs that the product set may consist of."""
    certain = [sku for sku, judged in skus.items() if judged is True]
    uncertain = [sku for sku, judged in skus.items() if judged is None]
    if len(uncertain) > 8:
        raise TooManyChoicesError
    choices = [certain]
    for sku in uncertain:
        choices += [[*choice, sku] for choice in choices]
    return choices


def _sum(rows: dict[str, Document], chosen: list[str], *, count_warning: bool) -> Units | None:
    total = dict.fromkeys(("enabled", "warning", "suspended", "lockedOut", "consumed", "usable", "spare"), 0)
    for sku in chosen:
        units = _units(rows[sku], count_warning=count_warning)
        if units is None:
            return None
        total = {key: total[key] + units[key] for key in total}
    return total


def balance(worlds: list[World], policy: Document) -> Iterator[Claim]:
    """Claims on the fleet, over the tenants that the policy judges."""
    block = policy["balance"]
    skus: set[str] = set()
    for world in worlds:
        if world.source("subscribedSkus") != "complete":
            yield NOT_EVALUATED
        skus |= {row["skuId"].lower() for row in world.rows("subscribedSkus")}
    for sku in sorted(skus):
        short = [_beyond(world, block, sku, "min") for world in worlds]
        ample = [conj([_beyond(world, block, sku, "max"), neg(few)]) for world, few in zip(worlds, short, strict=True)]
        pairs = [(few, many) for one, few in enumerate(short) for other, many in enumerate(ample) if one != other]
        truth = disj([conj(pair) for pair in pairs])
        yield Claim(truth=truth, check="balance.imbalance", subject=("fleet", sku), product=sku)


def _beyond(world: World, block: Document, sku: str, side: str) -> Truth:
    """Whether the tenant has spare seats of the SKU below `min`, or above `max`."""
    row = world.product_row(sku)
    if row is None or not is_user_sku(row) or side not in block["spare"]:
        return False
    usable, consumed = usable_of(row), row.get("consumedUnits")
    inside = contains(world, block.get("of", "paid"), sku)
    if usable is None or consumed is None:
        return conj([inside, None])
    if usable == 0 and consumed == 0:
        return False
    limit = bound(block["spare"][side], usable)
    left = usable - consumed
    return conj([inside, left < limit if side == "min" else left > limit])
