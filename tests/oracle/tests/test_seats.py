"""Oracle and engine agree with the specification of seats, purchases, subscriptions, budget and balance."""

from typing import Any

import pytest

from tests.oracle import FindingKey, TenantVerdict
from tests.oracle.cases import (
    E3,
    E5,
    F1,
    FREE,
    PLAN_ADDON,
    contoso_verdict,
    finding_keys,
    outcome,
    product,
    run,
    tenant,
    user,
)

# ---- 3. seats


def seats(block: dict[str, Any], *rows: dict[str, Any], **more: Any) -> TenantVerdict:
    return contoso_verdict({"seats": block}, tenant(subscribedSkus=list(rows), **more))


@pytest.mark.parametrize(
    ("spare", "enabled", "consumed", "expected"),
    [
        ({"min": 5}, 10, 5, {}),
        ({"min": 5}, 10, 6, {"seats.below-minimum": 1}),
        ({"min": 5}, 10, 11, {"seats.over-assigned": 6}),
        ({"max": 5}, 10, 4, {"seats.above-maximum": -1}),
        # 5 % of the seats after the change: 94 + 4.9 rounds up to 99.
        ({"min": "5%"}, 94, 94, {"seats.below-minimum": 5}),
        # 93 of 100: spare 7 > 5; 97 seats leave 4 <= 4.85, 98 leave 5 > 4.9.
        ({"max": "5%"}, 100, 93, {"seats.above-maximum": -3}),
        ({"max": "100%"}, 100, 0, {}),
        ({"max": {"percent": 5, "seats": 10}}, 100, 88, {"seats.above-maximum": -2}),
        ({"min": {"percent": 2.5, "seats": 1}}, 200, 196, {"seats.below-minimum": 2}),
        ({"max": 0}, 10, 0, {"seats.above-maximum": -10}),
        # No number of seats keeps both bounds: use the fewest seats that keep the minimum.
        ({"min": 5, "max": "5%"}, 20, 17, {"seats.below-minimum": 2, "seats.above-maximum": 2}),
        ({"min": 5, "max": "5%"}, 30, 17, {"seats.above-maximum": -8}),
        # 10 used, at least 5 spare and at most 30 %: 15 seats keep the minimum, and 5 of 15 are a third.
        ({"min": 5, "max": "30%"}, 12, 10, {"seats.below-minimum": 3}),
        ({"min": 5, "max": "5%"}, 105, 93, {"seats.above-maximum": -7}),
        ({"min": 5}, 10, 8, {"seats.below-minimum": 3}),
        ({"max": 5}, 10, 5, {}),
        ({"min": 5}, 10, 12, {"seats.over-assigned": 7}),
        ({"max": 5}, 10, 11, {"seats.over-assigned": 1}),
        ({"min": 13}, 105, 93, {"seats.below-minimum": 1}),
        ({"max": 0}, 105, 93, {"seats.above-maximum": -12}),
        ({"min": 12, "max": 12}, 105, 93, {}),
        ({"max": "12%"}, 105, 93, {}),
        ({"max": "11%"}, 105, 93, {"seats.above-maximum": -1}),
        # Percentages are of the usable seats after the change: 93 used of 98 leaves 5 of 98, which is 5.1 %.
        ({"max": "7%"}, 100, 93, {}),
        ({"min": "5%"}, 95, 93, {"seats.below-minimum": 3}),
        ({"min": "5%"}, 98, 93, {}),
        # The larger of the two bounds applies.
        ({"max": {"percent": 5, "seats": 7}}, 100, 93, {}),
        ({"max": {"percent": 5, "seats": 6}}, 100, 93, {"seats.above-maximum": -1}),
        ({"min": {"percent": 5, "seats": 2}}, 10, 9, {"seats.below-minimum": 1}),
        ({"min": {"percent": 5, "seats": 13}, "max": {"percent": 50, "seats": 1}}, 105, 93, {"seats.below-minimum": 1}),
        # No number of seats leaves all of them spare while some are used.
        ({"min": "100%"}, 10, 1, {"seats.below-minimum": None}),
        # 50 % of no seats is 0, so only 0 seats keep the maximum.
        ({"max": "50%"}, 10, 0, {"seats.above-maximum": -10}),
        ({"min": 5}, 0, 0, {"seats.below-minimum": 5}),
        ({"min": "5%"}, 0, 0, {}),
        ({"min": 0}, 0, 3, {"seats.over-assigned": 3}),
        # Half a per cent of 100 is half a seat: one seat is needed, none is not enough.
        ({"min": "0.5%"}, 100, 100, {"seats.below-minimum": 1}),
    ],
)
def test_spare_bounds_and_seats_to_adjust(
    spare: dict[str, Any], enabled: int, consumed: int, expected: dict[str, int | None]
) -> None:
    verdict = seats({"of": "SPE_E3", "spare": spare}, product(E3, enabled, consumed))
    assert {key.check: judged.evidence["adjust"] for key, judged in verdict.findings.items()} == expected
    assert all(key[2:5] == ("product", E3, E3) for key in verdict.findings)
    assert verdict.outcomes["p"] == ("fail" if expected else "pass")


