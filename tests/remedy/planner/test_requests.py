"""A plan's requests, sent to the Graph emulator, lead to the open findings that the proof predicts."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots as demo_snapshots
from auditor.domain.enums import Status
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result
from auditor.policy.loader import load
from auditor.remedy.planner.model import FleetPlan
from tests.builders.service.plan_execution import PlanExecution
from tests.builders.tenant.emulated_tenant import document, group, user
from tests.builders.tenant.plan_tenants import E3, E5, F3, PRICES, VISIO, grant
from tests.builders.tenant.planned_state import collected
from tests.builders.tenant.served import served
from tests.builders.tenant.tenants import NOW, policy_set
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load as load_tenant
from tests.emulator.tenant.directory import stable_id

WRITE = ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "GroupMember.ReadWrite.All"]
TEXT = """policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: store, severity: high, users: {department: Store, accountEnabled: true}, assignments: {of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}
  - {id: one, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}
  - {id: twice, severity: low, assignments: {duplicates: deny}}
  - {id: errors, severity: high, health: {errors: deny, groups: deny}}
  - {id: teams, severity: low, users: {department: Office}, assignments: {services: {deny: [TEAMS1]}}}
"""


def tenant() -> dict[str, Any]:
    lic_f3 = stable_id("plan", "LIC-F3")
    people = [
        user("leaver", grant(F3), grant(VISIO), accountEnabled=False),
        user("mover", grant(E3), department="Store"),
        user("waiting", grant(F3, lic_f3, error="CountViolation"), department="Store"),
        user("double", grant(F3, lic_f3), grant(F3), department="Store"),
        user("both", grant(E3), grant(E5), department="Office"),
        user("quiet", grant(E3), department="Sales"),
    ]
    return document(people, group("LIC-F3", F3, members=("waiting", "double")), SPE_F1=3, VISIOCLIENT=2)


def send(emulator: Emulator, plan: FleetPlan) -> int:
    token = emulator.bearer("contoso", roles=WRITE)
    count = 0
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        for action in plan.tenants[0].actions:
            for request in action.requests:
                response = client.request(
                    request["method"], f"{emulator.endpoint}{request['path']}", json=request["body"]
                )
                assert response.is_success, (action.title, response.text)
                count += 1
    return count


def open_fingerprints(result: Result) -> set[str]:
    return {f.fingerprint for tenant in result.tenants for f in tenant.findings if f.status is Status.OPEN}


def execute_and_prove(emulator: Emulator, rules: PolicySet, folder: Path) -> FleetPlan:
    before = collected(emulator, folder / "before")
    plan = plan_run([before], rules, builtin(), NOW)
    assert plan.proven
    assert send(emulator, plan) > 0
    after = audit([collected(emulator, folder / "after")], rules, builtin(), NOW)
    proof = plan.tenants[0].proof
    assert open_fingerprints(after) == {item.fingerprint for item in proof.remaining}
    assert not open_fingerprints(after) & set(proof.fixed)
    return plan


@pytest.mark.slow
def test_requests_lead_to_the_findings_of_the_proof(tmp_path: Path) -> None:
    with running_emulator([load_tenant(tenant())]) as emulator:
        plan = execute_and_prove(emulator, policy_set(TEXT + PRICES), tmp_path).tenants[0]
        seats = {row["skuPartNumber"]: row["consumedUnits"] for row in emulator.tenants["contoso"].skus}
    assert plan.proof.remaining == ()
    # The seats of the leaver and of the duplicate went to the users who needed one; nothing was bought.
    assert seats == {"SPE_E3": 1, "SPE_E5": 1, "SPE_F1": 3, "VISIOCLIENT": 0}


@pytest.mark.slow
def test_requests_for_the_built_in_tenant_lead_to_the_findings_of_the_proof(tmp_path: Path) -> None:
    rules = load(demo_policies(NOW)).policies
    state = demo_snapshots(NOW)[0]
    with running_emulator([load_tenant(served(state))]) as emulator:
        plan = execute_and_prove(emulator, rules, tmp_path).tenants[0]
    assert len(plan.proof.fixed) > 20
    assert {finding.check for finding in plan.findings if finding.fingerprint in plan.proof.fixed} >= {
        "assignment.not-allowed", "assignment.path", "assignment.overlap", "assignment.redundant",
        "assignment.duplicate", "service.missing", "service.denied", "seats.over-assigned",
    }  # fmt: skip


@pytest.mark.slow
def test_request_for_a_group_leads_to_the_findings_of_the_proof(tmp_path: Path) -> None:
    lic_e5 = stable_id("plan", "LIC-E5")
    people = [user(name, grant(E5, lic_e5), department="Store") for name in ("ann", "bo", "cem")]
    state = document(people, group("LIC-E5", E5, members=("ann", "bo", "cem")), SPE_E5=3, SPE_F1=3)
    with running_emulator([load_tenant(state)]) as emulator:
        plan = execute_and_prove(emulator, policy_set(TEXT), tmp_path).tenants[0]
    assert [request["path"] for a in plan.actions for request in a.requests] == [f"/groups/{lic_e5}/assignLicense"]
    assert plan.proof.remaining == ()


@pytest.mark.slow
def test_refused_removal_of_a_product_that_another_requires_is_reported(tmp_path: Path) -> None:
    """Only Graph knows the dependencies between services; it applies a request completely or not at all."""
    people = [user(name, grant(E3), *more, department="Store") for name, more in DEPENDENT.items()]
    with running_emulator([load_tenant(tenant() | {"users": people, "groups": []})]) as emulator:
        tenant_plan = plan_run([collected(emulator, tmp_path)], policy_set(TEXT), builtin(), NOW).tenants[0]
        assert tenant_plan.changes is not None
        visio = emulator.tenants["contoso"].sku(VISIO)
        assert visio is not None
        visio["@emulator.requires"] = [E3]
        token = emulator.bearer("contoso", roles=WRITE)
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
            steps = [step for action in tenant_plan.actions for step in tenant_plan.changes.steps.get(action.id, ())]
            outcomes = PlanExecution(client, emulator.endpoint).carry_out(steps)
        held = holdings(emulator, token)
    assert sorted(outcome.partition(" because ")[0] for outcome in outcomes) == ["License assignment failed", "done"]
    assert held == {"draws": {E3, VISIO}, "plain": {F3}}


DEPENDENT: dict[str, tuple[dict[str, Any], ...]] = {"draws": (grant(VISIO),), "plain": ()}
CONTRADICTING = """policies:
  - {id: no-e3, severity: high, users: {department: Torn}, assignments: {deny: [SPE_E3]}}
  - {id: e3, severity: high, users: {department: Torn}, assignments: {require: [SPE_E3]}}
  - {id: store, severity: high, users: {department: Store}, assignments: {of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}
  - {id: visio, severity: low, users: {department: Draw}, assignments: {require: [VISIOCLIENT]}}
"""


def constrained_tenant() -> dict[str, Any]:
    """A tenant in which most changes are impossible."""
    lic_e3 = stable_id("plan", "LIC-E3")
    people = [
        user("torn", grant(E3), department="Torn"),
        user("lacking", department="Torn"),
        user("first", grant(E3), department="Store"),
        user("second", grant(E3), department="Store"),
        user("nowhere", grant(E3), department="Store", usageLocation=None),
        user("both", grant(E3, lic_e3), grant(E3), department="Store"),
        user("draws", grant(E5), department="Draw"),
    ]
    return document(people, group("LIC-E3", E3, members=("both",)), SPE_F1=1, VISIOCLIENT=0)


@pytest.mark.slow
def test_no_request_fails_and_nobody_is_without_a_licence_during_the_execution(tmp_path: Path) -> None:
    rules = policy_set(CONTRADICTING + PRICES)
    with running_emulator([load_tenant(constrained_tenant())]) as emulator:
        plan = plan_run([collected(emulator, tmp_path / "before")], rules, builtin(), NOW)
        assert plan.proven
        token = emulator.bearer("contoso", roles=WRITE)
        licensed = {name for name, held in holdings(emulator, token).items() if held}
        with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
            for request in [request for action in plan.tenants[0].actions for request in action.requests]:
                response = client.request(
                    request["method"], f"{emulator.endpoint}{request['path']}", json=request["body"]
                )
                assert response.is_success, response.text
                assert {name for name, held in holdings(emulator, token).items() if held} >= licensed
        held = holdings(emulator, token)
        after = audit([collected(emulator, tmp_path / "after")], rules, builtin(), NOW)
    # F3 has one free seat: one of the two users who can move gets it, the other keeps E3.
    assert held["first"] | held["second"] == {E3, F3}
    assert (len(held["first"]), len(held["second"])) == (1, 1)
    # Graph assigns nothing without a usage location; group licences stay; contradicting policies change nothing.
    assert (held["nowhere"], held["both"], held["torn"]) == ({E3}, {E3}, {E3})
    assert held["draws"] == {E5}
    proof = plan.tenants[0].proof
    assert open_fingerprints(after) == {item.fingerprint for item in proof.remaining}


def holdings(emulator: Emulator, token: str) -> dict[str, set[str]]:
    address = f"{emulator.endpoint}/users?$select=id,userPrincipalName,assignedLicenses"
    users = httpx.get(address, headers={"Authorization": f"Bearer {token}"}, trust_env=False).json()["value"]
    return {
        user["userPrincipalName"].partition("@")[0]: {row["skuId"] for row in user["assignedLicenses"]}
        for user in users
    }
