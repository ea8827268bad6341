"""Selectors `hasRole` and `coveredBy`: members, unknown memberships and their reasons, and evidence."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.app.policy_tests.fixtures import fixture_snapshot
from auditor.catalogue.store import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import TenantResult
from auditor.policy.loader import load
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import redacted
from auditor.snapshot.model import Snapshot
from tests.builders.result.actions import with_actions

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GLOBAL_ADMIN = "62e90394-69f5-4237-9190-012177145e10"
DOCUMENT: dict[str, Any] = {
    "products": [{"skuPartNumber": "SPE_E5", "enabled": 10}],
    "users": [
        {"userPrincipalName": "admin", "roles": ["Global Administrator"]},
        {"userPrincipalName": "billing", "roles": ["Billing Administrator"], "eligibleRoles": ["User Administrator"]},
        {"userPrincipalName": "custom", "roles": ["Straße desk"]},
        {"userPrincipalName": "guest#EXT#", "userType": "Guest", "memberOf": ["Partners"]},
        {"userPrincipalName": "inside", "userType": "guest"},
        {"userPrincipalName": "plain"},
    ],
}
ALL = "admin billing custom guest#EXT# inside plain"
PARTLY_READ = "Directory roles: only partly read (refused)"
MEMBERS = "admin billing custom plain"


def snapshot_with(*access: dict[str, Any]) -> Snapshot:
    users = [{**user, "licenses": ["SPE_E5"]} for user in DOCUMENT["users"]]
    tenant = {**DOCUMENT, "users": users, "conditionalAccess": list(access)}
    return fixture_snapshot("contoso", tenant, builtin(), NOW)


def policies_of(selector: str) -> PolicySet:
    text = f"version: 1\npolicies: [{{id: p, severity: low, users: {selector}, assignments: {{deny: '*'}}}}]\n"
    return load([("p.yaml", text.encode())]).policies


def judged(selector: str, snapshot: Snapshot) -> TenantResult:
    return audit([snapshot], policies_of(selector), builtin(), NOW).tenants[0]


def finding_subjects(result: TenantResult) -> str:
    return " ".join(sorted(finding.subject.id for finding in result.findings))


def partly_read(snapshot: Snapshot, source: Source, *asked: str) -> Snapshot:
    """The snapshot with a source of which only these lists were read completely."""
    sources = tuple(
        replace(item, status=SourceStatus.PARTIAL, asked=asked, reason=Message("refused")) if item.name is source else item
        for item in snapshot.manifest.sources
    )  # fmt: skip
    return replace(snapshot, manifest=replace(snapshot.manifest, sources=sources))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("'*'", "admin billing custom"),
        ("Global administrator", "admin"),
        (GLOBAL_ADMIN.upper(), "admin"),
        ("[Billing Administrator, STRASSE DESK]", "billing custom"),
        ("[Reports Reader, '*']", "admin billing custom"),
        ("Reports Reader", ""),
        ("{privileged: true}", "admin"),
        ("{privileged: true, roles: [Billing Administrator]}", ""),
        ("{privileged: true, assigned: eligible}", "billing"),
        ("{privileged: true, assigned: any}", "admin billing"),
        ("{assigned: eligible}", "billing"),
        ("{roles: Global Administrator, assigned: eligible}", ""),
    ],
)
def test_has_role(selector: str, expected: str) -> None:
    result = judged(f"{{hasRole: {selector}}}", snapshot_with())
    assert finding_subjects(result) == expected
    assert result.policies[0].status == ("fail" if expected else "pass")


@pytest.mark.parametrize(
    ("selector", "read", "expected", "reason"),
    [
        ("Global Administrator", ("roleAssignments",), "admin", PARTLY_READ),
        ("{privileged: true}", ("roleAssignments",), "admin", None),
        (GLOBAL_ADMIN, ("roleAssignments",), "admin", None),
        ("{assigned: any}", ("roleAssignments", "roleDefinitions"), "admin billing custom", PARTLY_READ),
        ("Global Administrator", ("roleDefinitions",), "admin", PARTLY_READ),
        ("Reports Reader", ("roleAssignments", "roleEligibilityScheduleInstances"), "", PARTLY_READ),
    ],
)
def test_roles_that_were_partly_read(selector: str, read: tuple[str, ...], expected: str, reason: str | None) -> None:
    snapshot = partly_read(snapshot_with(), Source.DIRECTORY_ROLES, *read)
    if "roleDefinitions" not in read:
        snapshot = replace(snapshot, tables={k: v for k, v in snapshot.tables.items() if k != "role_definitions"})
    result = judged(f"{{hasRole: {selector}}}", snapshot)
    assert finding_subjects(result) == expected
    assert str(result.policies[0].reason) == str(reason)


def test_unknown_role_raises_a_notice() -> None:
    notices = [
        (notice.code, notice.subject) for notice in judged("{hasRole: [Globl Admin, '*']}", snapshot_with()).notices
    ]
    assert notices == [("policy.unknown-role", "Globl Admin")]
    assert not judged("{hasRole: [Straße Desk, Reports Reader]}", snapshot_with()).notices
    result = judged("{hasRole: Reports Reader}", snapshot_with())
    assert "no user has the role 'Reports Reader'" in str(result.notices[0].message)


@pytest.mark.parametrize(
    ("selector", "reason"),
    [
        (
            "{roles: Billing Administrator, privileged: true}",
            "the role 'Billing Administrator' is not in Microsoft's list of privileged roles",
        ),
        (
            "{roles: Straße desk, privileged: true}",
            "the role 'Straße desk' is not in Microsoft's list of privileged roles",
        ),
        (
            "{roles: Billing Administrator, privileged: true, assigned: eligible}",
            "the role 'Billing Administrator' is not in Microsoft's list of privileged roles",
        ),
        (
            "{roles: Global Administrator, assigned: eligible}",
            "no user is eligible for the role 'Global Administrator'",
        ),
    ],
)
def test_notice_about_a_role_that_somebody_has_otherwise(selector: str, reason: str) -> None:
    result = judged(f"{{hasRole: {selector}}}", snapshot_with())
    assert [str(notice.message) for notice in result.notices] == [f"the policy p matches nobody: {reason}"]


@pytest.mark.parametrize(("privileged", "kind"), [("true", "a privileged role"), ("false", "a directory role")])
def test_notice_that_nobody_is_eligible_for_a_role(privileged: str, kind: str) -> None:
    users = [{"userPrincipalName": "admin", "roles": ["Global Administrator"], "licenses": ["SPE_E5"]}]
    snapshot = fixture_snapshot("contoso", {**DOCUMENT, "users": users}, builtin(), NOW)
    result = judged(f"{{hasRole: {{privileged: {privileged}, assigned: eligible}}}}", snapshot)
    assert [str(notice.message) for notice in result.notices] == [
        f"the policy p matches nobody: no user is eligible for {kind}"
    ]


COVERAGE_CASES = (
    ({"include": ["All"]}, ALL),
    ({"include": ["All"], "exclude": ["group:Partners", "role:Global Administrator"]}, "billing custom inside plain"),
    ({"include": ["All"], "exclude": ["GuestsOrExternalUsers"]}, MEMBERS),
    ({"include": ["plain", "group:Partners"]}, "guest#EXT# plain"),
    ({"include": ["role:Straße desk"]}, "custom"),
    ({"include": ["role:User Administrator"]}, ""),
    ({"include": ["None"]}, ""),
    ({"include": ["guests:internalGuest"]}, "inside"),
    ({"include": ["guests:b2bCollaborationGuest"]}, "guest#EXT#"),
    ({"include": ["group:Nobody knows it"]}, ""),
    ({"include": ["All"], "state": "disabled"}, ""),
    ({"include": ["All"], "state": "enabledForReportingButNotEnforced"}, ""),
    ({"include": ["plain"], "exclude": ["plain"]}, ""),
)


@pytest.mark.parametrize(("policy", "expected"), COVERAGE_CASES)
def test_covered_by_conditional_access(policy: dict[str, Any], expected: str) -> None:
    result = judged("{coveredBy: conditionalAccess}", snapshot_with(policy))
    assert finding_subjects(result) == expected
    assert result.policies[0].reason is None
    assert finding_subjects(judged("{coveredBy: {conditionalAccess: risk}}", snapshot_with(policy))) == ""
    risky = judged("{coveredBy: {conditionalAccess: risk}}", snapshot_with({**policy, "risk": True}))
    assert finding_subjects(risky) == expected


@pytest.mark.parametrize(
    ("policies", "expected", "unknown"),
    [
        # A kind of guest that Graph does not distinguish is unknown for guests, unless another kind decides.
        ([{"include": ["guests:serviceProvider"]}], "", "guest#EXT# inside"),
        ([{"include": ["guests:serviceProvider", "guests:internalGuest"]}], "inside", "guest#EXT#"),
        ([{"include": ["All"], "exclude": ["guests:otherExternalUser"]}], MEMBERS, "guest#EXT# inside"),
        # Another policy covers them.
        ([{"include": ["guests:serviceProvider"]}, {"include": ["GuestsOrExternalUsers"]}], "guest#EXT# inside", ""),
    ],
)
def test_kinds_of_guests_that_graph_does_not_distinguish_are_unknown(
    policies: list[dict[str, Any]], expected: str, unknown: str
) -> None:
    snapshot = snapshot_with(*policies)
    result = judged("{coveredBy: conditionalAccess}", snapshot)
    assert finding_subjects(result) == expected
    assert (result.policies[0].reason is not None) is bool(unknown)
    certain = finding_subjects(judged("{not: {coveredBy: conditionalAccess}}", snapshot)).split()
    assert sorted({*ALL.split()} - {*certain} - {*expected.split()}) == unknown.split()
    if unknown:
        assert "does not distinguish" in str(result.policies[0].reason)


def test_partly_read_policies_still_cover_users() -> None:
    snapshot = partly_read(snapshot_with({"include": ["plain"]}), Source.CONDITIONAL_ACCESS)
    result = judged("{coveredBy: conditionalAccess}", snapshot)
    assert (finding_subjects(result), result.policies[0].status) == ("plain", "not-evaluated")
    for_everybody = partly_read(snapshot_with({"include": ["All"]}), Source.CONDITIONAL_ACCESS)
    assert judged("{coveredBy: conditionalAccess}", for_everybody).policies[0].status == "fail"


def test_policy_that_names_roles_is_unknown_if_roles_are_unknown() -> None:
    snapshot = partly_read(snapshot_with({"include": ["role:Global Administrator"]}), Source.DIRECTORY_ROLES)
    result = judged("{coveredBy: conditionalAccess}", snapshot)
    assert (finding_subjects(result), result.policies[0].missing) == ("admin", ("directoryRoles",))


@pytest.mark.slow
def test_finding_quotes_roles_and_policies_and_its_action_keeps_the_licence() -> None:
    selector = "{hasRole: {assigned: any}, coveredBy: conditionalAccess}"
    snapshot = snapshot_with({"displayName": "MFA", "state": "enabled", "include": ["All"]})
    policies = policies_of(selector)
    result = audit([snapshot], policies, builtin(), NOW)
    (tenant,) = with_actions(result, policies).tenants
    findings = {finding.subject.id: finding for finding in tenant.findings}
    billing = findings["billing"]
    assert billing.evidence["directoryRoles"] == [
        {"displayName": "Billing Administrator", "assigned": "active"},
        {"displayName": "User Administrator", "assigned": "eligible", "privileged": True},
    ]
    assert billing.evidence["conditionalAccess"] == [{"displayName": "MFA"}]
    assert evidence_text(billing, Labels("en")).startswith(
        "directory roles: Billing Administrator · directory roles that can be activated: User Administrator · "
        "covered by Conditional Access policies: MFA"
    )
    (action,) = tenant.actions
    assert (action.kind, action.guidance, action.requests, action.money) == (
        "separate-account",
        "separate-accounts",
        (),
        None,
    )
    assert action.count == len(findings) == 3
    (planned,) = plan_run([snapshot], policies, builtin(), NOW).tenants
    assert all(not planned_action.requests for planned_action in planned.actions)
    assert {item.code for item in planned.proof.remaining} == {"person"}


def test_role_assigned_by_a_group_names_the_group_and_redaction_hides_people() -> None:
    group = "Anna Berg's admins"
    user = {"userPrincipalName": "anna", "displayName": "Anna Berg", "id": "anna", "memberOf": [group]}
    tenant = {**DOCUMENT, "users": [{**user, "licenses": ["SPE_E5"], "roles": ["Global Administrator"]}]}
    snapshot = fixture_snapshot("contoso", tenant, builtin(), NOW)
    table = snapshot.table("role_assignments")
    (row,), (group_row,) = table.to_pylist(), snapshot.table("groups").to_pylist()
    by_group = pa.Table.from_pylist([{**row, "principalId": group_row["id"]}], table.schema)
    snapshot = replace(snapshot, tables={**snapshot.tables, "role_assignments": by_group})
    result = audit([snapshot], policies_of("{hasRole: '*'}"), builtin(), NOW)
    (finding,) = result.tenants[0].findings
    assert finding.evidence["directoryRoles"][0]["groupName"] == "Anna Berg's admins"
    assert "(group Anna Berg's admins)" in evidence_text(finding, Labels("en"))
    (redacted_finding,) = redacted(result, RedactionKey(secret=b"0123456789abcdef", stable=True)).tenants[0].findings
    assert "Anna Berg" not in str(redacted_finding)
    assert "Global Administrator" in str(redacted_finding.evidence)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("users", "block", "amount"),
    [
        ("{hasRole: {privileged: true}}", "{deny: '*'}", 0),
        ("{accountEnabled: true, hasRole: Global Administrator}", "{of: ['*'], allow: [VISIOCLIENT]}", 0),
        ("{any: [{hasRole: Global Administrator}, {hasRole: Reports Reader}]}", "{deny: '*'}", 0),
        ("{any: [{hasRole: Global Administrator}, {userPrincipalName: admin}]}", "{deny: '*'}", 50),
        ("{userPrincipalName: admin}", "{deny: '*'}", 50),
        ("{hasRole: Global Administrator}", "{deny: [SPE_E5], require: [SPE_E3]}", 50),
    ],
)
def test_no_money_is_saved_if_the_role_moves_to_another_account(users: str, block: str, amount: int) -> None:
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E5: 50}}"
    text = f"version: 1\npolicies: [{{id: p, severity: low, users: {users}, assignments: {block}}}]\n{prices}\n"
    policies = load([("p.yaml", text.encode())]).policies
    tenant = audit([snapshot_with()], policies, builtin(), NOW).tenants[0]
    (finding,) = [item for item in tenant.findings if item.check != "assignment.missing"]
    assert finding.money is not None
    assert finding.money.per_month == amount
    assert tenant.findings.stats.money == ({"EUR": amount} if amount else {})
    assert not tenant.findings.stats.unpriced, "nothing is saved, but no price is missing"
    (plan,) = plan_run([snapshot_with()], policies, builtin(), NOW).tenants
    assert plan.before.money[0].exposure == amount
