"""The share of open findings that a plan fixes, for the built-in tenants and a messy one, with and without answers."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
from msgspec import Struct
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots
from auditor.policy.loader import load
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.remedy.planner.reach import FixLocation
from auditor.snapshot.model import Snapshot
from tests.builders.service.plan_execution import PlanExecution
from tests.builders.service.whole_plan import carry_out
from tests.builders.tenant import messy_tenant
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.planned_state import collected, open_findings, writer
from tests.builders.tenant.tenants import NOW, policy_set
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import load as load_tenant

pytestmark = pytest.mark.slow
POLICIES = policy_set(messy_tenant.RULES)


class MessyTenant(Struct, frozen=True, kw_only=True, dict=True):
    """The messy tenant, and its plan with an answer to every question."""

    cloud: bool
    state: Snapshot
    answered: FleetPlan


@pytest.fixture(scope="module", params=[True, False], ids=["in the cloud", "by rule and on premises"])
def messy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MessyTenant:
    with emulated(cloud=request.param) as emulator:
        state = collected(emulator, tmp_path_factory.mktemp("before"), POLICIES)
    answered, _ = answered_plan([state], POLICIES)
    return MessyTenant(cloud=request.param, state=state, answered=answered)


@contextmanager
def emulated(*, cloud: bool) -> Iterator[Emulator]:
    with running_emulator([load_tenant(messy_tenant.document(cloud=cloud))]) as emulator:
        yield emulator


def share(tenants: Sequence[TenantPlan], *locations: FixLocation) -> float:
    """The percentage of open findings that the plan fixes."""
    rows = [row for tenant in tenants for row in tenant.reach if row.location in (locations or tuple(FixLocation))]
    assert locations or sum(row.open for row in rows) == sum(tenant.before.open or 0 for tenant in tenants)
    assert locations or sum(row.fixed for row in rows) == sum(len(tenant.proof.fixed) for tenant in tenants)
    return 100 * sum(row.fixed for row in rows) / sum(row.open for row in rows)


def documented(row: int) -> list[int]:
    """The percentages in a row of the table in docs/plan-rules.md: of all findings and of those in `graph`."""
    page = (Path(__file__).parents[3] / "docs" / "plan-rules.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("|") and " % " in line]
    return [int(number) for number in re.findall(r"(\d+) %", rows[row])]


def measured(plan: FleetPlan, answered: FleetPlan) -> list[int]:
    return [round(share(fleet.tenants, *where)) for fleet in (plan, answered) for where in ((), (FixLocation.GRAPH,))]


def test_share_of_fixed_findings_in_the_messy_tenant(messy: MessyTenant) -> None:
    plan = plan_run([messy.state], POLICIES, builtin(), NOW)
    assert plan.proven
    assert plan.complete
    assert not messy.cloud or share(plan.tenants) >= 70
    assert messy.answered.proven
    (tenant,) = messy.answered.tenants
    assert not tenant.open_questions
    assert share([tenant]) >= 90
    assert share([tenant], FixLocation.GRAPH) >= 95
    assert measured(plan, messy.answered) == documented(0 if messy.cloud else 1)
    premises = [item for item in tenant.proof.remaining if item.code == "premises"]
    assert len(premises) == (0 if messy.cloud else 2)
    assert all("`LIC-BI` is synchronised from on premises" in item.why for item in premises)


def with_cloud_groups(state: Snapshot) -> Snapshot:
    """The tenant with all groups changed to cloud groups with assigned members."""
    groups = state.table("groups")
    cloud: dict[str, Any] = {"groupTypes": [], "membershipRule": None, "onPremisesSyncEnabled": None}
    rows = [{**row, "membershipRuleProcessingState": None, **cloud} for row in groups.to_pylist()]
    return replace(state, tables={**state.tables, "groups": pa.Table.from_pylist(rows, groups.schema)})


@pytest.mark.parametrize("cloud", [False, True], ids=["unchanged", "cloud groups"])
def test_share_of_fixed_findings_in_the_built_in_tenants(*, cloud: bool) -> None:
    policies, states = load(demo_policies(NOW)).policies, snapshots(NOW)
    states = tuple(map(with_cloud_groups, states)) if cloud else states
    plan = plan_run(states, policies, builtin(), NOW)
    assert plan.proven
    reported = [tenant.findings.stats.money for tenant in audit(states, policies, builtin(), NOW).tenants]
    assert [{money.currency: money.exposure for money in tenant.before.money} for tenant in plan.tenants] == reported
    assert share(plan.tenants) >= 60, "all groups but two are cloud groups with assigned members"
    assert share(plan.tenants, FixLocation.GRAPH) >= (75 if cloud else 80)
    answered, _ = answered_plan(states, policies)
    assert answered.proven
    assert not any(tenant.open_questions for tenant in answered.tenants)
    assert share(answered.tenants, FixLocation.GRAPH) >= 90
    assert share(answered.tenants) >= 80, "the rest is purchases, contracts and the local directory"
    assert measured(plan, answered) == documented(3 if cloud else 2)


@pytest.mark.parametrize(("lag", "lost"), [(0, None), (4, 9)])
def test_execution_of_the_answered_plan_leads_to_the_state_of_its_proof(
    messy: MessyTenant, tmp_path: Path, lag: int, lost: int | None
) -> None:
    (tenant,) = messy.answered.tenants
    with emulated(cloud=messy.cloud) as emulator:
        emulator.tenants["contoso"].late.lag = lag
        with writer(emulator) as client:
            execution = PlanExecution(client, emulator.endpoint)
            if lost is not None:
                emulator.faults.add("reset", first=lost, times=1)
                with pytest.raises(httpx.TransportError):
                    carry_out(tenant, execution, emulator.tenants["contoso"])
            assert set(carry_out(tenant, execution, emulator.tenants["contoso"])) <= {"done", "unchanged"}
            execution.settle()
            assert set(carry_out(tenant, execution, emulator.tenants["contoso"])) == {"unchanged"}, "a second run"
        open_after = open_findings(emulator, tmp_path, POLICIES)
    assert open_after == {item.fingerprint for item in tenant.proof.remaining}
