"""Execution of a plan against a faulty Graph: late effects, refusals, lost connections, a second run, and undo."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.simulation.changes import PlannedRequest
from tests.builders.service.plan_execution import PlanExecution, state
from tests.builders.tenant.plan_of_every_kind import document, rules
from tests.builders.tenant.planned_state import collected, open_findings, writer
from tests.builders.tenant.tenants import NOW
from tests.emulator.endpoints.licensing import recompute
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant, stable_id
from tests.emulator.tenant.directory import load as load_tenant

pytestmark = pytest.mark.slow
LOADED = rules()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TenantPlan:
    with running_emulator([load_tenant(document())]) as emulator:
        before = collected(emulator, tmp_path_factory.mktemp("before"), LOADED.policies)
    fleet_plan = plan_run([before], LOADED.policies, builtin(), NOW, decisions=LOADED.decisions)
    assert fleet_plan.proven
    return fleet_plan.tenants[0]


@pytest.fixture
def steps(plan: TenantPlan) -> list[PlannedRequest]:
    assert plan.changes is not None
    return [step for action in plan.actions for step in plan.changes.steps.get(action.id, ())]


@contextmanager
def served() -> Iterator[tuple[Emulator, PlanExecution]]:
    """Serve the tenant in the state in which the plan was made."""
    with running_emulator([load_tenant(document())]) as emulator, writer(emulator) as client:
        yield emulator, PlanExecution(client, emulator.endpoint)


@pytest.mark.parametrize(("lag", "lost"), [(0, None), (4, None), (0, 7), (4, 11), (4, 1)])
def test_execution_with_late_effects_or_a_lost_connection_leads_to_the_state_of_the_proof(
    plan: TenantPlan, steps: list[PlannedRequest], tmp_path: Path, lag: int, lost: int | None
) -> None:
    with served() as (emulator, execution):
        tenant = emulator.tenants["contoso"]
        tenant.late.lag = lag
        if lost is not None:
            emulator.faults.add("reset", first=lost, times=1)
            with pytest.raises(httpx.TransportError):
                execution.carry_out(steps)
        outcomes = execution.carry_out(steps)
        assert set(outcomes) <= {"done", "unchanged"}
        assert lost is not None or set(outcomes) == {"done"}
        execution.settle()
        after = open_findings(emulator, tmp_path / "after", LOADED.policies)
        assert after == {item.fingerprint for item in plan.proof.remaining}, (
            "the fixed findings are gone, and there are no new ones"
        )
        executed_state = state(tenant)
        assert set(execution.carry_out(steps)) == {"unchanged"}, "a second run changes nothing"
        assert state(tenant) == executed_state


@pytest.mark.parametrize("lag", [0, 4])
def test_undo_restores_licences_paths_and_memberships(steps: list[PlannedRequest], lag: int) -> None:
    with served() as (emulator, execution):
        tenant = emulator.tenants["contoso"]
        before = state(tenant)
        tenant.late.lag = lag
        execution.carry_out(steps)
        execution.settle()
        assert state(tenant) != before
        for _ in range(2):  # the second time, nothing is left to undo
            outcomes = execution.take_back(steps)
            execution.settle()
        assert set(outcomes) == {"unchanged"}
        irreversible = {step.user or step.group for step in steps if step.undo is None}
        names = {stable_id("plan", name.partition("@")[0]): name for name in before if "@" in name}
        changed = {name for name, value in state(tenant).items() if value != before[name]}
        assert changed <= {names.get(object_id, object_id) for object_id in irreversible}, (
            "only objects with an irreversible change differ"
        )
        assert len(irreversible) == 2, "a retry of a group's licence, and the licence of a group without members"


def make_groups_dynamic(tenant: Tenant) -> None:
    for group in tenant.groups.values():
        group.document |= {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.department -eq "X"'}


def make_groups_synchronised(tenant: Tenant) -> None:
    for group in tenant.groups.values():
        group.document["onPremisesSyncEnabled"] = True


def use_all_seats(tenant: Tenant) -> None:
    for sku in tenant.skus:
        sku["prepaidUnits"] = {**sku["prepaidUnits"], "enabled": int(sku["consumedUnits"] or 0)}


def remove_leaver_from_groups(tenant: Tenant) -> None:
    position = tenant.people.find(stable_id("plan", "leaver"))
    assert position is not None
    for group in tenant.groups.values():
        group.members = [member for member in group.members if member != stable_id("plan", "leaver")]
    states = tenant.people.value(position, "licenseAssignmentStates")
    recompute(tenant, position, [row for row in states if not row["assignedByGroup"]])


@pytest.mark.parametrize(
    ("change", "refusals"),
    [
        (make_groups_dynamic, True),
        (make_groups_synchronised, True),
        (use_all_seats, True),
        (remove_leaver_from_groups, False),
    ],
)
def test_refused_requests_cause_no_new_findings_and_other_actions_are_executed(
    plan: TenantPlan,
    steps: list[PlannedRequest],
    tmp_path: Path,
    change: Callable[[Tenant], None],
    refusals: bool,  # noqa: FBT001
) -> None:
    with served() as (emulator, execution):
        change(emulator.tenants["contoso"])
        emulator.tenants["contoso"].touch()
        open_after_change = open_findings(emulator, tmp_path / "disturbed", LOADED.policies)
        outcomes = dict(zip([id(step) for step in steps], execution.carry_out(steps), strict=True))
        refused = {outcome for outcome in outcomes.values() if outcome not in {"done", "unchanged"}}
        assert bool(refused) is refusals
        after = open_findings(emulator, tmp_path / "after", LOADED.policies)
        assert after <= open_after_change, "no new findings"
        assert plan.changes is not None
        executed = [
            action
            for action in plan.actions
            if action.requests
            and all(outcomes[id(step)] in {"done", "unchanged"} for step in plan.changes.steps[action.id])
        ]
        assert executed, "actions without a refused request are executed"
        assert not after & {fingerprint for action in executed for fingerprint in action.findings}
