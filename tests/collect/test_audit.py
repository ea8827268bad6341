"""Collected and audited in one go: what could not be seen is told by the policies that need it, and by no other."""

from pathlib import Path
from typing import Any

import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.catalogue import active
from auditor.app.tenants.collection import collect_all, needs_of
from auditor.domain.enums import Source
from auditor.domain.result.model import TenantResult
from auditor.domain.tenant import Token
from auditor.policy.loader import load
from auditor.snapshot.reader import read
from tests.builders.tenant.collection import INSTANT, configured, environment
from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator

PEOPLE = "users: {accountEnabled: true}, assignments: {of: paid, allow: ['*']}"
PATHS = "health: {errors: deny}"


def audited(emulator: Emulator, root: Path, *specs: str, name: str = "fabrikam") -> tuple[TenantResult, Any]:
    """Audit a tenant by policies p0, p1, ... over HTTP."""
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


def test_a_group_that_does_not_exist_is_reported_by_its_policy_alone(graph: Emulator, tmp_path: Path) -> None:
    there = "users: {memberOf: [Stores]}, assignments: {of: paid, allow: [SPE_F1]}"
    lost = "users: {memberOf: [Nowhere]}, assignments: {of: paid, allow: [SPE_F1]}"
    found, state = audited(graph, tmp_path, there, lost)
    statuses = {source.name: source.status.value for source in state.manifest.sources}
    assert statuses[Source.GROUPS] == statuses[Source.MEMBERS] == "complete"
    good, bad = found.policies
    assert good.status.value == "pass"
    assert bad.status.value == "not-evaluated"
    assert "Nowhere" in f"{bad.reason}{bad.missing}"


def test_a_user_without_the_list_of_licences_is_unknown_not_unlicensed(tmp_path: Path) -> None:
    tenant = small_tenant()
    position = tenant.people.find("ann@contoso.example")
    assert position is not None
    tenant.people.replace(position, {"assignedLicenses": None, "licenseAssignmentStates": None})
    with running_emulator([tenant]) as emulator:
        held = "users: {department: Finance}, assignments: {require: [SPE_E3]}"
        others = "users: {department: Store}, assignments: {require: [SPE_F1]}"
        found, state = audited(emulator, tmp_path, held, others, PATHS, name="contoso")
    marked = [row for batch in state.batches() for row in batch.users.to_pylist() if row["notCollected"]]
    assert [(row["userPrincipalName"], row["notCollected"]) for row in marked] == [
        ("ann@contoso.example", ["assignedLicenses", "licenseAssignmentStates"])
    ]
    assert [policy.status.value for policy in found.policies] == ["not-evaluated", "pass", "not-evaluated"]
    assert "could not be read" in (found.policies[0].reason or "")
    assert not found.findings


@pytest.mark.parametrize(
    "spec",
    [
        "users: {accountEnabled: false}, assignments: {of: paid, allow: []}",
        "users: {userType: Guest}, assignments: {of: paid, allow: []}",
        "users: {department: Store}, attributes: {require: [usageLocation]}",
    ],
    ids=["blocked", "guests", "stores"],
)
def test_what_the_caller_may_not_see_is_unknown_not_absent(graph: Emulator, tmp_path: Path, spec: str) -> None:
    graph.faults.add("nulls", path="/users", times=None)  # as for User.ReadBasic.All
    found, _ = audited(graph, tmp_path, spec, "users: {displayName: Nobody}, assignments: {of: paid, allow: []}")
    assert [policy.status.value for policy in found.policies] == ["not-evaluated", "not-evaluated"]
    assert not found.findings


def test_identifiers_of_subscriptions_are_one_in_either_letter_case(graph: Emulator, tmp_path: Path) -> None:
    spec = "subscriptions: {expiring: {within: 9999d}}"
    before, _ = audited(graph, tmp_path / "before", spec, name="contoso")
    graph.faults.add("upper-case-ids", times=None)
    after, _ = audited(graph, tmp_path / "after", spec, name="contoso")
    assert [finding.fingerprint for finding in before.findings] == [finding.fingerprint for finding in after.findings]
    assert before.findings


def rows(state: Any) -> dict[str, dict[str, Any]]:
    return {row["displayName"]: row for row in state.table("groups").to_pylist()}


@pytest.mark.slow
def test_groups_that_give_licences_are_named(graph: Emulator, tmp_path: Path) -> None:
    found, state = audited(graph, tmp_path, PATHS, name="contoso")
    assert set(rows(state)) == {"LIC-E3", "LIC-E5", "LIC-F3"}
    assert {row["membersStatus"] for row in rows(state).values()} == {"not-needed"}
    assert not any(row["assignedLicenses"] for row in rows(state).values())
    assert all(source.name is not Source.GROUPS for source in state.manifest.sources)
    assert found.complete
    assert len(graph.journal.of("/directoryObjects/getByIds")) == 1


def test_names_that_are_refused_or_not_granted_are_left_out(graph: Emulator, tmp_path: Path) -> None:
    graph.faults.add("denied", path="/directoryObjects/getByIds", times=None)
    found, state = audited(graph, tmp_path / "refused", PATHS, name="contoso")
    assert found.complete
    assert not rows(state)
    graph.reset()
    roles = ("User.Read.All", "LicenseAssignment.Read.All", "Organization.Read.All")
    policies = load([("p.yaml", f"version: 1\npolicies: [{{id: p, severity: low, {PATHS}}}]".encode())]).policies
    tenant = configured(graph, credential=Token(token_env="T"))
    env = environment(graph, T=graph.bearer("contoso", roles=roles))
    (outcome,) = collect_all(
        [tenant], lambda one: needs_of(policies, one), root=tmp_path / "not", instant=INSTANT, environ=env
    )
    assert outcome.folder is not None
    assert not graph.journal.of("/directoryObjects/getByIds")


def test_names_disturb_neither_membership_nor_the_health_of_groups(graph: Emulator, tmp_path: Path) -> None:
    member = "users: {memberOf: [LIC-E3]}, assignments: {of: paid, allow: [SPE_F1]}"
    found, state = audited(graph, tmp_path, member, PATHS, "health: {groups: deny}", name="contoso")
    kept = rows(state)
    assert kept["LIC-E3"]["membersStatus"] == "complete"
    assert kept["LIC-E5"]["membersStatus"] == "not-needed"
    assert kept["LIC-E5"]["assignedLicenses"]
    assert all(policy.status.value != "not-evaluated" for policy in found.policies)
