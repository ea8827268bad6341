"""Makes a plan and its proof: applies the plan to a copy of the snapshots and audits the copy."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditor.app.audit.failed_tenants import Unaudited
from auditor.app.audit.pipeline import audit
from auditor.app.audit.remediation import packaged_library
from auditor.app.plan.failed_tenants import failed_after, planned, unplanned
from auditor.app.plan.remaining import remaining_of
from auditor.catalogue import Catalogue
from auditor.checks.check import SeatBalance
from auditor.checks.data_needs import needs
from auditor.checks.registry import check_of, registered
from auditor.domain.decision import Decision
from auditor.domain.enums import Outcome, SourceStatus, Status, SubjectType
from auditor.domain.errors import AuditorError
from auditor.domain.policy import PolicySet
from auditor.domain.result import Finding, FleetResult, PolicyOutcome, Result, TenantResult
from auditor.engine.binding import bind
from auditor.engine.tenant_facts import TenantFacts
from auditor.failures import reason_of
from auditor.findings.table import FindingTable
from auditor.remedy.messages import ENGLISH, Words
from auditor.remedy.planner.cost import figures
from auditor.remedy.planner.decisions import unmatched
from auditor.remedy.planner.draft import Draft, Options, PlanConstraints, draft, listed, options_of, reordered
from auditor.remedy.planner.membership_reasons import with_membership_steps
from auditor.remedy.planner.model import (
    Dropped,
    FleetPlan,
    Proof,
    Remaining,
    Solver,
    Standing,
    TenantPlan,
)
from auditor.remedy.planner.options import Limit
from auditor.remedy.planner.remaining_reasons import why
from auditor.remedy.planner.simulation import resulting
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Snapshot

TRIES = 12
"""Maximum number of drafts, each without the changes that caused findings; the last draft has no requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    drafts: Mapping[str, Draft]
    after: Result


