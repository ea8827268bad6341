"""A tenant with a thousand idle seats, suspended subscriptions and a wrong product for many people."""

from typing import Any

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.enums import Contents
from auditor.domain.result.model import Result
from auditor.domain.translation import Localizer
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import FleetPlan
from auditor.snapshot.model import Snapshot
from tests.builders.result.actions import with_actions
from tests.builders.tenant.tenants import NOW, bought, person, policy_set, sku_id, tenant

POLICIES = """
products: {office: [ENTERPRISEPACK, SPE_E3]}
policies:
  - id: idle-e3
    severity: medium
    seats: {of: [ENTERPRISEPACK], spare: {max: 0}}
  - id: enough
    severity: critical
    seats: {of: [PROJECTPREMIUM, SPE_F1, VISIOCLIENT], spare: {min: 0}}
  - id: some-spare
    severity: low
    seats: {of: [SPE_F1], spare: {min: 2}}
  - id: state
    severity: high
    subscriptions: {of: [PROJECTPREMIUM, VISIOCLIENT], states: {deny: [Suspended, Warning]}}
  - id: frontline
    severity: medium
    users: {department: Store}
    assignments: {of: paid, allow: [SPE_F1], require: [SPE_F1]}
prices:
  currency: EUR
  perSeatPerMonth: {ENTERPRISEPACK: 23, SPE_E3: 35.70, SPE_F1: 7.50, POWER_BI_PRO: 13.10, PROJECTPROFESSIONAL: 28.10,
    PROJECTPREMIUM: 51, VISIOCLIENT: 14, Microsoft_365_Copilot: 28.10}
"""


def product(part: str, enabled: int, consumed: int, *, warning: int = 0, suspended: int = 0) -> dict[str, Any]:
    """Return a row of subscribedSkus with the state that follows from its units."""
    state = "Enabled" if enabled else "Warning" if warning else "Suspended"
    return bought(part, enabled, consumed, warning=warning, suspended=suspended, capabilityStatus=state)


def subscription(part: str, seats: int, day: str, status: str = "Enabled") -> dict[str, Any]:
    """Return a row of subscriptions that renews, or changes to its next state, on a day."""
    return {
        "id": f"{part}-{status}-{day}",
        "skuId": sku_id(part),
        "skuPartNumber": part,
        "status": status,
        "totalLicenses": seats,
        "isTrial": False,
        "createdDateTime": "2024-01-01T00:00:00Z",
        "nextLifecycleDateTime": f"{day}T23:59:00Z",
    }


def state_of(
    users: list[dict[str, Any]], products: list[dict[str, Any]], subscriptions: list[dict[str, Any]], **more: Any
) -> Snapshot:
    """Return a snapshot of these rows, with all sources complete."""
    organization = [{"id": "1" * 8, "displayName": "Contoso"}]
    return tenant(
        *users, tenant_id="tenant-contoso", organization=organization, subscribedSkus=products,
        subscriptions=subscriptions, **more,
    )  # fmt: skip


def crowded() -> Snapshot:
    """Return the tenant of this module."""
    office = [person(f"office{number}", "ENTERPRISEPACK") for number in range(13)]
    store = [person(f"store{number}", "SPE_E3", department="Store") for number in range(15)]
    store += [person(f"planner{number}", "PROJECTPROFESSIONAL", department="Store") for number in range(3)]
    store += [person(f"drawer{number}", "VISIOCLIENT", department="Store") for number in range(2)]
    store += [person("copilot", "Microsoft_365_Copilot", department="Store")]
    store += [person(f"analyst{number}", "POWER_BI_PRO", department="Store") for number in range(4)]
    front = [person(f"front{number}", "SPE_F1", department="Store") for number in range(5)]
    projects = [person(f"project{number}", "PROJECTPREMIUM") for number in range(1)]
    return state_of(
        [*office, *store, *front, *projects],
        [
            product("ENTERPRISEPACK", 1_100, 13),
            product("SPE_E3", 20, 15),
            product("SPE_F1", 5, 5),
            product("PROJECTPROFESSIONAL", 5, 3),
            product("PROJECTPREMIUM", 0, 1, suspended=25),
            product("VISIOCLIENT", 0, 2, warning=2),
            product("Microsoft_365_Copilot", 4, 1),
            product("POWER_BI_PRO", 9, 4),
        ],
        [
            subscription("ENTERPRISEPACK", 1_100, "2026-12-04"),
            subscription("SPE_E3", 20, "2027-06-01"),
            subscription("SPE_F1", 5, "2027-06-01"),
            subscription("PROJECTPREMIUM", 25, "2026-11-29", "Suspended"),
            subscription("VISIOCLIENT", 2, "2026-12-10", "Warning"),
        ],
    )


def audited(state: Snapshot, text: str = POLICIES, *, l10n: Localizer = ENGLISH) -> Result:
    """Return the result of an audit with its actions, which are created again for another language."""
    result = audit([state], policy_set(text), builtin(), NOW, contents=Contents.ACTIONS)
    return result if l10n is ENGLISH else with_actions(result, policy_set(text), l10n=l10n)


def planned(state: Snapshot, text: str = POLICIES, *, l10n: Localizer = ENGLISH) -> FleetPlan:
    return plan_run([state], policy_set(text), builtin(), NOW, l10n=l10n)