@pytest.mark.parametrize(
    ("spare", "enabled", "consumed", "hold"),
    [
        ({"min": 5, "max": "5%"}, 30, 17, False),
        ({"min": 5, "max": "30%"}, 12, 10, False),
        ({"min": 5, "max": "5%"}, 105, 93, False),
        ({"min": {"percent": 5, "seats": 13}, "max": {"percent": 50, "seats": 1}}, 105, 93, True),
        ({"min": "100%"}, 105, 93, False),
    ],
)
def test_bounds_that_cannot_both_hold_are_reported(
    spare: dict[str, Any], enabled: int, consumed: int, hold: object
) -> None:
    (judged,) = seats({"of": "SPE_E3", "spare": spare}, product(E3, enabled, consumed)).findings.values()
    assert judged.evidence["boundsHold"] is hold


def test_grace_units_count_unless_ignored() -> None:
    row = product(E3, 0, 11, units={"warning": 11, "suspended": 4})
    assert finding_keys(seats({"of": "SPE_E3", "spare": {"max": 5}}, row)) == set()
    ((_, judged),) = seats({"of": "SPE_E3", "graceUnits": "ignore"}, row).findings.items()
    assert judged.evidence == {"enabled": 0, "warning": 11, "suspended": 4, "lockedOut": 0, "consumed": 11, "usable": 0,
                               "spare": -11, "adjust": 11, "boundsHold": True}  # fmt: skip


def test_seats_default_to_paid_user_skus() -> None:
    rows = (product(FREE, 0, 1), product(E3, 0, 1, appliesTo="Company"), product(E5, 0, 1, appliesTo=None))
    assert finding_keys(seats({"spare": {"min": 0}}, *rows)) == {("seats.over-assigned", E5, E5, None)}
    assert {key[1] for key in finding_keys(seats({"of": "*", "spare": {"min": 0}}, *rows))} == {E5, FREE}


def test_unknown_seats_are_not_evaluated() -> None:
    verdict = seats({"of": ["SPE_E3", "SPE_E5"], "spare": {"min": 5}}, product(E3, None), product(E5, 4, 0))
    assert (finding_keys(verdict), verdict.outcomes["p"]) == ({("seats.below-minimum", E5, E5, None)}, "not-evaluated")
    assert seats({"of": "SPE_E5", "spare": {"min": 1}}, product(E3, None), product(E5, 4, 0)).outcomes["p"] == "pass"
    partial = seats({"spare": {"min": 5}}, product(E5, 4, 0), sources={"subscribedSkus": "partial"})
    assert (len(partial.findings), partial.outcomes["p"]) == (1, "not-evaluated")
    assert seats({"spare": {"min": 5}}, product(E5, 4, 0), sources={"subscribedSkus": "denied"}).findings == {}


def test_pool_judges_the_sum() -> None:
    block = {"of": ["SPE_E3", {"withService": "OFFICESUBSCRIPTION"}], "pool": True, "spare": {"min": 3}}
    ((key, judged),) = seats(block, product(E3, 10, 12), product(E5, 10, 6), product(F1, 50, 0)).findings.items()
    name = "SPE_E3|withService:OFFICESUBSCRIPTION"
    assert key == FindingKey("p", "seats.below-minimum", "product", name, ("written", name), None)
    assert (judged.evidence["usable"], judged.evidence["spare"], judged.evidence["adjust"]) == (20, 2, 1)
    assert seats(block, product(E3, None, 12), product(E5, 10, 10)).outcomes["p"] == "not-evaluated"


