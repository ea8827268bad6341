"""The answered plans of the built-in tenants, carried out in their order; people change seats in the place of their action."""

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
from auditor.findings.open import open_fingerprints
from auditor.policy.loader import load
from auditor.remedy.planner.model import FleetPlan, TenantPlan
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
DEVICES = b"""version: 1
policies:
  - {id: device-add-ons, severity: low, users: {managedDevice: false}, assignments: {of: [POWER_BI_PRO, Microsoft_365_Copilot], allow: []}}
"""
POLICIES = load([*demo_policies(NOW), ("policies/devices.yaml", DEVICES)]).policies
NAMES = ("contoso", "fabrikam")


class Site(Struct, frozen=True, kw_only=True, dict=True):
    """A tenant of the emulator, and an administrator of it."""

    tenant: Tenant
    execution: PlanExecution


@contextmanager
def emulated(*, lag: int = 0) -> Iterator[tuple[Emulator, Mapping[str, Site]]]:
    with (
        running_emulator([load_tenant(served(each)) for each in demo_snapshots(NOW)]) as emulator,
        httpx.Client(trust_env=False) as client,
    ):
        sites: dict[str, Site] = {}
        for name in NAMES:
            emulator.tenants[name].late.lag = lag
            head = {"Authorization": f"Bearer {emulator.bearer(name, roles=WRITE)}"}
            sites[name] = Site(tenant=emulator.tenants[name], execution=PlanExecution(client, emulator.endpoint, head))
        yield emulator, sites


class Planned(Struct, frozen=True, kw_only=True, dict=True):
    """The plans of the tenants once every question has an answer."""

    plan: FleetPlan

    @property
    def remaining(self) -> set[str]:
        """Fingerprints of what the proof says is open at the end."""
        proofs = [self.plan.fleet, *(tenant.proof for tenant in self.plan.tenants)]
        return {item.fingerprint for proof in proofs for item in proof.remaining}

    @property
    def findings(self) -> set[str]:
        """Fingerprints of what is open at first."""
        mended = (*self.plan.fleet.fixed, *(each for tenant in self.plan.tenants for each in tenant.proof.fixed))
        return {*mended, *self.remaining}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    root = tmp_path_factory.mktemp("before")
    with emulated() as (emulator, _):
        before = [collected(emulator, root, POLICIES, name=name) for name in NAMES]
    answered, _ = answered_plan(before, POLICIES)
    assert answered.proven
    assert answered.complete, "reports of usage and devices were read"
    assert {plan.name for plan in answered.tenants if plan.proof.fixed} == set(NAMES)
    policies = {
        each.policy for plan in answered.tenants for each in plan.findings if each.fingerprint in plan.proof.fixed
    }
    assert policies >= {"device-add-ons", "suite-unused-90d", "copilot-unused-30d"}
    access = {"privileged-role-suite", "eligible-role-suite", "conditional-access-p1", "conditional-access-risk-p2"}
    assert {each.policy for plan in answered.tenants for each in plan.findings} >= access, "roles were read"
    assert not any(plan.open_questions for plan in answered.tenants)
    return Planned(plan=answered)


def opened(emulator: Emulator, folder: Path, plan: FleetPlan) -> set[str]:
    """Return what is open now, by contracts about the seats that were agreed."""
    agreed = {
        each.id: each.seats for own in plan.tenants for decided in own.decided_seats for each in decided.contracts
    }
    contracts = tuple(replace(each, seats=agreed.get(each.id, each.seats)) for each in POLICIES.contracts)
    then = replace(POLICIES, contracts=contracts)
    found = audit([collected(emulator, folder, POLICIES, name=name) for name in NAMES], then, builtin(), NOW)
    parts = (found.fleet.findings, *(tenant.findings for tenant in found.tenants))
    return {fingerprint for findings in parts for fingerprint in open_fingerprints(findings)}


