"""Execution of the answered plans of the built-in tenants, with seat changes at the position of their action."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots as demo_snapshots
from auditor.findings.open_findings import open_fingerprints
from auditor.policy.loader import load
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from tests.builders.service.plan_execution import PlanExecution, state
from tests.builders.service.whole_plan import carry_out, seats_of, take_back
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.planned_state import WRITE, collected
from tests.builders.tenant.served import served
from tests.builders.tenant.tenants import NOW
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant
from tests.emulator.tenant.directory import load as load_tenant

pytestmark = pytest.mark.slow
DEVICES = b"""version: 1
policies:
  - {id: device-add-ons, severity: low, users: {managedDevice: false}, assignments: {of: [POWER_BI_PRO, Microsoft_365_Copilot], allow: []}}
"""
POLICIES = load([*demo_policies(NOW), ("policies/devices.yaml", DEVICES)]).policies
NAMES = ("contoso", "fabrikam")


class EmulatedTenant(Struct, frozen=True, kw_only=True, dict=True):
    """A tenant of the emulator, and the execution of a plan in it."""

    tenant: Tenant
    execution: PlanExecution


@contextmanager
def emulated(*, lag: int = 0) -> Iterator[tuple[Emulator, Mapping[str, EmulatedTenant]]]:
    with (
        running_emulator([load_tenant(served(snapshot)) for snapshot in demo_snapshots(NOW)]) as emulator,
        httpx.Client(trust_env=False) as client,
    ):
        emulated_tenants: dict[str, EmulatedTenant] = {}
        for name in NAMES:
            emulator.tenants[name].late.lag = lag
            headers = {"Authorization": f"Bearer {emulator.bearer(name, roles=WRITE)}"}
            emulated_tenants[name] = EmulatedTenant(
                tenant=emulator.tenants[name], execution=PlanExecution(client, emulator.endpoint, headers)
            )
        yield emulator, emulated_tenants


class AnsweredPlan(Struct, frozen=True, kw_only=True, dict=True):
    """The plan of the built-in tenants with an answer to every question."""

    plan: FleetPlan

    @property
    def remaining(self) -> set[str]:
        """Fingerprints of the findings that are open after the plan, according to its proof."""
        proofs = [self.plan.fleet, *(tenant.proof for tenant in self.plan.tenants)]
        return {item.fingerprint for proof in proofs for item in proof.remaining}

    @property
    def findings(self) -> set[str]:
        """Fingerprints of the findings that are open before the plan."""
        fixed = (
            *self.plan.fleet.fixed,
            *(fingerprint for tenant in self.plan.tenants for fingerprint in tenant.proof.fixed),
        )
        return {*fixed, *self.remaining}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> AnsweredPlan:
    root = tmp_path_factory.mktemp("before")
    with emulated() as (emulator, _):
        before = [collected(emulator, root, POLICIES, name=name) for name in NAMES]
    answered, _ = answered_plan(before, POLICIES)
    assert answered.proven
    assert answered.complete, "usage and device reports were collected"
    assert {plan.name for plan in answered.tenants if plan.proof.fixed} == set(NAMES)
    policies = {
        finding.policy
        for plan in answered.tenants
        for finding in plan.findings
        if finding.fingerprint in plan.proof.fixed
    }
    assert policies >= {"device-add-ons", "suite-unused-90d", "copilot-unused-30d"}
    access = {"privileged-role-suite", "eligible-role-suite", "conditional-access-p1", "conditional-access-risk-p2"}
    assert {finding.policy for plan in answered.tenants for finding in plan.findings} >= access, (
        "directory roles were collected"
    )
    assert not any(plan.open_questions for plan in answered.tenants)
    return AnsweredPlan(plan=answered)


def open_findings(emulator: Emulator, folder: Path, plan: FleetPlan) -> set[str]:
    """Return the fingerprints of open findings, with the decided seats as the seats of the contracts."""
    contract_seats = {
        contract.id: contract.seats
        for tenant in plan.tenants
        for decided in tenant.decided_seats
        for contract in decided.contracts
    }
    contracts = tuple(
        replace(contract, seats=contract_seats.get(contract.id, contract.seats)) for contract in POLICIES.contracts
    )
    current = replace(POLICIES, contracts=contracts)
    result = audit([collected(emulator, folder, POLICIES, name=name) for name in NAMES], current, builtin(), NOW)
    finding_tables = (result.fleet.findings, *(tenant.findings for tenant in result.tenants))
    return {fingerprint for findings in finding_tables for fingerprint in open_fingerprints(findings)}


def execute(
    plan: FleetPlan, emulated_tenants: Mapping[str, EmulatedTenant], *, forgotten: frozenset[str] = frozenset()
) -> set[str]:
    """Execute the plan in all tenants; return the outcomes of its requests."""
    return {
        outcome
        for tenant_plan in plan.tenants
        for outcome in carry_out(
            tenant_plan,
            emulated_tenants[tenant_plan.name].execution,
            emulated_tenants[tenant_plan.name].tenant,
            forgotten=forgotten,
        )
    }


def states(emulated_tenants: Mapping[str, EmulatedTenant]) -> Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return {
        name: (state(emulated_tenant.tenant), seats_of(emulated_tenant.tenant))
        for name, emulated_tenant in emulated_tenants.items()
    }


def test_seats_are_bought_before_they_are_taken_and_removed_after_they_are_freed(planned: AnsweredPlan) -> None:
    (plan,) = (tenant for tenant in planned.plan.tenants if tenant.name == "contoso")
    bought = [seats for seats in plan.decided_seats if seats.enabled > seats.enabled_before]
    removed = [seats for seats in plan.decided_seats if seats.enabled < seats.enabled_before]
    assert bought
    assert removed
    for seats in bought:
        takers = [change.action for change in plan.holdings if seats.sku_id in change.gained]
        assert all((seats.action or 0) < number for number in takers)
        sentence = f"action {seats.action}."
        assert all(any(sentence in text for text in plan.actions[n - 1].prerequisites) for n in takers)
    for seats in removed:
        freeing = {change.action for change in plan.holdings if seats.sku_id in change.lost}
        assert all((seats.action or 0) > number for number in freeing)
    for seats in plan.decided_seats:
        action = plan.actions[(seats.action or 0) - 1]
        assert (action.sku_id, action.count) == (seats.sku_id, abs(seats.enabled - seats.enabled_before))
        assert action.confidence == "certain", "it was decided"


@pytest.mark.parametrize(("lag", "lost"), [(0, None), (4, 40)])
def test_execution_leads_to_the_state_of_the_proof_and_can_be_undone(
    planned: AnsweredPlan, tmp_path: Path, lag: int, lost: int | None
) -> None:
    with emulated(lag=lag) as (emulator, emulated_tenants):
        before = states(emulated_tenants)
        if lost is not None:
            emulator.faults.add("reset", first=lost, times=1)
            with pytest.raises(httpx.TransportError):
                execute(planned.plan, emulated_tenants)
        assert execute(planned.plan, emulated_tenants) == ({"done"} if lost is None else {"done", "unchanged"})
        for emulated_tenant in emulated_tenants.values():
            emulated_tenant.execution.settle()
        executed_states = states(emulated_tenants)
        assert all(executed_states[name] != before[name] for name in NAMES)
        assert open_findings(emulator, tmp_path / "after", planned.plan) == planned.remaining, (
            "the fixed findings are gone, and there are no new ones"
        )
        assert execute(planned.plan, emulated_tenants) == {"unchanged"}, "a second run changes nothing"
        assert states(emulated_tenants) == executed_states
        if lost is None:
            for plan in planned.plan.tenants:
                assert_undone(plan, emulated_tenants[plan.name], *before[plan.name])


def assert_undone(
    plan: TenantPlan, emulated_tenant: EmulatedTenant, before: Mapping[str, Any], seats: Mapping[str, Any]
) -> None:
    assert plan.changes is not None
    take_back(plan, emulated_tenant.execution, emulated_tenant.tenant, seats)
    state_after = state(emulated_tenant.tenant)
    ids = {user: name for name, user in user_ids(emulated_tenant.tenant).items()}
    irreversible = {step.user or step.group for steps in plan.changes.steps.values() for step in steps if not step.undo}
    over_assigned = {
        row["skuId"]
        for row in emulated_tenant.tenant.skus
        if seats["consumed"][row["skuId"]] > row["prepaidUnits"]["enabled"] + row["prepaidUnits"]["warning"]
    }
    irreversible |= {change.user for change in plan.holdings if over_assigned & {*change.lost}}
    irreversible = {ids.get(object_id, object_id) for object_id in irreversible}
    assert {name for name in before if state_after[name] != before[name]} <= irreversible, (
        "only objects with an irreversible change differ, and people whose product had more people than seats"
    )
    assert seats_of(emulated_tenant.tenant)["enabled"] == seats["enabled"]
    assert seats_of(emulated_tenant.tenant)["subscriptions"] == seats["subscriptions"]


def user_ids(tenant: Tenant) -> dict[str, str]:
    people = tenant.people
    return {str(people.value(row, "userPrincipalName")): str(people.value(row, "id")) for row in range(len(people))}


def test_execution_without_the_purchases_causes_no_new_findings(planned: AnsweredPlan, tmp_path: Path) -> None:
    bought = frozenset(
        seats.sku_id
        for plan in planned.plan.tenants
        for seats in plan.decided_seats
        if seats.enabled > seats.enabled_before
    )
    with emulated() as (emulator, emulated_tenants):
        before = {name: state(emulated_tenant.tenant) for name, emulated_tenant in emulated_tenants.items()}
        assert execute(planned.plan, emulated_tenants, forgotten=bought) == {"done", "no seats", "skipped"}
        for plan in planned.plan.tenants:
            state_after = state(emulated_tenants[plan.name].tenant)
            users_without_licence = {change.user for change in plan.holdings if change.lost and not change.gained}
            for name, user in user_ids(emulated_tenants[plan.name].tenant).items():
                had = any(path[2] == "Active" for path in before[plan.name][name])
                holds = any(path[2] == "Active" for path in state_after[name])
                assert holds or not had or user in users_without_licence, "nobody loses a licence without a replacement"
        open_without_purchases = open_findings(emulator, tmp_path / "disturbed", planned.plan)
        assert planned.remaining < open_without_purchases <= planned.findings, "no new findings"
        execute(planned.plan, emulated_tenants)
        assert open_findings(emulator, tmp_path / "after", planned.plan) == planned.remaining, (
            "the purchases are made later, and the plan is executed again"
        )