def plan_run(
    states: Sequence[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    words: Words = ENGLISH,
    solver: str | None = None,
    decisions: Sequence[Decision] = (),
) -> FleetPlan:
    """Return the plan of every tenant with its proof.

    A plan that causes a finding is drafted again without the cause. `solver` forces `milp` or `walk`. A tenant that
    fails has no plan and is incomplete.
    """
    alone = len(states) == 1
    before = audit(states, policies, catalogue, as_of, alone=alone)
    failures: dict[str, AuditorError] = {}
    facts, options = _options(before, states, policies, catalogue, as_of, failures, decisions)
    notices = tuple(unmatched(decisions, [each.answered for each in options.values()]))
    constraints = {name: PlanConstraints() for name in options}
    for number in range(TRIES + 1):
        if number == TRIES:
            for name, learned in constraints.items():
                learned.barred.update(dict.fromkeys(options[name].weighed, why(words, "limit", detail="-")))
        tried = _tried(facts, options, constraints, policies, catalogue, as_of, words, solver, failures)
        _leave_out(failures, options, constraints)
        again = _learn(before, tried, constraints, options, words, failures)
        _leave_out(failures, options, constraints)
        if not again:
            break
    made = _fleet_plan(before, tried, options, constraints, policies, words, failures)
    return replace(made, notices=notices)


def _leave_out(failures: Collection[str], options: dict[str, Options], constraints: dict[str, PlanConstraints]) -> None:
    """Stop planning for tenants that failed."""
    for name in options.keys() & set(failures):
        del options[name], constraints[name]


def _options(
    before: Result,
    states: Sequence[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    failures: dict[str, AuditorError],
    decisions: Sequence[Decision],
) -> tuple[dict[str, TenantFacts], dict[str, Options]]:
    """Return the facts and options of each audited tenant, by name."""
    facts: dict[str, TenantFacts] = {}
    options: dict[str, Options] = {}
    snapshots = {state.manifest.tenant: state for state in states if isinstance(state, Snapshot)}
    for tenant in before.tenants:
        if tenant.name in snapshots and tenant.failure is None:
            with planned(tenant.name, failures, alone=len(states) == 1):
                facts[tenant.name] = TenantFacts(snapshots[tenant.name], catalogue, policies, as_of)
                options[tenant.name] = options_of(bind(policies, facts[tenant.name], registered()), tenant, decisions)
    return facts, options


def _tried(  # noqa: PLR0913, PLR0917 - what one try is made of
    facts: Mapping[str, TenantFacts],
    options: Mapping[str, Options],
    constraints: Mapping[str, PlanConstraints],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    words: Words,
    solver: str | None,
    failures: dict[str, AuditorError],
) -> _Try:
    """Draft every plan once and audit its effect; record tenants that fail."""
    library, alone = packaged_library(), len(facts) + len(failures) == 1
    drafts: dict[str, Draft] = {}
    altered: list[Snapshot] = []
    for name, own in options.items():
        with planned(name, failures, alone=alone):
            made = draft(own, constraints[name], library, words=words, solver=solver)
            altered.append(resulting(facts[name], made.state))
            drafts[name] = made
    after = audit(altered, policies, catalogue, as_of, alone=alone)
    failures |= failed_after(after)
    return _Try(drafts=drafts, after=after)


def _learn(
    before: Result,
    tried: _Try,
    constraints: Mapping[str, PlanConstraints],
    options: Mapping[str, Options],
    words: Words,
    failures: dict[str, AuditorError],
) -> bool:
    """Record constraints from drafts and failures; return whether the next drafts have to differ."""
    changed = False
    then = {tenant.name: tenant for tenant in before.tenants}
    for tenant in tried.after.tenants:
        name = tenant.name
        if name in constraints:
            with planned(name, failures, alone=len(before.tenants) == 1):
                changed = (
                    learn(then[name], tenant, constraints[name], tried.drafts[name], options[name], words) or changed
                )
    for finding in _new(before.fleet.findings, tried.after.fleet.findings):
        for name, learned in constraints.items():
            changed = _avoid(learned, finding, tried.drafts[name], options[name], words) or changed
    return changed


def learn(
    before: TenantResult, after: TenantResult, learned: PlanConstraints, made: Draft, options: Options, words: Words
) -> bool:
    """Add to a tenant's constraints what a draft of its plan led to; return whether the next draft has to differ."""
    changed = sum(_bar(learned, user, why(words, "refused", detail=told)) for user, told in made.refused.items()) > 0
    for finding in _new(before.findings, after.findings):
        changed = _avoid(learned, finding, made, options, words) or changed
    claimed = {mark for one in made.decided for mark in one.findings}
    for finding in after.findings:
        if finding.status is Status.OPEN and finding.fingerprint in claimed:
            changed = _bar(learned, options.owner(finding.subject.id), why(words, "person")) or changed
    if _undecided(before.policies, after.policies):
        for user in made.taken:
            changed = _bar(learned, user, why(words, "limit", detail="-")) or changed
    return changed


def _bar(learned: PlanConstraints, user: str, reason: str) -> bool:
    if user in learned.barred:
        return False
    learned.barred[user] = reason
    return True


def _avoid(learned: PlanConstraints, finding: Finding, made: Draft, options: Options, words: Words) -> bool:
    """Find the people or seats that caused a new finding, and exclude them."""
    reason = why(words, "limit", detail=f"{finding.policy}: {finding.check}, {finding.subject.name}")
    owner = options.owner(finding.subject.id)
    if finding.subject.type is SubjectType.USER and owner in made.taken:
        return _bar(learned, owner, reason)
    sku_id = finding.product.sku_id if finding.product is not None else None
    balance = check_of(finding.check).seat_balance
    if sku_id is not None and sku_id not in learned.limits and balance is not None:
        learned.limits[sku_id] = Limit(most=0) if balance is SeatBalance.TOO_FEW_SPARE else Limit(least=0)
        learned.reasons[sku_id] = reason
        return True
    fewer = [user for user in made.taken if sku_id is None or sku_id in made.taken[user].option.seats]
    changed = [_bar(learned, user, reason) for user in fewer or made.taken]
    return any(changed)


def _new(before: Sequence[Finding], after: Sequence[Finding]) -> tuple[Finding, ...]:
    known = {finding.fingerprint for finding in before if finding.status is Status.OPEN}
    return tuple(f for f in after if f.status is Status.OPEN and f.fingerprint not in known)


def _undecided(before: Sequence[PolicyOutcome], after: Sequence[PolicyOutcome]) -> tuple[str, ...]:
    known = {outcome.id for outcome in before if outcome.status is Outcome.NOT_EVALUATED}
    return tuple(outcome.id for outcome in after if outcome.status is Outcome.NOT_EVALUATED and outcome.id not in known)


def _fleet_plan(
    before: Result,
    tried: _Try,
    options: Mapping[str, Options],
    constraints: Mapping[str, PlanConstraints],
    policies: PolicySet,
    words: Words,
    failures: dict[str, AuditorError],
) -> FleetPlan:
    after = {tenant.name: tenant for tenant in tried.after.tenants}
    tenants: list[TenantPlan] = []
    for tenant in before.tenants:
        name = tenant.name
        if name in options:
            with planned(name, failures, alone=len(before.tenants) == 1):
                tenants.append(
                    _tenant_plan(tenant, after[name], options[name], tried.drafts[name], constraints[name], words)
                )
        if name in failures or name not in options:
            reason = tenant.failure if name not in failures else reason_of(failures[name])
            tenants.append(unplanned(tenant, reason))
    return FleetPlan(
        as_of=format_instant(before.run.as_of),
        policy_digest=policies.digest,
        tenants=tuple(tenants),
        fleet=_fleet_proof(before.fleet, tried.after.fleet, words),
    )


def _fleet_proof(before: FleetResult, after: FleetResult, words: Words) -> Proof:
    left = {finding.fingerprint for finding in after.findings if finding.status is Status.OPEN}
    open_ = [finding.fingerprint for finding in before.findings if finding.status is Status.OPEN]
    return Proof(
        fixed=tuple(mark for mark in open_ if mark not in left),
        remaining=tuple(
            Remaining(fingerprint=mark, code="fleet", why=why(words, "fleet")) for mark in open_ if mark in left
        ),
        new=_new(before.findings, after.findings),
        undecided=_undecided(before.policies, after.policies),
    )


def _tenant_plan(
    before: TenantResult,
    after: TenantResult,
    options: Options,
    made: Draft,
    constraints: PlanConstraints,
    words: Words,
) -> TenantPlan:
    left = {finding.fingerprint for finding in after.findings if finding.status is Status.OPEN}
    open_ = tuple(finding for finding in before.findings if finding.status is Status.OPEN)
    fixed = tuple(finding.fingerprint for finding in open_ if finding.fingerprint not in left)
    claimed = {mark for one in made.decided for mark in one.findings}
    # What the requests mend in passing (a mark on a group, seats in use) needs no action of its own.
    done = set(fixed) - claimed
    needed = tuple(finding for finding in before.findings if finding.fingerprint not in done)
    told = listed(options, replace(before, findings=FindingTable.of(needed)), made.decided, packaged_library(), words)
    by_mark = {finding.fingerprint: finding for finding in open_}
    actions = tuple(with_membership_steps(reordered(told, made.deferrals), by_mark, options.state.memberships, words))
    kinds = {mark: action.kind for action in actions for mark in action.findings}
    money = [figures(before, after, made.taken, options.plan, done=done) for done in (False, True)]
    return TenantPlan(
        name=before.name,
        tenant_id=before.tenant_id,
        display_name=before.display_name,
        cloud=before.cloud,
        complete=before.complete and not any(o.status is Outcome.NOT_EVALUATED for o in before.policies),
        omitted=_omitted(before, options.plan.facts.policies),
        actions=actions,
        before=Standing(open=len(open_), money=money[0]),
        after=Standing(open=len(left), money=money[1]),
        proof=Proof(
            fixed=fixed,
            remaining=tuple(
                remaining_of(finding, kinds, options, constraints, words)
                for finding in open_
                if finding.fingerprint in left
            ),
            new=_new(before.findings, after.findings),
            undecided=_undecided(before.policies, after.policies),
        ),
        dropped=tuple(
            Dropped(subject=subject, why=reason)
            for subject, reason in sorted({**constraints.barred, **constraints.reasons}.items())
        ),
        solver=_solver(options, made, constraints),
        findings=open_,
        questions=options.answered.questions,
        notices=options.answered.notices,
    )


def _solver(options: Options, made: Draft, constraints: PlanConstraints) -> Solver:
    """Describe the choice; it is not optimal if something was excluded, since a better one may exist."""
    return Solver(
        name=made.choice.solver,
        optimal=made.choice.optimal and not (constraints.barred or constraints.limits),
        reached=-made.choice.score.corrected,
        bound=sum(-min(weighed.option.score.corrected for weighed in own) for own in options.weighed.values()),
        unpriced=tuple(sorted({sku for weighed in made.taken.values() for sku in weighed.unpriced})),
        partial=options.partial,
    )


def _omitted(tenant: TenantResult, policies: PolicySet) -> tuple[str, ...]:
    needed = needs(policies).sources
    partly = [
        f"{source.name.value}: {source.status.value}" + (f" ({source.reason})" if source.reason else "")
        for source in tenant.sources
        if source.name in needed and source.status not in {SourceStatus.COMPLETE, SourceStatus.NOT_NEEDED}
    ]
    undecided = [
        f"{outcome.id}: {outcome.reason or outcome.status.value}"
        for outcome in tenant.policies
        if outcome.status is Outcome.NOT_EVALUATED
    ]
    return (*partly, *undecided)
