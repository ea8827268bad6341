"""Tests collection followed by an audit: missing data is reported only by the policies that need it."""

from pathlib import Path
from typing import Any

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.catalogue import active
from auditor.app.tenants.collection import collect_all, needs_of
from auditor.domain.enums import Source
from auditor.domain.result.model import TenantResult
from auditor.domain.settings import Token
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from tests.builders.tenant.collection import INSTANT, configured, environment
from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator

pytestmark = pytest.mark.slow
PATHS = "health: {errors: deny}"


def collect_and_audit(emulator: Emulator, root: Path, *specs: str, name: str = "fabrikam") -> tuple[TenantResult, Any]:
    """Collect a tenant over HTTP and audit it with policies p0, p1, ...; returns the result and the snapshot."""
    rules = ", ".join(f"{{id: p{index}, severity: low, {spec}}}" for index, spec in enumerate(specs))
    policies = load([("p.yaml", f"version: 1\npolicies: [{rules}]".encode())]).policies
    (outcome,) = collect_all(
        [configured(emulator, name)],
        lambda tenant: needs_of(policies, tenant),
        root=root,
        instant=INSTANT,
        environ=environment(emulator),
    )
    assert outcome.folder is not None, outcome.failure
    state = read(outcome.folder)
    return audit([state], policies, active(), INSTANT).tenants[0], state


def test_missing_group_is_reported_only_by_the_policy_that_names_it(graph: Emulator, tmp_path: Path) -> None:
    existing = "users: {memberOf: [Stores]}, assignments: {of: paid, allow: [SPE_F1]}"
    missing = "users: {memberOf: [Nowhere]}, assignments: {of: paid, allow: [SPE_F1]}"
    result, state = collect_and_audit(graph, tmp_path, existing, missing)
    statuses = {source.name: source.status.value for source in state.manifest.sources}
    assert statuses[Source.GROUPS] == statuses[Source.MEMBERS] == "complete"
    existing_policy, missing_policy = result.policies
    assert existing_policy.status.value == "pass"
    assert missing_policy.status.value == "not-evaluated"
    assert "Nowhere" in f"{missing_policy.reason}{missing_policy.missing}"


def test_user_without_license_lists_is_not_evaluated(tmp_path: Path) -> None:
    tenant = small_tenant()
    position = tenant.people.find("ann@contoso.example")
    assert position is not None
    tenant.people.replace(position, {"assignedLicenses": None, "licenseAssignmentStates": None})
    with running_emulator([tenant]) as emulator:
        finance = "users: {department: Finance}, assignments: {require: [SPE_E3]}"
        stores = "users: {department: Store}, assignments: {require: [SPE_F1]}"
        result, state = collect_and_audit(emulator, tmp_path, finance, stores, PATHS, name="contoso")
    not_collected_rows = [row for batch in state.batches() for row in batch.users.to_pylist() if row["notCollected"]]
    assert [(row["userPrincipalName"], row["notCollected"]) for row in not_collected_rows] == [
        ("ann@contoso.example", ["assignedLicenses", "licenseAssignmentStates"])
    ]
    assert [policy.status.value for policy in result.policies] == ["not-evaluated", "pass", "not-evaluated"]
    assert "assignedLicenses was not read for some users (1)" in (result.policies[0].reason or "")
    assert not result.findings


@pytest.mark.parametrize(
    "spec",
    [
        "users: {accountEnabled: false}, assignments: {of: paid, allow: []}",
        "users: {userType: Guest}, assignments: {of: paid, allow: []}",
        "users: {department: Store}, attributes: {require: [usageLocation]}",
    ],
    ids=["blocked", "guests", "stores"],
)
def test_properties_without_permission_are_not_evaluated(graph: Emulator, tmp_path: Path, spec: str) -> None:
    graph.faults.add("nulls", path="/users", times=None)  # as for User.ReadBasic.All
    result, _ = collect_and_audit(
        graph, tmp_path, spec, "users: {displayName: Nobody}, assignments: {of: paid, allow: []}"
    )
    assert [policy.status.value for policy in result.policies] == ["not-evaluated", "not-evaluated"]
    assert not result.findings


def test_fingerprints_ignore_letter_case_of_subscription_ids(graph: Emulator, tmp_path: Path) -> None:
    spec = "subscriptions: {expiring: {within: 9999d}}"
    before, _ = collect_and_audit(graph, tmp_path / "before", spec, name="contoso")
    graph.faults.add("upper-case-ids", times=None)
    after, _ = collect_and_audit(graph, tmp_path / "after", spec, name="contoso")
    assert [finding.fingerprint for finding in before.findings] == [finding.fingerprint for finding in after.findings]
    assert before.findings


def rows(state: Any) -> dict[str, dict[str, Any]]:
    return {row["displayName"]: row for row in state.table("groups").to_pylist()}


def test_names_of_licensing_groups_are_collected(graph: Emulator, tmp_path: Path) -> None:
    result, state = collect_and_audit(graph, tmp_path, PATHS, name="contoso")
    assert set(rows(state)) == {"LIC-E3", "LIC-E5", "LIC-F3"}
    assert {row["membersStatus"] for row in rows(state).values()} == {"not-needed"}
    assert not any(row["assignedLicenses"] for row in rows(state).values())
    assert all(source.name is not Source.GROUPS for source in state.manifest.sources)
    assert result.complete
    assert len(graph.journal.of("/directoryObjects/getByIds")) == 1


def test_group_names_are_omitted_if_denied(graph: Emulator, tmp_path: Path) -> None:
    graph.faults.add("denied", path="/directoryObjects/getByIds", times=None)
    result, state = collect_and_audit(graph, tmp_path / "refused", PATHS, name="contoso")
    assert result.complete
    assert not rows(state)
    graph.reset()
    roles = ("User.Read.All", "LicenseAssignment.Read.All", "Organization.Read.All")
    policies = load([("p.yaml", f"version: 1\npolicies: [{{id: p, severity: low, {PATHS}}}]".encode())]).policies
    tenant = configured(graph, credential=Token(token_env="T"))
    env = environment(graph, T=graph.bearer("contoso", roles=roles))
    (outcome,) = collect_all(
        [tenant], lambda target: needs_of(policies, target), root=tmp_path / "not", instant=INSTANT, environ=env
    )
    assert outcome.folder is not None
    assert not graph.journal.of("/directoryObjects/getByIds")


def test_group_names_do_not_affect_membership_or_group_health(graph: Emulator, tmp_path: Path) -> None:
    member = "users: {memberOf: [LIC-E3]}, assignments: {of: paid, allow: [SPE_F1]}"
    result, state = collect_and_audit(graph, tmp_path, member, PATHS, "health: {groups: deny}", name="contoso")
    groups = rows(state)
    assert groups["LIC-E3"]["membersStatus"] == "complete"
    assert groups["LIC-E5"]["membersStatus"] == "not-needed"
    assert groups["LIC-E5"]["assignedLicenses"]
    assert all(policy.status.value != "not-evaluated" for policy in result.policies)
