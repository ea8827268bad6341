"""Converts the oracle's tenants and catalogues to the program's types, and compares the verdicts of both."""

import json
from datetime import date
from typing import Any

from auditor.app.audit.pipeline import audit
from auditor.catalogue import Catalogue, Product, ServicePlan
from auditor.domain.enums import CORE_SOURCES, Cloud, Source, SourceStatus
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Coverage, FleetResult, Result, TenantResult
from auditor.policy.loader import load
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest, Snapshot
from auditor.snapshot.schema import APP_USAGE_COLUMNS, SERVICE_COLUMNS, app_bits
from tests import oracle
from tests.oracle.strategies import Scenario


def catalogue_of(catalogue: oracle.Catalogue) -> Catalogue:
    products = {
        sku.lower(): Product(
            sku_id=sku.lower(),
            part_number=part,
            name=part,
            plans=tuple(ServicePlan(id=plan.lower(), name=name, friendly_name=name) for plan, name in plans),
            aliases=(),
        )
        for sku, (part, plans) in catalogue.skus.items()
    }
    free = frozenset(name.casefold() for name in catalogue.free)
    return Catalogue(products=products, free=free, source="test", date="2026-11-20")


def snapshot(tenant: dict[str, Any], scenario: Scenario, *, rows: int = 1 << 30) -> Snapshot:
    not_collected = set(tenant.get("notCollected", ()))
    attributes = {f"extensionAttribute{number}" for number in range(1, 16)}
    collected = {*EVERYTHING_ABOUT_USERS, "agent", *attributes} - not_collected - {"onPremisesExtensionAttributes"}
    user_properties = tuple(sorted(collected))
    group_properties = ("assignedLicenses", "hasMembersWithLicenseErrors", "licenseProcessingState")
    sources = []
    for source in (*CORE_SOURCES, Source.DEVICES):
        status = SourceStatus(tenant.get("sources", {}).get(source.value, "complete"))
        properties = user_properties if source is Source.USERS else group_properties if source is Source.GROUPS else ()
        sources.append(Coverage(name=source, status=status, asked=properties))
    lists = tenant.get("lists", [])
    for source, parts in ((Source.DIRECTORY_ROLES, ROLE_LISTS), (Source.CONDITIONAL_ACCESS, ("policies",))):
        parts_read = tuple(part for part in parts if part in lists)
        complete = len(parts_read) == len(parts)
        sources.append(
            Coverage(name=source, status=SourceStatus.COMPLETE if complete else SourceStatus.PARTIAL, asked=parts_read)
        )
    for name, report in (tenant.get("reports") or {}).items():
        status = SourceStatus(tenant.get("sources", {}).get(name, "complete"))
        columns = tuple(column for fact, column in REPORT_COLUMNS[name].items() if fact not in report["missing"])
        sources.append(Coverage(name=Source(name), status=status, asked=columns))
    manifest = Manifest(
        tenant=tenant["name"],
        tenant_id=tenant["tenantId"],
        cloud=Cloud(tenant["cloud"]),
        instant=scenario.as_of,
        sources=tuple(sources),
    )
    users = [
        {name: value for name, value in user.items() if name not in not_collected} | _usage_columns(user)
        for user in tenant["users"]
    ]
    refresh_dates = [
        {"source": name, "period": "D180", "refreshDate": date.fromisoformat(report["refreshDate"])}
        for name, report in (tenant.get("reports") or {}).items()
    ]
    state = {**tenant, "users": users, "reports": refresh_dates}
    return snapshot_of(state, manifest, rows=rows)


REPORT_COLUMNS = {
    "usage": SERVICE_COLUMNS,
    "copilotUsage": {"copilot": "copilotLastActivityDate"},
    "appUsage": {f"{period[1:]}d": column for period, column in APP_USAGE_COLUMNS.items()},
    "mailboxUsage": {"size": "mailboxStorageUsed", "archive": "mailboxHasArchive"},
}
"""The column of each fact, by report and by the oracle's name of the fact."""