@pytest.mark.parametrize(
    ("limits", "e3", "doubtful", "expected"),
    [
        # Whether E5 is a trial, and so in the pool, is not known.
        ({"purchased": {"max": 300}}, (500, 490), (5, 5), {"seats.purchased-exceeded": -200}),
        ({"purchased": {"max": 300}}, (500, 490), (None, 5), {"seats.purchased-exceeded": -200}),
        ({"purchased": {"max": 500}}, (500, 490), (5, 5), None),
        ({"purchased": {"max": 505}}, (500, 490), (5, 5), {}),
        ({"spare": {"min": 20}}, (500, 490), (5, 5), {"seats.below-minimum": None}),
        ({"spare": {"min": 20}}, (500, 490), (15, 5), None),
        ({"spare": {"min": 20}}, (500, 490), (None, 5), None),
        # Either too few are spare or too many assigned, so neither is certain.
        ({"spare": {"min": 20}}, (500, 490), (5, 50), None),
        ({"spare": {"min": 1, "max": 5}}, (500, 490), (5, 5), {"seats.above-maximum": None}),
        ({"spare": {"max": 5}}, (500, 490), (5, 10), None),
        ({}, (5, 50), (45, 5), {"seats.over-assigned": None}),
        ({}, (5, 50), (50, 5), None),
        # With E5 there are too few spare seats, without it too many.
        ({"spare": {"max": 5}}, (20, 10), (10, 20), None),
        ({"spare": {"min": 5, "max": 20}}, (20, 10), (10, 5), {}),
        ({"spare": {"max": {"percent": 50, "seats": 12}}}, (20, 10), (10, 8), {}),
        ({"spare": {"max": {"percent": 10, "seats": 4}}}, (20, 16), (10, 9), None),
        ({"spare": {"max": {"percent": 10, "seats": 6}}}, (20, 16), (10, 9), {}),
        ({"spare": {"min": 0}}, (20, 10), (10, 20), {}),
        ({"spare": {"min": 0}}, (20, 10), (10, 21), None),
        # The numbers are the same with and without E5.
        ({"spare": {"max": 5}}, (20, 10), (0, 0), {"seats.above-maximum": -5}),
        # The minimum is a share of one sum and a number for the other; both sums break it.
        ({"spare": {"min": {"percent": 10, "seats": 4}}}, (20, 17), (40, 38), {"seats.below-minimum": None}),
    ],
)
def test_pool_with_an_unknown_member_raises_what_is_certain(
    limits: dict[str, Any],
    e3: tuple[int, int],
    doubtful: tuple[int | None, int],
    expected: dict[str, int | None] | None,
) -> None:
    block = {"of": ["SPE_E3", "trial"], "pool": True, **limits}
    verdict = seats(block, product(E3, *e3), product(E5, *doubtful), sources={"subscriptions": "denied"})
    found = {key.check: judged.evidence["adjust"] for key, judged in verdict.findings.items()}
    certain = "not-evaluated" if expected is None else "fail" if expected else "pass"
    assert (found, verdict.outcomes["p"]) == (expected or {}, certain)


def test_units_that_were_not_read_can_only_add_to_a_pool() -> None:
    block = {"of": ["SPE_E3", "SPE_E5"], "pool": True, "purchased": {"max": 300}}
    rows = (product(E3, 500, 490), product(E5, None, 5))
    for verdict in (seats(block, *rows), seats(block, *rows[:1], sources={"subscribedSkus": "partial"})):
        assert {key.check for key in verdict.findings} == {"seats.purchased-exceeded"}


