"""Builders for hand-written cases: small tenants, and runs of one policy on which oracle and engine must agree."""

from datetime import UTC, datetime
from typing import Any

from auditor.policy.yaml.reader import parse
from tests.oracle import Catalogue, TenantVerdict, Verdict
from tests.oracle.adapter import agreed_verdict
from tests.oracle.strategies import Scenario

NOW = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)


def guid(number: int) -> str:
    return f"{number:08x}-abcd-4bcd-8ef0-{number:012x}"


E3, E5, F1, FREE, VISIO, PLAN_ADDON = (guid(number) for number in range(1, 7))
STRAY = guid(0xEE)
EXCHANGE, TEAMS, OFFICE = (guid(0x100 + number) for number in range(3))
FILLER = "113feb6c-3fe4-4440-bddc-54d774bf0318"
PLAN_NAMES = {
    EXCHANGE: "EXCHANGE_S_ENTERPRISE",
    TEAMS: "TEAMS1",
    OFFICE: "OFFICESUBSCRIPTION",
    FILLER: "EXCHANGE_S_FOUNDATION",
}
PARTS = {E3: "SPE_E3", E5: "SPE_E5", F1: "SPE_F1", FREE: "FLOW_FREE", VISIO: "VISIOCLIENT", PLAN_ADDON: "STRAßE_ADDON"}
PLANS = {
    E3: [EXCHANGE, TEAMS], E5: [EXCHANGE, TEAMS, OFFICE], F1: [TEAMS], FREE: [FILLER],
    VISIO: [OFFICE, FILLER], PLAN_ADDON: [EXCHANGE, TEAMS],
}  # fmt: skip
CATALOGUE = Catalogue(
    skus={sku: (PARTS[sku], [(plan, PLAN_NAMES[plan]) for plan in PLANS[sku]]) for sku in (E3, E5, F1, FREE, VISIO)},
    free=frozenset({"FLOW_FREE"}),
)


def product(sku: str, enabled: int | None = 10, consumed: int | None = 0, **more: Any) -> dict[str, Any]:
    units = {"enabled": enabled, **more.pop("units", {})}
    plans = [{"servicePlanId": plan, "servicePlanName": PLAN_NAMES[plan]} for plan in PLANS[sku]]
    return {"skuId": sku.upper(), "skuPartNumber": PARTS[sku], "consumedUnits": consumed, "prepaidUnits": units,
            "servicePlans": plans, "subscriptionIds": [], **more}  # fmt: skip


def user(name: str = "ann", held: tuple[str, ...] = (), **facts: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": name,
        "userPrincipalName": f"{name}@contoso.example",
        "accountEnabled": True,
        "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in held],
        "licenseAssignmentStates": [path(sku) for sku in held],
    }
    return row | facts


def path(
    sku: str, group: str | None = None, *, state: str = "Active", off: tuple[str, ...] = (), error: str | None = None
) -> dict[str, Any]:
    return {"skuId": sku, "assignedByGroup": group, "state": state, "disabledPlans": list(off), "error": error}


def tenant(*users: dict[str, Any], name: str = "contoso", **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "tenantId": f"id-of-{name}",
        "cloud": "worldwide",
        "users": list(users),
        "subscribedSkus": [product(sku) for sku in PARTS],
        "subscriptions": [],
        "groups": [],
    }
    return row | more


def run(
    policy: dict[str, Any],
    *tenants: dict[str, Any],
    as_of: datetime = NOW,
    catalogue: Catalogue = CATALOGUE,
    **document: Any,
) -> Verdict:
    """Judge one policy (id `p`), and assert that the engine agrees; `document` adds other top-level keys."""
    waivers = [{"reason": "r", "owner": "o", **waiver} for waiver in document.pop("waivers", ())]
    documents = [
        {"version": 1, "policies": [{"id": "p", "severity": "high", **policy}], "waivers": waivers, **document}
    ]
    return agreed_verdict(Scenario(documents=documents, tenants=list(tenants), as_of=as_of, catalogue=catalogue))


def contoso_verdict(policy: dict[str, Any], *tenants: dict[str, Any], **more: Any) -> TenantVerdict:
    return run(policy, *tenants, **more).tenants["contoso"]


def outcome(policy: dict[str, Any], *tenants: dict[str, Any], **more: Any) -> str:
    return contoso_verdict(policy, *tenants, **more).outcomes["p"]


def finding_keys(verdict: TenantVerdict) -> set[tuple[Any, ...]]:
    """Findings as (check, subject id, product, detail)."""
    return {(key.check, key.subject_id, key.product, key.detail) for key in verdict.findings}


def members(selector: str, *users: dict[str, Any], **more: Any) -> str:
    """Return the ids of the users who certainly match a selector, followed by `?` if it is unknown for others.

    The policy requires a product of them that nobody holds.
    """
    document: Any = parse(f"users: {selector}", file="p.yaml").value
    policy = {"users": document["users"], "assignments": {"require": ["VISIOCLIENT"]}}
    verdict = contoso_verdict(policy, tenant(*users, **more))
    inside = sorted(key.subject_id for key in verdict.findings)
    unknown = verdict.outcomes["p"] == "not-evaluated"
    assert unknown or verdict.outcomes["p"] == ("fail" if inside else "pass")
    return " ".join([*inside, *(["?"] if unknown else [])])