def _usage_columns(user: dict[str, Any]) -> dict[str, Any]:
    """The facts of a user's report rows as columns, and the sources that were not collected for the user."""
    columns: dict[str, Any] = {}
    not_collected = list(user.get("unknown", []))
    if "lastActivity" in user:
        for service, day in user["lastActivity"].items():
            columns[SERVICE_COLUMNS[service]] = None if day is None else date.fromisoformat(day)
    else:
        not_collected.append("usage")
    if "copilot" in user:
        columns["copilotLastActivityDate"] = None if user["copilot"] is None else date.fromisoformat(user["copilot"])
    else:
        not_collected.append("copilotUsage")
    for period, used in user.get("apps", {}).items():
        columns[REPORT_COLUMNS["appUsage"][period]] = sum(app_bits([app], on) for app, on in used.items())
    for fact, value in user.get("mailbox", {}).items():
        columns[REPORT_COLUMNS["mailboxUsage"][fact]] = value
    return {**columns, "notCollected": not_collected}


def files(documents: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """The documents as policy files; JSON is valid YAML."""
    return [(f"{index}.yaml", json.dumps(document).encode()) for index, document in enumerate(documents)]


def key(finding: Finding) -> oracle.FindingKey:
    product: Any = None
    if finding.product is not None:
        product = finding.product.sku_id or ("written", finding.product.sku_part_number)
    return oracle.FindingKey(
        finding.policy, finding.check, finding.subject.type.value, finding.subject.id, product, finding.detail
    )


ROLE_LISTS = ("roleAssignments", "roleDefinitions", "roleEligibilityScheduleInstances")
PROGRAM_NOTICES = {"policy.unknown-service", "policy.unknown-role"}
"""Notices that the specification leaves to the program."""


def run(scenario: Scenario, *, rows: int = 1 << 30) -> Result:
    policies = load(files(scenario.documents)).policies
    states = [snapshot(tenant, scenario, rows=rows) for tenant in scenario.tenants]
    return audit(states, policies, catalogue_of(scenario.catalogue), scenario.as_of)


def agreed_verdict(scenario: Scenario, *, rows: int = 1 << 30) -> oracle.Verdict:
    """Return the oracle's verdict, and assert that the engine's is equal; `rows` is the size of a batch of users."""
    verdict = oracle.judge(scenario.documents, scenario.tenants, scenario.as_of, scenario.catalogue)
    result = run(scenario, rows=rows)
    for tenant in result.tenants:
        assert judged(tenant) == expected(verdict.tenants[tenant.name])
        assert len({finding.fingerprint for finding in tenant.findings}) == len(tenant.findings)
    assert judged(result.fleet) == expected(verdict.fleet)
    return verdict


def judged(result: TenantResult | FleetResult) -> dict[str, Any]:
    return {
        "findings": {key(finding): (finding.status.value, finding.waiver) for finding in result.findings},
        "outcomes": {outcome.id: outcome.status.value for outcome in result.policies},
        "judged": {outcome.id: outcome.judged for outcome in result.policies},
        "notices": {(notice.code, notice.subject) for notice in result.notices if notice.code not in PROGRAM_NOTICES},
        "adjust": {
            key(f): (f.evidence["adjust"], "boundsConflict" in f.evidence)
            for f in result.findings
            if "adjust" in f.evidence
        },
    }


def expected(verdict: oracle.TenantVerdict) -> dict[str, Any]:
    return {
        "findings": {finding_key: (judged.status, judged.waiver) for finding_key, judged in verdict.findings.items()},
        "outcomes": dict(verdict.outcomes),
        "judged": dict(verdict.judged),
        "notices": set(verdict.notices),
        "adjust": {
            finding_key: (judged.evidence["adjust"], judged.evidence.get("boundsHold") is False)
            for finding_key, judged in verdict.findings.items()
            if "adjust" in judged.evidence
        },
    }