def carried_out(plan: FleetPlan, sites: Mapping[str, Site], *, forgotten: frozenset[str] = frozenset()) -> set[str]:
    """Return the outcomes of all requests of all tenants."""
    return {
        outcome
        for own in plan.tenants
        for outcome in carry_out(own, sites[own.name].execution, sites[own.name].tenant, forgotten=forgotten)
    }


def states(sites: Mapping[str, Site]) -> Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return {name: (state(site.tenant), seats_of(site.tenant)) for name, site in sites.items()}


def test_the_plan_buys_seats_before_it_takes_them_and_gives_back_those_that_it_frees(planned: Planned) -> None:
    (plan,) = (each for each in planned.plan.tenants if each.name == "contoso")
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
def test_requests_and_purchases_in_order_lead_to_the_state_of_the_proof_and_undo_takes_them_back(
    planned: Planned, tmp_path: Path, lag: int, lost: int | None
) -> None:
    with emulated(lag=lag) as (emulator, sites):
        before = states(sites)
        if lost is not None:
            emulator.faults.add("reset", first=lost, times=1)
            with pytest.raises(httpx.TransportError):
                carried_out(planned.plan, sites)
        assert carried_out(planned.plan, sites) == ({"done"} if lost is None else {"done", "unchanged"})
        for site in sites.values():
            site.execution.settle()
        kept = states(sites)
        assert all(kept[name] != before[name] for name in NAMES)
        assert opened(emulator, tmp_path / "after", planned.plan) == planned.remaining, (
            "claimed findings gone, none new"
        )
        assert carried_out(planned.plan, sites) == {"unchanged"}, "a second run changes nothing"
        assert states(sites) == kept
        if lost is None:
            for plan in planned.plan.tenants:
                is_taken_back(plan, sites[plan.name], *before[plan.name])


def is_taken_back(plan: TenantPlan, site: Site, before: Mapping[str, Any], seats: Mapping[str, Any]) -> None:
    assert plan.changes is not None
    take_back(plan, site.execution, site.tenant, seats)
    now = state(site.tenant)
    ids = {user: name for name, user in user_ids(site.tenant).items()}
    for_good = {step.user or step.group for steps in plan.changes.steps.values() for step in steps if not step.undo}
    for_good = {ids.get(each, each) for each in for_good}
    assert {name for name in before if now[name] != before[name]} <= for_good, "only what cannot be undone"
    assert seats_of(site.tenant)["enabled"] == seats["enabled"]
    assert seats_of(site.tenant)["subscriptions"] == seats["subscriptions"]


def user_ids(tenant: Tenant) -> dict[str, str]:
    people = tenant.people
    return {str(people.value(row, "userPrincipalName")): str(people.value(row, "id")) for row in range(len(people))}


def test_a_purchase_that_is_forgotten_is_reported_and_harms_nothing(planned: Planned, tmp_path: Path) -> None:
    bought = frozenset(
        each.sku_id
        for plan in planned.plan.tenants
        for each in plan.decided_seats
        if each.enabled > each.enabled_before
    )
    with emulated() as (emulator, sites):
        before = {name: state(site.tenant) for name, site in sites.items()}
        assert carried_out(planned.plan, sites, forgotten=bought) == {"done", "no seats", "skipped"}
        for plan in planned.plan.tenants:
            now = state(sites[plan.name].tenant)
            gone = {change.user for change in plan.holdings if change.lost and not change.gained}
            for name, user in user_ids(sites[plan.name].tenant).items():
                had = any(path[2] == "Active" for path in before[plan.name][name])
                holds = any(path[2] == "Active" for path in now[name])
                assert holds or not had or user in gone, "nobody loses what nothing replaced"
        disturbed = opened(emulator, tmp_path / "disturbed", planned.plan)
        assert planned.remaining < disturbed <= planned.findings, "nothing new"
        carried_out(planned.plan, sites)
        assert opened(emulator, tmp_path / "after", planned.plan) == planned.remaining, "bought later, and run again"
