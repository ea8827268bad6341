"""Right-sizing: the cheapest smaller product with every service that is or may be used, and what would be lost."""

from decimal import Decimal
from typing import Any

import pytest

from auditor.catalogue import builtin
from auditor.domain.enums import Source
from auditor.findings.evidence.right_sizing import DESKTOP_APPS, KnownUse, Offer, SmallerProduct, smaller_product
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from auditor.snapshot.schema import REPORT_COLUMNS, SERVICE_COLUMNS
from tests.builders.tenant.tenants import NOW, audited, bought, judged, policy_file, tenant, user

PRICES = {"SPE_E5": "54.75", "SPE_E3": "35.70", "STANDARDPACK": "9.40", "SPE_F1": "7.50", "VISIOCLIENT": "2.00"}
SERVICES = frozenset({"exchange", "onedrive", "sharepoint", "yammer", "teams"})
GB = 2**30


def offer(name: str) -> Offer:
    (product,) = builtin().by_part_number(name)
    plans = {plan.id: plan.name for plan in product.plans}
    return Offer(sku_id=product.sku_id, part_number=name, plans=plans, price=Decimal(PRICES[name]))


OFFERS = [offer(name) for name in PRICES]
E5 = OFFERS[0]


def smaller_than_e5(used: str, unused: str, **facts: Any) -> SmallerProduct | None:
    use = KnownUse(used=frozenset(used.split()), unused=frozenset(unused.split()), **facts)
    return smaller_product(E5, OFFERS, use)


UNUSED_SERVICES = "onedrive sharepoint yammer"


@pytest.mark.parametrize(
    ("used", "unused", "facts", "product"),
    [
        ("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}", {}, "SPE_F1"),
        ("teams exchange", UNUSED_SERVICES, {}, "SPE_E3"),  # the use of the apps is unknown, so they are kept
        (f"teams exchange {DESKTOP_APPS}", UNUSED_SERVICES, {}, "SPE_E3"),
        ("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}", {"mailbox_size": 2 * GB, "archive": False}, "SPE_F1"),
        ("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}", {"mailbox_size": 2 * GB + 1}, "STANDARDPACK"),
        ("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}", {"mailbox_size": 50 * GB + 1}, "SPE_E3"),
        ("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}", {"archive": True}, "SPE_E3"),
        ("teams", f"exchange {UNUSED_SERVICES} {DESKTOP_APPS}", {"mailbox_size": 99 * GB}, "SPE_F1"),
        ("", f"teams exchange {UNUSED_SERVICES} {DESKTOP_APPS}", {}, None),  # nothing is used: no replacement
        ("copilot", f"teams exchange {UNUSED_SERVICES}", {}, None),
        ("", "", {}, None),
    ],
)
def test_smaller_product_is_the_cheapest_that_keeps_what_is_used(
    used: str, unused: str, facts: dict[str, Any], product: str | None
) -> None:
    smaller = smaller_than_e5(used, unused, **facts)
    assert (None if smaller is None else smaller.product.part_number) == product


def test_smaller_product_lists_lost_services_and_unknown_facts() -> None:
    smaller = smaller_than_e5("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}")
    assert smaller is not None
    assert smaller.saves == Decimal("47.25")
    assert smaller.used == ("exchange", "teams")
    assert smaller.unused == (DESKTOP_APPS,)
    assert smaller.unknown == ("mailboxSize", "archive")
    assert {"Entra ID P2", "Defender", "Purview", "Teams Phone", "Power BI"} <= set(smaller.lost)
    assert "Entra ID P1" not in smaller.lost  # the smaller product has it too
    assert smaller.more_plans > 0
    fully_known = smaller_than_e5("teams exchange", f"{UNUSED_SERVICES} {DESKTOP_APPS}", mailbox_size=GB, archive=False)
    assert fully_known is not None
    assert fully_known.unknown == ()


def test_cheapest_product_and_product_without_reports_have_no_smaller_one() -> None:
    use = KnownUse(used=frozenset({"teams"}), unused=frozenset())
    assert smaller_product(OFFERS[3], OFFERS, use) is None
    assert smaller_product(OFFERS[4], OFFERS, use) is None


USERS = "{appsUnused: {on: [windows, mac], for: 180d}}"
BLOCK = "assignments: {services: {deny: [OFFICESUBSCRIPTION]}}"
PRICED = "{SPE_E5: 54.75, SPE_F1: 7.50}"


def one_finding(*, prices: str, **facts: Any) -> Any:
    used = {SERVICE_COLUMNS["teams"]: NOW.date(), SERVICE_COLUMNS["exchange"]: NOW.date(), "appUsageD180": 0}
    state = tenant(
        user("ann", "SPE_E5", **{**used, **facts}),
        reports=dict.fromkeys(REPORT_COLUMNS, NOW.date()),
        subscribedSkus=[bought("SPE_E5", 9, 1), bought("SPE_F1", 9, 0)],
    )
    (finding,) = judged(BLOCK, state, users=USERS, prices=prices).findings
    return finding


def test_finding_of_a_policy_about_usage_has_a_smaller_product() -> None:
    finding = one_finding(prices=PRICED)
    evidence = finding.evidence["smallerProduct"]
    assert (evidence["held"], evidence["product"], evidence["savesPerMonth"]) == ("SPE_E5", "SPE_F1", "47.25")
    text = evidence_text(finding, Labels("en"))
    assert "Microsoft 365 F3 may be enough instead of Microsoft 365 E5 (saving: €47.25 a month)" in text
    assert (
        "used: Exchange, Teams · not used, would be lost: desktop apps · use not evaluated, would be lost: Entra"
        in text
    )
    assert "not known: mailbox size, archive mailbox" in text


@pytest.mark.parametrize(
    ("prices", "facts"),
    [
        ("{SPE_E5: 54.75}", {}),
        ("", {}),
        (PRICED, {"mailboxStorageUsed": 60 * GB}),
        (PRICED, {"notCollected": ["usage"]}),
    ],
)
def test_no_smaller_product_without_prices_or_usage_facts(prices: str, facts: dict[str, Any]) -> None:
    assert "smallerProduct" not in one_finding(prices=prices, **facts).evidence


def test_smaller_product_has_the_prices_of_the_tenant_although_another_has_the_same_products() -> None:
    used: dict[str, Any] = {
        SERVICE_COLUMNS["teams"]: NOW.date(),
        SERVICE_COLUMNS["exchange"]: NOW.date(),
        "appUsageD180": 0,
    }
    states = (
        tenant(
            user("ann", "SPE_E5", **used),
            name=name,
            reports=dict.fromkeys(REPORT_COLUMNS, NOW.date()),
            subscribedSkus=[bought("SPE_E5", 9, 1), bought("SPE_F1", 9, 0)],
        )
        for name in ("contoso", "fabrikam")
    )
    contract = (
        "{id: c, products: [SPE_E5], tenants: [fabrikam], term: P1Y, ends: 2027-03-31, renews: automatically,"
        " perSeatPerMonth: {amount: 20, from: 2026-04-01}}"
    )
    policies = policy_file(BLOCK, users=USERS, prices=PRICED) + f"contracts: [{contract}]\n"
    savings = [
        finding.evidence["smallerProduct"]["savesPerMonth"]
        for result in audited(policies, *states).tenants
        for finding in result.findings
    ]
    assert savings == ["47.25", "12.5"]


def test_usage_is_not_quoted_if_the_policy_does_not_select_by_it() -> None:
    assert Source.USAGE.value not in one_finding(prices=PRICED).evidence
