"""Creates a plan and its proof: applies the plan to a copy of the snapshots and audits the copy."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited
from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import packaged_library
from auditor.app.plan.failed_tenants import empty_plan, failed_after, planned
from auditor.catalogue import Catalogue
from auditor.checks.data_needs import needs
from auditor.checks.registry import all_checks
from auditor.domain.actions.action import Action
from auditor.domain.enums import Status
from auditor.domain.errors import AuditorError
from auditor.domain.policy.decision import Decision
from auditor.domain.policy.model import PolicySet
from auditor.domain.renewals import EarlierDates
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, Notice, Result, TenantResult
from auditor.domain.result.saved_plan import DecidedSeats
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.domain.translation import Localizer
from auditor.engine.policy.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.failures import reason_of
from auditor.findings.open_findings import newly_open, open_fingerprints
from auditor.remedy.actions.remedies.model import PlannedChange
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.constraints import add_constraints, avoid, undecided_policies
from auditor.remedy.planner.cost import compared_costs
from auditor.remedy.planner.draft import Draft, PlanConstraints, bought_first, build_actions, draft, order_actions
from auditor.remedy.planner.evaluated_options import Options, options_of
from auditor.remedy.planner.model import Dropped, FleetPlan, Proof, Remaining, Solver, Standing, TenantPlan
from auditor.remedy.planner.questions.decisions import unmatched
from auditor.remedy.planner.questions.planned_seats import with_planned_seats
from auditor.remedy.planner.questions.questions import unsettled
from auditor.remedy.planner.questions.seat_steps import decided_seats, seat_notices, with_seat_steps
from auditor.remedy.planner.reach import reach_of
from auditor.remedy.planner.remaining import blocked_decisions, remaining_of, remaining_reason
from auditor.remedy.planner.simulation.membership_reasons import with_membership_steps
from auditor.remedy.planner.simulation.seat_answers import agreed_contracts, with_agreed
from auditor.remedy.planner.simulation.tenant import changed_snapshot
from auditor.remedy.verification.planned_state import with_state
from auditor.render.plan.question_text import subscription_names
from auditor.render.text.evidence.facts import product_and_set_names
from auditor.render.text.summary import omissions
from auditor.result.aggregate import outdated_tenants
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Snapshot

MAX_DRAFTS = 12
"""The maximum number of drafts, each without the changes that caused findings; the last draft has no requests."""


class _Attempt(Struct, frozen=True, kw_only=True):
    drafts: Mapping[str, Draft]
    after: Result


class _PlanRun(Struct, frozen=True, kw_only=True):
    """One run of planning: what is planned, and what is known about each tenant that has not failed."""

    before: Result
    policies: PolicySet
    catalogue: Catalogue
    as_of: datetime
    l10n: Localizer
    solver: str | None
    earlier: Mapping[str, EarlierDates]
    facts: dict[str, TenantFacts]
    options: dict[str, Options]
    constraints: dict[str, PlanConstraints]
    failures: dict[str, AuditorError]

    def planned(self, tenant: str) -> AbstractContextManager[None]:
        """Return a context that records an exception as the failure of a tenant; it raises that of the only tenant."""
        return planned(tenant, self.failures, only_tenant=len(self.before.tenants) == 1)

    def remove_failed(self) -> None:
        """Remove the tenants that failed, for which no further drafts are made."""
        for name in self.options.keys() & set(self.failures):
            del self.options[name], self.constraints[name]


def plan_run(  # noqa: PLR0913 - the inputs of a plan
    states: Sequence[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    l10n: Localizer = ENGLISH,
    solver: str | None = None,
    decisions: Sequence[Decision] = (),
    earlier: Mapping[str, EarlierDates] | None = None,
) -> FleetPlan:
    """Return the plan of every tenant with its proof.

    A plan that causes a finding is drafted again without the cause. `solver` forces `milp` or `walk`. `earlier` is as
    for `audit`. A tenant that fails gets an empty plan that is marked as incomplete.
    """
    run = _PlanRun(
        before=audit(states, policies, catalogue, as_of, only_tenant=len(states) == 1, earlier=earlier),
        policies=policies,
        catalogue=catalogue,
        as_of=as_of,
        l10n=l10n,
        solver=solver,
        earlier=earlier or {},
        facts={},
        options={},
        constraints={},
        failures={},
    )
    _add_options(run, states, decisions)
    notices = tuple(unmatched(decisions, [options.answered for options in run.options.values()]))
    attempts = (_final_attempt(run, is_last=number == MAX_DRAFTS) for number in range(MAX_DRAFTS + 1))
    attempt = next(attempt for attempt in attempts if attempt is not None)
    return replace(_fleet_plan(run, attempt), notices=notices)


def _add_options(run: _PlanRun, states: Sequence[Snapshot | Unaudited], decisions: Sequence[Decision]) -> None:
    """Add the facts, options and initial constraints of each audited tenant."""
    snapshots = {state.manifest.tenant: state for state in states if isinstance(state, Snapshot)}
    for tenant in run.before.tenants:
        name = tenant.name
        if name in snapshots and tenant.failure is None:
            with run.planned(name):
                facts = TenantFacts(
                    snapshots[name], run.catalogue, run.policies, run.as_of, earlier_dates=run.earlier.get(name)
                )
                run.facts[name] = facts
                run.options[name] = options_of(
                    bind(run.policies, facts, all_checks()), tenant, decisions, packaged_library(), run.l10n
                )
                run.constraints[name] = PlanConstraints()


def _final_attempt(run: _PlanRun, *, is_last: bool) -> _Attempt | None:
    """Draft every plan once; return None if new constraints need another attempt, so that this one is freed before.

    The last attempt changes nothing, and is final.
    """
    for name, constraints in run.constraints.items() if is_last else ():
        reason = remaining_reason(run.l10n, "limit", detail="-")
        constraints.barred.update(dict.fromkeys(run.options[name].evaluated, reason))
    attempt = _attempt(run)
    run.remove_failed()
    has_new_constraints = _add_constraints(run, attempt)
    run.remove_failed()
    return attempt if is_last or not has_new_constraints else None


def _attempt(run: _PlanRun) -> _Attempt:
    """Draft every plan once and audit its effect; record the tenants that fail."""
    options = run.options
    drafts: dict[str, Draft] = {}
    planned_snapshots: list[Snapshot] = []
    for name in options:
        with run.planned(name):
            plan_draft = draft(options[name], run.constraints[name], solver=run.solver)
            planned_snapshots.append(changed_snapshot(run.facts[name], plan_draft.state))
            drafts[name] = plan_draft
    contracts = {name: agreed_contracts(options[name].bound, plan_draft.seats) for name, plan_draft in drafts.items()}
    agreed = with_agreed(run.policies.contracts, contracts, tuple(run.facts))
    after = audit(
        planned_snapshots,
        replace(run.policies, contracts=agreed),
        run.catalogue,
        run.as_of,
        only_tenant=len(run.before.tenants) == 1,
        earlier=run.earlier,
    )
    run.failures.update(failed_after(after))
    return _Attempt(drafts=drafts, after=after)


def _add_constraints(run: _PlanRun, attempt: _Attempt) -> bool:
    """Record the constraints from the audit of the drafts; return whether there are new ones."""
    changed = False
    tenants_before = {tenant.name: tenant for tenant in run.before.tenants}
    for tenant in attempt.after.tenants:
        name = tenant.name
        if name in run.constraints:
            with run.planned(name):
                before, drafted = tenants_before[name], attempt.drafts[name]
                changed = add_constraints(before, tenant, run.constraints[name], drafted) or changed
    fleet = frozenset(open_fingerprints(run.before.fleet.findings))
    for finding in newly_open(attempt.after.fleet.findings, fleet):
        for name, constraints in run.constraints.items():
            changed = avoid(constraints, finding, attempt.drafts[name]) or changed
    return changed


def _fleet_plan(run: _PlanRun, attempt: _Attempt) -> FleetPlan:
    before, failures = run.before, run.failures
    after = {tenant.name: tenant for tenant in attempt.after.tenants}
    tenants: list[TenantPlan] = []
    for tenant in before.tenants:
        name = tenant.name
        if name in run.options:
            with run.planned(name):
                plan_draft = attempt.drafts[name]
                plan = _tenant_plan(tenant, after[name], plan_draft, run.constraints[name])
                tenants.append(with_state(plan, plan_draft.options, plan_draft.seats))
        if name in failures or name not in run.options:
            reason = tenant.failure if name not in failures else reason_of(failures[name])
            tenants.append(empty_plan(tenant, reason))
    titles = tenant_titles(before.tenants)
    outdated = {tenant.name: tenant.as_of for tenant in outdated_tenants(before)}
    policy_titles = {policy.id: run.l10n.policy(policy.title) for policy in run.policies.policies}
    described = (
        replace(tenant, title=titles[tenant.name], policy_titles=policy_titles, outdated=outdated.get(tenant.name))
        for tenant in tenants
    )
    return FleetPlan(
        as_of=format_instant(before.run.as_of),
        policy_digest=run.policies.digest,
        tenants=tuple(described),
        fleet=_fleet_proof(before.fleet, attempt.after.fleet, run.l10n),
    )


def _fleet_proof(before: FleetResult, after: FleetResult, l10n: Localizer) -> Proof:
    open_after = frozenset(open_fingerprints(after.findings))
    open_ = open_fingerprints(before.findings)
    return Proof(
        fixed=tuple(fingerprint for fingerprint in open_ if fingerprint not in open_after),
        remaining=tuple(
            Remaining(fingerprint=fingerprint, code="fleet", why=remaining_reason(l10n, "fleet"))
            for fingerprint in open_
            if fingerprint in open_after
        ),
        new=newly_open(after.findings, frozenset(open_)),
        undecided=undecided_policies(before.policies, after.policies),
    )


def _tenant_plan(
    before: TenantResult, after: TenantResult, plan_draft: Draft, constraints: PlanConstraints
) -> TenantPlan:
    options = plan_draft.options
    open_ = tuple(finding for finding in options.context.findings if finding.status is Status.OPEN)
    unknown = frozenset(undecided_policies(before.policies, after.policies))
    open_after = {*open_fingerprints(after.findings), *(f.fingerprint for f in open_ if f.policy in unknown)}
    fixed = tuple(finding.fingerprint for finding in open_ if finding.fingerprint not in open_after)
    remaining = [finding for finding in open_ if finding.fingerprint in open_after]
    fixed_by_requests = set(fixed) - plan_draft.claimed - options.seat_findings
    blocked = blocked_decisions(remaining, options, constraints, unknown)
    changes = (*plan_draft.changes, *blocked)
    actions = build_actions(options, fixed_by_requests, changes, plan_draft.seats)
    ordered_actions = bought_first(order_actions(actions, plan_draft.deferrals), plan_draft.skus_taken)
    seats = _decided_seats(ordered_actions, plan_draft)
    actions = _with_steps(ordered_actions, open_, plan_draft, seats)
    kinds = _kinds(actions, blocked)
    money = compared_costs(before, after, plan_draft.proposals, options.bound)
    needed = needs(options.bound.facts.policies).sources
    return TenantPlan(
        name=before.name,
        tenant_id=before.tenant_id,
        title=before.title,
        cloud=before.cloud,
        complete=before.fully_evaluated,
        omitted=omissions((source for source in before.sources if source.name in needed), before.policies),
        actions=actions,
        before=Standing(open=len(open_), money=money[0]),
        after=Standing(open=len(open_after), money=money[1]),
        proof=Proof(
            fixed=fixed,
            remaining=tuple(remaining_of(finding, kinds, options, constraints, unknown) for finding in remaining),
            new=newly_open(after.findings, options.opened),
            undecided=undecided_policies(before.policies, after.policies, open_),
        ),
        dropped=_dropped(constraints),
        solver=_solver(plan_draft, constraints),
        findings=open_,
        reach=reach_of(open_, frozenset(fixed), options.state.memberships),
        questions=tuple(with_planned_seats(unsettled(options.answered.questions, fixed), actions, options.bound.facts)),
        notices=_notices(plan_draft, constraints),
        names=_names(before, options),
        answers=options.answered.all_answers,
        decided_seats=seats,
    )


def _decided_seats(actions: Sequence[Action], plan_draft: Draft) -> tuple[DecidedSeats, ...]:
    bound = plan_draft.options.bound
    return decided_seats(actions, plan_draft.seats, bound, agreed_contracts(bound, plan_draft.seats).values())


def _kinds(actions: Iterable[Action], blocked: Iterable[PlannedChange]) -> dict[str, str]:
    """Return the kind of action that each finding needs, by fingerprint, without those with a blocked decision."""
    decided = {fingerprint for change in blocked for fingerprint in change.findings}
    return {name: action.kind for action in actions for name in action.findings if name not in decided}


def _notices(plan_draft: Draft, constraints: PlanConstraints) -> tuple[Notice, ...]:
    """Return the notices about decisions, those about seats last."""
    about_seats = seat_notices(plan_draft.options.seat_changes, plan_draft.seats, constraints.unfollowed)
    return (*plan_draft.options.answered.notices, *about_seats)


def _names(tenant: TenantResult, options: Options) -> dict[str, str]:
    """Return the names of products, product sets and groups, and of subscriptions that questions must distinguish."""
    names = product_and_set_names(tenant, options.l10n)
    names |= {group.id: group.name for group in options.state.memberships.groups.values() if group.name}
    return names | subscription_names(options.answered.questions, tenant.subscriptions, options.l10n)


def _with_steps(
    actions: Sequence[Action], open_: Sequence[Finding], plan_draft: Draft, seats: Sequence[DecidedSeats]
) -> tuple[Action, ...]:
    """Add the steps that other actions of the plan require: for memberships, then for seats."""
    options, by_fingerprint = plan_draft.options, {finding.fingerprint: finding for finding in open_}
    listed_steps = tuple(with_membership_steps(actions, by_fingerprint, options.state.memberships, options.l10n))
    question_findings = {
        fingerprint
        for question in options.answered.questions
        if question.decision is None
        for fingerprint in question.findings
    }
    proposals = plan_draft.proposals.values()
    return tuple(with_seat_steps(listed_steps, proposals, question_findings, plan_draft.seats, seats, options.l10n))


def _dropped(constraints: PlanConstraints) -> tuple[Dropped, ...]:
    reasons = {**constraints.barred, **constraints.reasons}
    return tuple(Dropped(subject=subject, why=reason) for subject, reason in sorted(reasons.items()))


def _solver(plan_draft: Draft, constraints: PlanConstraints) -> Solver:
    """Describe the solution; it is not optimal if something was excluded, because a better one may exist."""
    return Solver(
        name=plan_draft.choice.solver,
        optimal=not (constraints.barred or constraints.limits),
        reached=-plan_draft.choice.score.corrected,
        bound=sum(
            -min(evaluated.option.score.corrected for evaluated in alternatives)
            for alternatives in plan_draft.options.evaluated.values()
        ),
        unpriced=tuple(sorted({sku for evaluated in plan_draft.proposals.values() for sku in evaluated.unpriced})),
        partial=plan_draft.options.partial,
    )
