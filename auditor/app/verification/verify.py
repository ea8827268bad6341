"""Compares saved plans with the state of tenants and with the result of its audit."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited, map_tenants
from auditor.app.catalogue import active
from auditor.app.verification.change_log import NO_LOG, LogEntry, TenantLog, tenant_log
from auditor.domain.enums import Outcome, Status
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.saved_plan import PlannedAction, PlannedFinding, SavedPlan, SavedTenantPlan
from auditor.domain.result.verification import (
    ActionVerdict,
    Cause,
    FindingState,
    FindingVerdict,
    SeatDecisionVerdict,
    StepVerdict,
    TenantVerification,
    Verdict,
    freed_by,
)
from auditor.engine.tenant_facts import TenantFacts
from auditor.failures import TenantBoundary
from auditor.remedy.verification.decided_seats import seat_decision_verdicts
from auditor.remedy.verification.verdicts import Steps, seat_changes, step_verdicts
from auditor.snapshot.model import Manifest
from auditor.snapshot.reader import manifest_of, read

States = Sequence[Path | Unaudited]
"""The snapshot of each tenant, or the reason why there is none."""


class KnownPlan(Struct, frozen=True, kw_only=True):
    """A plan of one tenant, with the log of its scripts."""

    tenant: SavedTenantPlan
    plan: SavedPlan
    log: TenantLog = field(default=NO_LOG)


class _PlannedStates(Struct, frozen=True, kw_only=True):
    """The state and the policy of each finding of a plan, by fingerprint."""

    states: Mapping[str, FindingState]
    policies: Mapping[str, str]


Plans = Mapping[str, KnownPlan]
"""The plan of each tenant, by name."""


def plans_of(plan: SavedPlan, entries: Iterable[LogEntry]) -> Plans:
    """Return the plan of each tenant with its log."""
    entries = tuple(entries)
    return {
        tenant.name: KnownPlan(tenant=tenant, plan=plan, log=tenant_log(entries, tenant, plan.as_of))
        for tenant in plan.tenants
    }


def check_tenants(tenants: Iterable[SavedTenantPlan], states: States) -> None:
    """Raise UsageError if no state belongs to a planned tenant, or if a tenant has the same name but a different id."""
    plans = {tenant.name: tenant for tenant in tenants}
    id_by_name = {state.name: state.tenant_id for state in states if isinstance(state, Unaudited)}
    id_by_name |= {manifest.tenant: manifest.tenant_id for manifest in _manifests(states).values()}
    hint = Message("specify the plan of this tenant")
    for name, tenant in plans.items():
        if id_by_name.get(name) and id_by_name[name] != tenant.tenant_id:
            message = Message(
                "the plan is for {name} with the id {planned}, but the state is from the id {read}",
                name=name,
                planned=tenant.tenant_id,
                read=id_by_name[name],
            )
            raise UsageError("plan-tenant", message, hint=hint)
    if plans.keys().isdisjoint(id_by_name):
        planned, read_ = (", ".join(sorted(names)) for names in (plans, id_by_name))
        message = Message("the plan is for {planned}, but the state is from {read}", planned=planned, read=read_)
        raise UsageError("plan-tenant", message, hint=hint)


def _manifests(states: States) -> Mapping[Path, Manifest]:
    """Return the manifest of each snapshot; damaged ones are skipped, because the audit reports them."""
    manifests: dict[Path, Manifest] = {}
    for state in states:
        if isinstance(state, Path):
            with TenantBoundary(state.parent.name):
                manifests[state] = manifest_of(state)
    return manifests


def verified(result: Result, states: States, plans: Plans, policies: PolicySet) -> Result:
    """Return the result with the verification of the plan of each of its tenants."""
    folders = {manifest.tenant: folder for folder, manifest in _manifests(states).items()}

    def change(tenant: TenantResult) -> TenantResult:
        plan, folder = plans.get(tenant.name), folders.get(tenant.name)
        if plan is None:
            return tenant
        facts = None
        if tenant.failure is None and folder is not None:
            facts = TenantFacts(read(folder), active(), policies, result.run.as_of)
        return replace(tenant, verification=tenant_verification(plan, tenant, facts, policies.digest))

    return map_tenants(result, change)


def tenant_verification(
    known_plan: KnownPlan, tenant: TenantResult, facts: TenantFacts | None, policy_digest: str
) -> TenantVerification:
    """Return the verification of a tenant's plan; `facts` is None if the tenant was not audited."""
    plan, done_steps = known_plan.tenant, known_plan.log.done
    steps = step_verdicts(plan, facts, done_steps)
    seats, decided = seat_changes(plan, facts), seat_decision_verdicts(plan, facts)
    states = _finding_states(plan, tenant, steps, done_steps)
    planned = _PlannedStates(states=states, policies={finding.fingerprint: finding.policy for finding in plan.findings})
    by_action: dict[int, list[StepVerdict]] = {}
    for (number, _), step in sorted(steps.items()):
        by_action.setdefault(number, []).append(step)
    actions = tuple(
        replace(
            _action(number, action, by_action.get(number, ()), planned, decided.get(number)),
            seats=seats.get(number, ()),
            execution=known_plan.log.execution(number),
            decided=decided.get(number),
        )
        for number, action in enumerate(plan.actions, start=1)
    )
    new = (f for f in tenant.findings if f.status is Status.OPEN and f.fingerprint not in states)
    return TenantVerification(
        planned_at=known_plan.plan.as_of,
        same_policies=known_plan.plan.policy_digest == policy_digest,
        actions=actions,
        findings=(
            *(_finding(finding, states[finding.fingerprint]) for finding in plan.findings),
            *(_finding(finding, FindingState.NEW) for finding in new),
        ),
        freed=freed_by(actions),
    )


