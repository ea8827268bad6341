"""The amounts of actions equal those of a simulation that hands out, buys and removes the seats one by one."""

from collections import deque
from decimal import Decimal
from random import Random
from typing import NamedTuple

import pytest

from auditor.domain.actions.kind import REMOVING
from auditor.domain.result.model import TenantResult
from auditor.result.aggregate import action_amounts
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import person, sku_id

PRICES = {"SPE_E3": Decimal(30), "SPE_E5": Decimal("50.25"), "SPE_F1": Decimal(7)}
LEAVERS = "- {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}"
STORE = (
    "- {id: store, severity: low, users: {department: Store, accountEnabled: true}, assignments: {require: [SPE_F1]}}"
)


class Seats(NamedTuple):
    """The seats of a product: usable ones, those of trials and assigned ones, and people who lose and who get it."""

    usable: int
    trial: int
    assigned: int
    freed: int
    given: int


def random_tenant(random: Random, *, trials: bool) -> tuple[TenantResult, dict[str, Seats]]:
    """Return an audited tenant, and its seats by part number."""
    people = [
        (random.choice(["", *PRICES]), random.random() > 0.4, random.choice(["Store", "Office"]))
        for _ in range(random.randint(1, 12))
    ]
    users = [
        person(f"p{number}", *filter(None, [held]), department=department, accountEnabled=enabled)
        for number, (held, enabled, department) in enumerate(people)
    ]
    seats: dict[str, Seats] = {}
    for part in PRICES:
        enabled_by_holder = [enabled for held, enabled, _ in people if held == part]
        lacking = sum(enabled and department == "Store" and held != part for held, enabled, department in people)
        assigned = len(enabled_by_holder)
        usable = max(0, assigned + random.randint(-2, 4))
        seats[part] = Seats(
            usable,
            random.randint(0, usable) if trials else 0,
            assigned,
            enabled_by_holder.count(False),
            lacking if part == "SPE_F1" else 0,
        )
    policies = [LEAVERS, STORE]
    for index in range(random.randint(0, 2)):
        low = random.randint(0, 2)
        bound = random.choice([f"min: {low}", f"max: {low}", f"min: {low}, max: {low + 2}"])
        policies.append(f"- {{id: spare{index}, severity: low, seats: {{of: paid, spare: {{{bound}}}}}}}")
    policies += random.choices(
        ["- {id: r, severity: low, subscriptions: {expiring: {within: 60d, idle: {min: 1}}}}", ""]
    )
    prices = ", ".join(f"{part}: {price}" for part, price in PRICES.items())
    text = "\n".join(["policies:", *policies, f"prices: {{currency: EUR, perSeatPerMonth: {{{prices}}}}}"])
    products = [product(part, row.usable, row.assigned) for part, row in seats.items()]
    rows = [subscription(part, row.usable - row.trial, "2026-12-10") for part, row in seats.items()]
    rows += [{**subscription(part, row.trial, "2026-12-09"), "isTrial": True} for part, row in seats.items()]
    subscriptions = [row for row in rows if row["totalLicenses"]]
    return audited(state_of(users, products, subscriptions), text).tenants[0], seats


def simulated(tenant: TenantResult, seats: dict[str, Seats]) -> dict[str, Decimal]:
    """Return the amounts of seats that are reassigned, removed and bought, with the numbers to remove and to buy."""
    amounts = dict.fromkeys(("reassign", "reduce", "buy"), Decimal(0))
    for part, (usable, trial, assigned, freed, given) in seats.items():
        actions = [a for a in tenant.actions if a.seats is not None and a.seats.sku_id == sku_id(part)]
        removed = sum(action.count for action in actions if action.kind in REMOVING)
        bought = sum(action.count for action in actions if action.kind == "buy")
        # Nothing is paid for seats beyond the usable ones, and for those of trials, of which as few as possible are used.
        beyond, idle = max(0, assigned - usable), max(0, usable - assigned)
        used = max(0, trial - idle)
        unpaid = min(freed, beyond + used)
        stock = deque(["bought"] * bought + ["freed"] * (freed - unpaid) + ["idle"] * (idle - trial + used))
        stock += ["trial"] * (trial - used + max(0, unpaid - beyond))
        missing = sum(not (stock and stock.popleft()) for _ in range(given))
        for _ in range(removed):
            stock.remove("freed" if "freed" in stock else "idle")  # raises ValueError for a seat in use
        amounts["reassign"] += stock.count("freed") * PRICES[part]
        amounts["reduce"] += removed * PRICES[part]
        amounts["buy"] += (bought + missing) * PRICES[part]
    return {name: amount for name, amount in amounts.items() if amount}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(120))
@pytest.mark.parametrize("trials", [False, True])
def test_amounts_of_actions_are_those_of_single_seats(seed: int, trials: bool) -> None:  # noqa: FBT001
    tenant, seats = random_tenant(Random(seed), trials=trials)
    amounts = action_amounts(tenant.actions)
    actual = {"reassign": amounts.reassign, "reduce": amounts.reduce, "buy": amounts.buy}
    assert {name: money["EUR"] for name, money in actual.items() if money} == simulated(tenant, seats)
