"""The answered plan of the built-in tenant, carried out in its order; people change seats in the place of their action."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.checks.data_needs import needs
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots as demo_snapshots
from auditor.domain.enums import Source, Status
from auditor.domain.policy.model import PolicySet
from auditor.policy.loader import load
from auditor.remedy.planner.model import TenantPlan
from tests.builders.service.plan_execution import PlanExecution, state
from tests.builders.service.whole_plan import carry_out, seats_of, take_back
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.planned_state import collected
from tests.builders.tenant.served import served
from tests.builders.tenant.tenants import NOW
from tests.emulator.fixtures import running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant
from tests.emulator.tenant.directory import load as load_tenant

pytestmark = pytest.mark.slow
WRITE = ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "GroupMember.ReadWrite.All", "Group.Read.All"]
UNSERVED = {Source.USAGE, Source.APP_USAGE, Source.COPILOT_USAGE, Source.MAILBOX_USAGE, Source.DEVICES}


def rules() -> PolicySet:
    """Return the policies of the demo; those about reports of usage, which a served tenant lacks, are left out."""
    whole = load(demo_policies(NOW)).policies
    served_only = tuple(
        policy
        for policy in whole.policies
        if UNSERVED.isdisjoint(needs(replace(whole, policies=(policy,), waivers=())).sources)
    )
    return replace(whole, policies=served_only)


POLICIES = rules()


@contextmanager
def emulated(*, lag: int = 0) -> Iterator[tuple[Emulator, Tenant, PlanExecution]]:
    with running_emulator([load_tenant(served(demo_snapshots(NOW)[0]))]) as emulator:
        tenant = emulator.tenants["contoso"]
        tenant.late.lag = lag
        bearer = {"Authorization": f"Bearer {emulator.bearer('contoso', roles=WRITE)}"}
        with httpx.Client(headers=bearer, trust_env=False) as client:
            yield emulator, tenant, PlanExecution(client, emulator.endpoint)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The plan of the tenant once every question has an answer."""

    plan: TenantPlan
    remaining: frozenset[str]
    """Fingerprints of what the proof says is open at the end."""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    with emulated() as (emulator, _, _):
        before = collected(emulator, tmp_path_factory.mktemp("before"), POLICIES)
    answered, _ = answered_plan([before], POLICIES)
    (plan,) = answered.tenants
    assert answered.proven
    assert not plan.open_questions
    return Planned(plan=plan, remaining=frozenset(item.fingerprint for item in plan.proof.remaining))


def opened(emulator: Emulator, folder: Path, plan: TenantPlan) -> set[str]:
    """Return what is open now, by contracts about the seats that were agreed."""
    agreed = {each.id: each.seats for decided in plan.decided_seats for each in decided.contracts}
    contracts = tuple(replace(each, seats=agreed.get(each.id, each.seats)) for each in POLICIES.contracts)
    then = replace(POLICIES, contracts=contracts)
    (after,) = audit([collected(emulator, folder, POLICIES)], then, builtin(), NOW).tenants
    return {finding.fingerprint for finding in after.findings if finding.status is Status.OPEN}


def test_the_plan_buys_seats_before_it_takes_them_and_gives_back_those_that_it_frees(planned: Planned) -> None:
    plan = planned.plan
    bought = [each for each in plan.decided_seats if each.enabled > each.enabled_before]
    given = [each for each in plan.decided_seats if each.enabled < each.enabled_before]
    assert bought
    assert given
    for each in bought:
        takers = [change.action for change in plan.holdings if each.sku_id in change.gained]
        assert all((each.action or 0) < number for number in takers)
        told = f"action {each.action}."
        assert all(any(told in text for text in plan.actions[n - 1].prerequisites) for n in takers)
    for each in given:
        freeing = {change.action for change in plan.holdings if each.sku_id in change.lost}
        assert all((each.action or 0) > number for number in freeing)
    for each in plan.decided_seats:
        action = plan.actions[(each.action or 0) - 1]
        assert (action.sku_id, action.count) == (each.sku_id, abs(each.enabled - each.enabled_before))
        assert action.confidence == "certain", "it was decided"


@pytest.mark.parametrize(("lag", "lost"), [(0, None), (4, 40)])
def test_requests_and_purchases_in_order_lead_to_the_state_of_the_proof(
    planned: Planned, tmp_path: Path, lag: int, lost: int | None
) -> None:
    plan = planned.plan
    with emulated(lag=lag) as (emulator, tenant, execution):
        if lost is not None:
            emulator.faults.add("reset", first=lost, times=1)
            with pytest.raises(httpx.TransportError):
                carry_out(plan, execution, tenant)
        outcomes = carry_out(plan, execution, tenant)
        assert set(outcomes) == ({"done"} if lost is None else {"done", "unchanged"})
        execution.settle()
        kept, seats = state(tenant), seats_of(tenant)
        assert opened(emulator, tmp_path / "after", plan) == planned.remaining, "claimed findings gone, none new"
        assert set(carry_out(plan, execution, tenant)) == {"unchanged"}, "a second run changes nothing"
        assert (state(tenant), seats_of(tenant)) == (kept, seats)


def test_undo_brings_back_licences_paths_memberships_and_seats(planned: Planned) -> None:
    plan = planned.plan
    assert plan.changes is not None
    with emulated() as (_, tenant, execution):
        before, seats = state(tenant), seats_of(tenant)
        carry_out(plan, execution, tenant)
        assert state(tenant) != before
        take_back(plan, execution, tenant, seats)
        now = state(tenant)
        ids = {
            str(tenant.people.value(row, "id")): str(tenant.people.value(row, "userPrincipalName"))
            for row in range(len(tenant.people))
        }
        for_good = {step.user or step.group for steps in plan.changes.steps.values() for step in steps if not step.undo}
        for_good = {ids.get(each, each) for each in for_good}
        assert {name for name in before if now[name] != before[name]} <= for_good, "only what cannot be undone"
        assert seats_of(tenant)["enabled"] == seats["enabled"]
        assert seats_of(tenant)["subscriptions"] == seats["subscriptions"]


def test_a_purchase_that_is_forgotten_is_told_and_harms_nothing(planned: Planned, tmp_path: Path) -> None:
    plan = planned.plan
    bought = {each.sku_id for each in plan.decided_seats if each.enabled > each.enabled_before}
    with emulated() as (emulator, tenant, execution):
        before = state(tenant)
        outcomes = carry_out(plan, execution, tenant, forgotten=bought)
        assert set(outcomes) == {"done", "no seats", "skipped"}
        held = {
            name: {path[0] for path in paths if path[2] == "Active"}
            for name, paths in state(tenant).items()
            if "@" in name
        }
        gone = {change.user for change in plan.holdings if change.lost and not change.gained}
        ids = {
            str(tenant.people.value(row, "userPrincipalName")): str(tenant.people.value(row, "id"))
            for row in range(len(tenant.people))
        }
        for name, user in ids.items():
            had = any(path[2] == "Active" for path in before[name])
            assert held[name] or not had or user in gone, "nobody loses what nothing replaced"
        disturbed = opened(emulator, tmp_path / "disturbed", plan)
        assert planned.remaining < disturbed <= {finding.fingerprint for finding in plan.findings}, "nothing new"
        carry_out(plan, execution, tenant)
        assert opened(emulator, tmp_path / "after", plan) == planned.remaining, "bought later, and run again"