def test_quota_counts_people_of_the_population() -> None:
    people = [user("a", (E3, E5)), user("b", (E5,)), user("c", (E5,), accountEnabled=False), user("d")]
    policy: dict[str, Any] = {"users": {"accountEnabled": True}, "seats": {"of": "SPE_E*", "assigned": {"max": 1}}}
    ((key, judged),) = contoso_verdict(
        policy, tenant(*people, subscribedSkus=[product(E3, 0, 9), product(E5)])
    ).findings.items()
    assert (key.check, key.subject_id, judged.evidence["assigned"]) == ("seats.quota-exceeded", E5, 2)
    policy["seats"] |= {"pool": True}
    assert {judged.evidence["assigned"] for judged in contoso_verdict(policy, tenant(*people)).findings.values()} == {2}
    policy["seats"]["assigned"] = {"max": 2}
    assert outcome(policy, tenant(*people)) == "pass"
    assert outcome(policy, tenant(*people, sources={"users": "partial"})) == "not-evaluated"
    blind = [*people[:3], user("d", unknown=["assignedLicenses"])]
    assert outcome(policy, tenant(*blind)) == "not-evaluated"


# ---- 3. purchases, subscriptions, budget, balance


def test_purchases() -> None:
    rows = [
        product(E3, 1),
        product(E5, 0, units={"warning": 2}, appliesTo="Company"),
        product(F1, 0),
        product(PLAN_ADDON, 3),
    ]
    trial = [{"id": "1", "skuId": E3, "isTrial": True, "status": "Enabled"}]
    policy = {
        "purchases": {
            "allow": ["SPE_E3", "SPE_F1", "STRAßE_ADDON"],
            "deny": "SPE_E3",
            "trials": "deny",
            "unknown": "deny",
        }
    }
    assert finding_keys(contoso_verdict(policy, tenant(subscribedSkus=rows, subscriptions=trial))) == {
        ("purchase.not-allowed", E3, E3, None),
        ("purchase.not-allowed", E5, E5, None),
        ("purchase.trial", E3, E3, None),
        ("purchase.unknown", PLAN_ADDON, PLAN_ADDON, None),
    }


def test_subscriptions() -> None:
    def row(name: str, ends: str | None, status: str = "Enabled", *, trial: bool | None = False) -> dict[str, Any]:
        return {
            "id": name,
            "skuId": E3.upper(),
            "skuPartNumber": "SPE_E3",
            "status": status,
            "isTrial": trial,
            "nextLifecycleDateTime": ends,
        }

    rows = [
        row("soon", "2026-12-04T02:16:59Z"), row("at", "2026-12-04T02:17:00Z"), row("past", "2026-01-01T00:00:00Z", "Warning"),
        row("dead", "2026-01-01T00:00:00Z", "Deleted"), row("halted", "2026-11-21T00:00:00Z", "Suspended"), row("never", None, trial=True), row("trial", "2026-11-21T00:00:00Z", trial=True),
    ]  # fmt: skip
    policy = {
        "subscriptions": {
            "expiring": {"within": "14d"},
            "states": {"deny": ["Deleted", "Warning"]},
            "trials": {"endingWithin": "14d"},
        }
    }
    assert finding_keys(contoso_verdict(policy, tenant(subscriptions=rows))) == {
        ("subscription.expiring", "soon", E3, None),
        ("subscription.expiring", "past", E3, None),
        ("subscription.expiring", "trial", E3, None),
        ("subscription.state", "past", E3, "Warning"),
        ("subscription.state", "dead", E3, "Deleted"),
        ("subscription.trial-ending", "trial", E3, None),
    }
    silent = [row("x", "2026-11-21T00:00:00Z", trial=None)]
    ending = {"subscriptions": {"trials": {"endingWithin": "14d"}}}
    assert outcome(ending, tenant(subscriptions=silent)) == "not-evaluated"
    other = {"subscriptions": {"of": "SPE_F1", "expiring": {"within": "14d"}}}
    assert outcome(other, tenant(subscriptions=rows)) == "pass"


def test_budget() -> None:
    prices = {"currency": "EUR", "perSeatPerMonth": {"spe_e3": 35.7, E5: 0.1}}
    rows = [product(E3, 10), product(E5, 5, units={"warning": 5}), product(FREE, 99)]
    exact = contoso_verdict({"budget": {"limit": 358}}, tenant(subscribedSkus=rows), prices=prices)
    assert exact.outcomes["p"] == "pass"
    over = contoso_verdict({"budget": {"limit": 357.9}}, tenant(subscribedSkus=rows), prices=prices)
    assert finding_keys(over) == {("budget.exceeded", "id-of-contoso", None, "EUR")}
    bound = [*rows, product(F1, 1)]
    assert outcome({"budget": {"limit": 358}}, tenant(subscribedSkus=bound), prices=prices) == "not-evaluated"
    assert outcome({"budget": {"limit": 357.9}}, tenant(subscribedSkus=bound), prices=prices) == "fail"