def _finding(finding: PlannedFinding | Finding, state: FindingState) -> FindingVerdict:
    return FindingVerdict(
        fingerprint=finding.fingerprint,
        state=state,
        policy=finding.policy,
        check=finding.check,
        severity=finding.severity,
        subject=finding.subject,
        product=finding.product,
        detail=finding.detail,
    )


def _finding_states(
    plan: SavedTenantPlan, tenant: TenantResult, steps: Steps, logged: Collection[tuple[int, int]]
) -> Mapping[str, FindingState]:
    """Return the state of each finding of a plan, by fingerprint."""
    planned_fingerprints = {finding.fingerprint for finding in plan.findings}
    status_by_fingerprint = {
        item.fingerprint: item.status for item in tenant.findings if item.fingerprint in planned_fingerprints
    }
    evaluated_policies = {item.id for item in tenant.policies if item.status is not Outcome.NOT_EVALUATED}
    fixed = frozenset(plan.proof.fixed)
    action_by_fingerprint = {
        fingerprint: number for number, action in enumerate(plan.actions, start=1) for fingerprint in action.findings
    }

    def state(finding: PlannedFinding) -> FindingState:
        status = status_by_fingerprint.get(finding.fingerprint)
        if status in {Status.OPEN, Status.REPORT_ONLY}:
            number = action_by_fingerprint.get(finding.fingerprint)
            came_back = finding.fingerprint in fixed and _was_done(number, finding.subject.id, steps, logged)
            return FindingState.CAME_BACK if came_back else FindingState.OPEN
        if tenant.failure is not None or (status is None and finding.policy not in evaluated_policies):
            return FindingState.UNKNOWN
        return FindingState.GONE if status is None else FindingState.WAIVED

    return {finding.fingerprint: state(finding) for finding in plan.findings}


def _was_done(number: int | None, subject: str, steps: Steps, logged: Collection[tuple[int, int]]) -> bool:
    """Return whether the requests of an action for a subject were made, according to the state or the log.

    A finding without an action is fixed by several actions together: `number` is None, and all requests count.
    """
    if number is not None:
        steps = {step: verdict for step, verdict in steps.items() if step[0] == number}
        steps = {step: verdict for step, verdict in steps.items() if verdict.subject == subject} or steps
    return bool(steps) and all(verdict.verdict is Verdict.DONE or step in logged for step, verdict in steps.items())


def _action(
    number: int,
    action: PlannedAction,
    steps: Sequence[StepVerdict],
    planned: _PlannedStates,
    decided: SeatDecisionVerdict | None,
) -> ActionVerdict:
    """Determine the verdict of an action from its requests, or else its decided seats, or else its findings."""
    if steps:
        verdict, cause, detail = _by_requests(steps)
    elif decided is not None:
        verdict, cause, detail = decided.verdict, decided.cause, decided.detail
    else:
        verdict, cause, detail = _by_findings(action.findings, planned)
    states = {planned.states.get(fingerprint, FindingState.GONE) for fingerprint in action.findings}
    if steps and verdict in {Verdict.NOT, Verdict.PARTLY} and states == {FindingState.GONE}:
        verdict, cause = Verdict.CHANGED, Cause.OTHER_WAY
    return ActionVerdict(
        number=number,
        id=action.id,
        title=action.title,
        title_arguments=action.title_arguments,
        kind=action.kind,
        owner=action.owner,
        verdict=verdict,
        cause=cause,
        detail=detail,
        requests=len(steps),
        done=sum(step.verdict is Verdict.DONE for step in steps),
        steps=tuple(step for step in steps if step.verdict is not Verdict.DONE),
        findings=action.findings,
    )


def _by_requests(steps: Sequence[StepVerdict]) -> tuple[Verdict, Cause, str]:
    by_verdict = {step.verdict: step for step in reversed(steps)}
    for verdict in (Verdict.UNKNOWN, Verdict.PARTLY):
        if verdict in by_verdict:
            return verdict, by_verdict[verdict].cause, by_verdict[verdict].detail
    if Verdict.NOT in by_verdict:
        step = by_verdict[Verdict.NOT]
        return (Verdict.PARTLY if Verdict.DONE in by_verdict else Verdict.NOT), step.cause, step.detail
    step = by_verdict.get(Verdict.CHANGED, steps[0])
    return step.verdict, step.cause, step.detail


def _by_findings(findings: Sequence[str], planned: _PlannedStates) -> tuple[Verdict, Cause, str]:
    """Determine the verdict of an action without requests: all, some or none of its findings are gone."""
    states = [planned.states[fingerprint] for fingerprint in findings if fingerprint in planned.states]
    unknown = next(
        (fingerprint for fingerprint in findings if planned.states.get(fingerprint) is FindingState.UNKNOWN), None
    )
    if unknown is not None or not states:
        return Verdict.UNKNOWN, Cause.POLICY, planned.policies.get(unknown or "", "")
    resolved = sum(state is FindingState.GONE for state in states)
    remaining = sum(state is FindingState.OPEN for state in states)
    if not remaining:
        return (Verdict.DONE, Cause.NONE, "") if resolved == len(states) else (Verdict.CHANGED, Cause.WAIVED, "")
    return (Verdict.PARTLY if resolved else Verdict.NOT), Cause.NONE, ""
