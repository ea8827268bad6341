"""A tenant with a thousand idle seats, suspended subscriptions and a wrong product for many people."""

from datetime import UTC, datetime
from typing import Any

from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import remedied
from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.data_needs import EVERYTHING_ABOUT_USERS
from auditor.domain.enums import Agreement, Cloud, Source, SourceStatus
from auditor.domain.policy import PolicySet
from auditor.domain.result import Coverage, Result
from auditor.policy.loader import load
from auditor.remedy.messages import ENGLISH, Words
from auditor.remedy.planner.model import FleetPlan
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest, Snapshot

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
IDS = {
    part: builtin().by_part_number(part)[0].sku_id
    for part in (
        "ENTERPRISEPACK", "SPE_E3", "SPE_E5", "SPE_F1", "PROJECTPROFESSIONAL", "PROJECTPREMIUM", "VISIOCLIENT",
        "Microsoft_365_Copilot", "POWER_BI_PRO",
    )
}  # fmt: skip

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
    """Return a row of subscribedSkus."""
    known = builtin().product(IDS[part])
    assert known is not None
    return {
        "skuId": IDS[part],
        "skuPartNumber": part,
        "appliesTo": "User",
        "capabilityStatus": "Enabled" if enabled else "Warning" if warning else "Suspended",
        "prepaidUnits": {"enabled": enabled, "warning": warning, "suspended": suspended, "lockedOut": 0},
        "consumedUnits": consumed,
        "servicePlans": [{"servicePlanId": plan.id, "servicePlanName": plan.name} for plan in known.plans],
    }


def subscription(part: str, seats: int, day: str, status: str = "Enabled") -> dict[str, Any]:
    """Return a row of subscriptions that renews, or falls into its next state, on a day."""
    return {
        "id": f"{part}-{status}-{day}",
        "skuId": IDS[part],
        "skuPartNumber": part,
        "status": status,
        "totalLicenses": seats,
        "isTrial": False,
        "createdDateTime": "2024-01-01T00:00:00Z",
        "nextLifecycleDateTime": f"{day}T23:59:00Z",
    }


def person(name: str, *parts: str, **facts: Any) -> dict[str, Any]:
    """Return a user who holds products directly."""
    return {
        "id": name,
        "userPrincipalName": f"{name}@contoso.example",
        "displayName": name.title(),
        "accountEnabled": True,
        "userType": "Member",
        "usageLocation": "NL",
        "licenseAssignmentStates": [
            {"skuId": IDS[part], "assignedByGroup": None, "state": "Active", "error": "None", "disabledPlans": []}
            for part in parts
        ],
        "assignedLicenses": [{"skuId": IDS[part], "disabledPlans": []} for part in parts],
    } | facts


def state_of(
    users: list[dict[str, Any]],
    products: list[dict[str, Any]],
    subscriptions: list[dict[str, Any]],
    *,
    name: str = "contoso",
    agreement: Agreement = Agreement.MCA,
) -> Snapshot:
    """Return a snapshot of these rows, of which everything was read."""
    asked = {
        Source.USERS: EVERYTHING_ABOUT_USERS,
        Source.GROUPS: ("assignedLicenses", "displayName", "hasMembersWithLicenseErrors", "id"),
    }
    rows = {
        "users": users,
        "subscribedSkus": products,
        "groups": [],
        "subscriptions": subscriptions,
        "organization": [{"id": "1" * 8, "displayName": name.title()}],
    }
    manifest = Manifest(
        tenant=name,
        tenant_id=f"tenant-{name}",
        cloud=Cloud.WORLDWIDE,
        agreement=agreement,
        instant=AS_OF,
        sources=tuple(
            Coverage(name=source, status=SourceStatus.COMPLETE, asked=asked.get(source, ())) for source in Source
        ),
    )
    return snapshot_of(rows, manifest)


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


def policies(text: str = POLICIES) -> PolicySet:
    """Return the policies of a text."""
    return load([("policies.yaml", f"version: 1\n{text}\n".encode())]).policies


def audited(state: Snapshot, text: str = POLICIES, *, words: Words = ENGLISH) -> Result:
    """Return the result of an audit with its actions."""
    loaded = policies(text)
    return remedied(audit([state], loaded, builtin(), AS_OF), loaded, words=words)


def planned(state: Snapshot, text: str = POLICIES, *, words: Words = ENGLISH) -> FleetPlan:
    """Return the plan."""
    return plan_run([state], policies(text), builtin(), AS_OF, words=words)