def test_balance() -> None:
    policy = {"balance": {"spare": {"min": 2, "max": 5}}}
    short, ample = product(E3, 10, 9), product(E3, 20, 10)
    verdict = run(policy, tenant(subscribedSkus=[short]), tenant(name="fabrikam", subscribedSkus=[ample]))
    assert set(verdict.fleet.findings) == {FindingKey("p", "balance.imbalance", "fleet", E3, E3, None)}
    assert verdict.fleet.outcomes == {"p": "fail"}
    assert verdict.tenants["contoso"].outcomes == {}
    idle = tenant(subscribedSkus=[product(E3, 0, 0)])
    assert run(policy, idle, tenant(name="fabrikam", subscribedSkus=[ample])).fleet.outcomes == {"p": "pass"}
    alone = run(policy, tenant(subscribedSkus=[short])).fleet
    assert (alone.outcomes, alone.notices) == ({"p": "pass"}, frozenset({("balance.single-tenant", "p")}))
    blind = tenant(subscribedSkus=[], sources={"subscribedSkus": "denied"})
    assert run(policy, blind, tenant(name="fabrikam", subscribedSkus=[ample])).fleet.outcomes == {"p": "not-evaluated"}


def test_policy_for_other_tenants_has_no_outcome() -> None:
    policy = {"tenants": ["fabrikam"], "assignments": {"allow": []}}
    assert contoso_verdict(policy, tenant(user(held=(E3,)))).outcomes == {}


def test_balance_judges_user_skus_of_its_tenants() -> None:
    policy: dict[str, Any] = {"balance": {"of": "*", "spare": {"min": 2, "max": 5}}}

    def fleet(short: dict[str, Any], ample: dict[str, Any], **more: Any) -> dict[str, str]:
        sides = tenant(subscribedSkus=[short]), tenant(name="fabrikam", subscribedSkus=[ample])
        return dict(run(policy | more, *sides).fleet.outcomes)

    assert fleet(product(E3, 0, 1), product(E3, 20, 10)) == {"p": "fail"}
    assert fleet(product(E3, 10, 9), product(E3, 10, 5)) == {"p": "pass"}
    assert fleet(product(E3, 10, 8), product(E3, 10, 4)) == {"p": "pass"}
    assert fleet(product(E3, 10, 9), product(E3, 10, 4)) == {"p": "fail"}
    assert fleet(product(E3, 10, 9, appliesTo="Company"), product(E3, 10, 4)) == {"p": "pass"}
    assert fleet(product(E3, 10, None), product(E3, 10, 4)) == {"p": "not-evaluated"}
    assert fleet(product(E3, 10, 9), product(E3, 10, 4), tenants=["contoso"]) == {"p": "pass"}
    assert fleet(product(E3, 10, 9), product(E3, 10, 4), tenants=["elsewhere"]) == {}


def test_purchases_are_not_evaluated_if_products_were_read_in_part() -> None:
    policy = {"purchases": {"deny": "SPE_E3"}}
    partial = contoso_verdict(policy, tenant(subscribedSkus=[product(E3, 1)], sources={"subscribedSkus": "partial"}))
    assert (len(partial.findings), partial.outcomes["p"]) == (1, "not-evaluated")
    assert contoso_verdict(policy, tenant(sources={"subscribedSkus": "denied"})).findings == {}
    assert outcome(policy, tenant(subscribedSkus=[product(E3, None)])) == "not-evaluated"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (product(F1, None), "not-evaluated"),
        (product(F1, 0), "pass"),
        (product(FREE, None), "pass"),
        (product(E3, None), "not-evaluated"),
    ],
)
def test_budget_is_not_evaluated_with_a_paid_product_of_unknown_seats_or_price(
    row: dict[str, Any], expected: str
) -> None:
    prices = {"currency": "EUR", "perSeatPerMonth": {"SPE_E3": 1}}
    assert outcome({"budget": {"limit": 5}}, tenant(subscribedSkus=[row]), prices=prices) == expected
