"""A plan's requests, sent to the Graph emulator, lead to the open findings that the proof predicts."""

from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from tests.builders.service.plan_execution import PlanExecution
from tests.builders.tenant.emulated_tenant import document, group, user
from tests.builders.tenant.plan_tenants import E3, E5, F3, PRICES, VISIO, grant
from tests.builders.tenant.planned_state import collected, held, open_findings, proved, send, writer
from tests.builders.tenant.tenants import NOW, policy_set
from tests.emulator.fixtures import running_emulator
from tests.emulator.tenant.directory import load as load_tenant
from tests.emulator.tenant.directory import stable_id

pytestmark = pytest.mark.slow
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


def test_requests_lead_to_the_findings_of_the_proof(tmp_path: Path) -> None:
    plan, licences = proved(tenant(), policy_set(TEXT + PRICES), tmp_path)
    assert plan.proof.remaining == ()
    # The seats of the leaver and of the duplicate went to the users who needed one; nothing was bought.
    assert Counter(chain(*licences.values())) == {"SPE_E3": 1, "SPE_E5": 1, "SPE_F1": 3}


def test_request_for_a_group_leads_to_the_findings_of_the_proof(tmp_path: Path) -> None:
    lic_e5 = stable_id("plan", "LIC-E5")
    people = [user(name, grant(E5, lic_e5), department="Store") for name in ("ann", "bo", "cem")]
    state = document(people, group("LIC-E5", E5, members=("ann", "bo", "cem")), SPE_E5=3, SPE_F1=3)
    plan, _ = proved(state, policy_set(TEXT), tmp_path)
    assert [request["path"] for a in plan.actions for request in a.requests] == [f"/groups/{lic_e5}/assignLicense"]
    assert plan.proof.remaining == ()


def test_refused_removal_of_a_product_that_another_requires_is_reported(tmp_path: Path) -> None:
    """Only Graph knows the dependencies between services; it applies a request completely or not at all."""
    people = [user(name, grant(E3), *more, department="Store") for name, more in DEPENDENT.items()]
    with running_emulator([load_tenant(tenant() | {"users": people, "groups": []})]) as emulator:
        tenant_plan = plan_run([collected(emulator, tmp_path)], policy_set(TEXT), builtin(), NOW).tenants[0]
        assert tenant_plan.changes is not None
        visio = emulator.tenants["contoso"].sku(VISIO)
        assert visio is not None
        visio["@emulator.requires"] = [E3]
        with writer(emulator) as client:
            steps = [step for action in tenant_plan.actions for step in tenant_plan.changes.steps.get(action.id, ())]
            outcomes = PlanExecution(client, emulator.endpoint).carry_out(steps)
        licences = held(emulator)
    assert sorted(outcome.partition(" because ")[0] for outcome in outcomes) == ["License assignment failed", "done"]
    assert licences == {"draws": {"SPE_E3", "VISIOCLIENT"}, "plain": {"SPE_F1"}}


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


def test_no_request_fails_and_nobody_is_without_a_licence_during_the_execution(tmp_path: Path) -> None:
    rules = policy_set(CONTRADICTING + PRICES)
    with running_emulator([load_tenant(constrained_tenant())]) as emulator:
        plan = plan_run([collected(emulator, tmp_path / "before", rules)], rules, builtin(), NOW)
        assert plan.proven
        licensed = {name for name, licences in held(emulator).items() if licences}
        with writer(emulator) as client:
            for _ in send(client, emulator, plan.tenants[0]):
                assert {name for name, licences in held(emulator).items() if licences} >= licensed
        final = held(emulator)
        after = open_findings(emulator, tmp_path / "after", rules)
    # F3 has one free seat: one of the two users who can move gets it, the other keeps E3.
    assert sorted([final["first"], final["second"]], key=sorted) == [{"SPE_E3"}, {"SPE_F1"}]
    # Graph assigns nothing without a usage location; group licences stay; contradicting policies change nothing.
    assert (final["nowhere"], final["both"], final["torn"]) == ({"SPE_E3"}, {"SPE_E3"}, {"SPE_E3"})
    assert final["draws"] == {"SPE_E5"}
    assert after == {item.fingerprint for item in plan.tenants[0].proof.remaining}
