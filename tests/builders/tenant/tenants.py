"""Builds small tenants in the form of Microsoft Graph, and audits them with one policy."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.enums import CORE_SOURCES, Agreement, Cloud, Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Coverage, Result, TenantResult
from auditor.policy.loader import load
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Manifest, Snapshot
from auditor.snapshot.schema import REPORT_COLUMNS

NOW = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
TENANT_ID = "11111111-2222-3333-4444-555555555555"
GROUPS_ASKED = ("assignedLicenses", "displayName", "hasMembersWithLicenseErrors", "id", "licenseProcessingState")


def guids(count: int, seed: int = 0) -> list[str]:
    letters = Random(seed).randbytes(count * 16).hex()
    parts = (letters[start : start + 32] for start in range(0, count * 32, 32))
    return [f"{part[:8]}-{part[8:12]}-{part[12:16]}-{part[16:20]}-{part[20:]}" for part in parts]


def sku_id(part_number: str) -> str:
    """Return the real id of a product, or an id made of its part number if it is not in the catalogue."""
    products = builtin().by_part_number(part_number)
    return min(product.sku_id for product in products) if products else f"{part_number.encode().hex():0>32.32}"


def bought(part_number: str, enabled: int | None = 10, consumed: int | None = 0, **more: Any) -> dict[str, Any]:
    """Return a row of subscribedSkus; `warning`, `suspended` and `lockedOut` are added to prepaidUnits."""
    units = {name: more.pop(name, 0) for name in ("warning", "suspended", "lockedOut")}
    product = builtin().product(sku_id(part_number))
    plans = [{"servicePlanId": plan.id, "servicePlanName": plan.name} for plan in product.plans] if product else []
    return {
        "skuId": sku_id(part_number),
        "skuPartNumber": part_number,
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "prepaidUnits": {"enabled": enabled, **units},
        "consumedUnits": consumed,
        "servicePlans": plans,
        **more,
    }


def subscription(name: str, part: str = "SPE_E3", ends: float | None = None, **more: Any) -> dict[str, Any]:
    """Return a subscription that ends in a number of days."""
    end = None if ends is None else format_instant(NOW + timedelta(days=ends))
    return {
        "id": name, "skuId": sku_id(part), "skuPartNumber": part, "status": "Enabled", "isTrial": False,
        "totalLicenses": 10, "nextLifecycleDateTime": end, **more,
    }  # fmt: skip


def path(part_number: str, group: str | None = None, **more: Any) -> dict[str, Any]:
    """Return an entry of licenseAssignmentStates; `off` has the ids of disabled plans."""
    return {
        "skuId": sku_id(part_number),
        "assignedByGroup": group,
        "disabledPlans": list(more.pop("off", ())),
        "state": "Active",
        "error": "None",
        **more,
    }


def user(name: str, *held: str, paths: Sequence[Mapping[str, Any]] | None = None, **facts: Any) -> dict[str, Any]:
    """Return a user who holds products, directly unless `paths` is given."""
    return {
        "id": f"id-{name}",
        "userPrincipalName": f"{name}@contoso.example",
        "displayName": name.title(),
        "accountEnabled": True,
        "assignedLicenses": [{"skuId": sku_id(part), "disabledPlans": []} for part in held],
        "licenseAssignmentStates": [path(part) for part in held] if paths is None else list(paths),
        **facts,
    }


def tenant(
    *users: Mapping[str, Any],
    name: str = "contoso",
    tenant_id: str = TENANT_ID,
    unread: Mapping[Source, SourceStatus] | None = None,
    unasked: Sequence[str] = (),
    asked: Sequence[str] = (),
    agreement: Agreement = Agreement.MCA,
    rows: int = 1 << 30,
    reports: Mapping[Source, date] | None = None,
    **state: Any,
) -> Snapshot:
    """Return the snapshot of a tenant.

    `unread` sources have the reason "not allowed", `unasked` properties were not read, and `asked` properties were read
    in addition to the usual ones. `reports` are the usage reports that were read, with their refresh dates.
    """
    statuses, dates = unread or {}, reports or {}
    properties = {
        **{
            source: (
                *(column for column in REPORT_COLUMNS[source] if column not in unasked),
                *(part for part in asked if part.startswith(source)),
            )
            for source in dates
        },
        Source.USERS: tuple(item for item in (*asked, *EVERYTHING_ABOUT_USERS) if item not in unasked),
        Source.GROUPS: GROUPS_ASKED,
    }
    manifest = Manifest(
        tenant=name,
        tenant_id=tenant_id,
        cloud=Cloud.WORLDWIDE,
        agreement=agreement,
        instant=NOW,
        sources=tuple(
            Coverage(
                name=source,
                status=statuses.get(source, SourceStatus.COMPLETE),
                reason=Message("not allowed") if source in statuses else None,
                asked=properties.get(source, ()),
            )
            for source in (*CORE_SOURCES, *dates)
        ),
    )
    refreshed = [{"source": source, "period": "D180", "refreshDate": day} for source, day in dates.items()]
    rest = {"organization": [{"id": tenant_id}], "reports": refreshed, **state}
    return snapshot_of({"users": users, **rest}, manifest, rows=rows)


def person(name: str, *held: str, **facts: Any) -> dict[str, Any]:
    """Return a user for the planner: the id is the name, and a usage location is set."""
    return user(name, *held, **{"id": name, "userType": "Member", "usageLocation": "NL", **facts})


def policy_set(text: str) -> PolicySet:
    """Load a policy file without its first line, `version: 1`."""
    return load([("policies/p.yaml", f"version: 1\n{text}\n".encode())]).policies


def audited(policies: str, *tenants: Snapshot, as_of: datetime = NOW) -> Result:
    """Audit tenants against a policy file without its first line, `version: 1`."""
    return audit(tenants, policy_set(policies), builtin(), as_of)


def judged(block: str, *tenants: Snapshot, as_of: datetime = NOW, **more: str) -> TenantResult:
    """Audit the first tenant against one policy `p` of one block; `more` adds keys of the policy or of the file."""
    return audited(policy_file(block, **more), *tenants, as_of=as_of).tenants[0]


def policy_file(block: str, *, users: str = "", waivers: str = "", prices: str = "") -> str:
    lines = ["policies:", "- id: p", "  severity: high", *([f"  users: {users}"] if users else []), f"  {block}"]
    lines += [f"waivers: {waivers}"] if waivers else []
    lines += ["prices:", "  currency: EUR", f"  perSeatPerMonth: {prices}"] if prices else []
    return "\n".join(lines) + "\n"


def one(result: TenantResult) -> Finding:
    """Return the only finding."""
    assert len(result.findings) == 1, finding_keys(result)
    return result.findings[0]


def finding_keys(result: TenantResult) -> list[tuple[str, str, str | None, str | None]]:
    """Return the findings in their order as (check, subject id without its prefix, product, detail)."""
    return [
        (
            finding.check,
            finding.subject.id.removeprefix("id-"),
            None if finding.product is None else finding.product.sku_part_number,
            finding.detail,
        )
        for finding in result.findings
    ]


def euros(finding: Finding) -> Decimal | None:
    """Return the monthly cost of a finding; every price list of these tests is in euro."""
    if finding.money is None:
        return None
    assert finding.money.currency == "EUR"
    return finding.money.per_month


def outcome(result: TenantResult) -> str:
    """Return the outcome of the only policy."""
    (only,) = result.policies
    return only.status.value
