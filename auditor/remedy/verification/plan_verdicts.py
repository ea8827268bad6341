"""Verifies the plan of a tenant: a verdict on each action, and the state of each finding."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from auditor.domain.enums import Outcome, Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.domain.result.saved_plan import PlannedAction, PlannedFinding, SavedTenantPlan
from auditor.domain.result.verification import (
    ActionVerdict,
    Cause,
    Execution,
    FindingState,
    FindingVerdict,
    SeatDecisionVerdict,
    StepVerdict,
    TenantVerification,
    Verdict,
    freed_by,
)
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.verification.decided_seats import seat_decision_verdicts
from auditor.remedy.verification.request_verdicts import Step, Steps, seat_changes, step_verdicts


def tenant_verification(
    plan: SavedTenantPlan,
    tenant: TenantResult,
    facts: TenantFacts | None,
    *,
    done: Collection[Step],
    executions: Mapping[int, Execution],
    planned_at: datetime,
    same_policies: bool,
) -> TenantVerification:
    """Return the verification of a tenant's plan; `facts` is None if the tenant was not audited.

    `done` are the steps that are done according to the log, and `executions` those of the actions in the log.
    """
    steps = step_verdicts(plan, facts, done)
    seats, decided = seat_changes(plan, facts), seat_decision_verdicts(plan, facts)
    states = _finding_states(plan, tenant, steps, done)
    policies = {finding.fingerprint: finding.policy for finding in plan.findings}
    by_action: dict[int, list[StepVerdict]] = {}
    for (number, _), step in sorted(steps.items()):
        by_action.setdefault(number, []).append(step)
    actions = tuple(
        replace(
            _action(number, action, by_action.get(number, ()), states, policies, decided.get(number)),
            seats=seats.get(number, ()),
            execution=executions.get(number),
            decided=decided.get(number),
        )
        for number, action in enumerate(plan.actions, start=1)
    )
    new = (f for f in tenant.findings if f.status is Status.OPEN and f.fingerprint not in states)
    return TenantVerification(
        planned_at=planned_at,
        same_policies=same_policies,
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
    plan: SavedTenantPlan, tenant: TenantResult, steps: Steps, logged: Collection[Step]
) -> Mapping[str, FindingState]:
    """Return the state of each finding of a plan, by fingerprint."""
    planned_fingerprints = {finding.fingerprint for finding in plan.findings}
    status_by_fingerprint = {
        item.fingerprint: item.status for item in tenant.findings if item.fingerprint in planned_fingerprints
    }
    evaluated_policies = {item.id for item in tenant.policies if item.status is not Outcome.NOT_EVALUATED}
    fixed, undone = frozenset(plan.proof.fixed), _undone(steps, logged)
    action_by_fingerprint = {
        fingerprint: number for number, action in enumerate(plan.actions, start=1) for fingerprint in action.findings
    }

    def state(finding: PlannedFinding) -> FindingState:
        status = status_by_fingerprint.get(finding.fingerprint)
        if status in {Status.OPEN, Status.REPORT_ONLY}:
            # A finding without an action is fixed by several actions together: all of their requests count.
            number = action_by_fingerprint.get(finding.fingerprint)
            is_undone = undone.get((number, finding.subject.id), undone.get((number, ""), True))
            came_back = finding.fingerprint in fixed and not is_undone
            return FindingState.CAME_BACK if came_back else FindingState.OPEN
        if tenant.failure is not None or (status is None and finding.policy not in evaluated_policies):
            return FindingState.UNKNOWN
        return FindingState.GONE if status is None else FindingState.WAIVED

    return {finding.fingerprint: state(finding) for finding in plan.findings}


def _undone(steps: Steps, logged: Collection[Step]) -> dict[tuple[int | None, str], bool]:
    """Return whether a request was not made, according to the state and the log, by action and subject.

    The subject is empty for all requests of an action, and the number of the action is None for those of all actions.
    """
    undone: dict[tuple[int | None, str], bool] = {}
    for step, verdict in steps.items():
        is_undone = verdict.verdict is not Verdict.DONE and step not in logged
        for key in ((step[0], verdict.subject), (step[0], ""), (None, "")):
            undone[key] = undone.get(key, False) or is_undone
    return undone


def _action(
    number: int,
    action: PlannedAction,
    steps: Sequence[StepVerdict],
    finding_states: Mapping[str, FindingState],
    policies: Mapping[str, str],
    decided: SeatDecisionVerdict | None,
) -> ActionVerdict:
    """Determine the verdict of an action from its requests, or else its decided seats, or else its findings."""
    if steps:
        verdict, cause, detail = _by_requests(steps)
    elif decided is not None:
        verdict, cause, detail = decided.verdict, decided.cause, decided.detail
    else:
        verdict, cause, detail = _by_findings(action.findings, finding_states, policies)
    states = {finding_states.get(fingerprint, FindingState.GONE) for fingerprint in action.findings}
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


def _by_findings(
    findings: Sequence[str], states: Mapping[str, FindingState], policies: Mapping[str, str]
) -> tuple[Verdict, Cause, str]:
    """Determine the verdict of an action without requests: all, some or none of its findings are gone."""
    known = {fingerprint: states[fingerprint] for fingerprint in findings if fingerprint in states}
    unknown = next((fingerprint for fingerprint, state in known.items() if state is FindingState.UNKNOWN), "")
    if unknown or not known:
        return Verdict.UNKNOWN, Cause.POLICY, policies.get(unknown, "")
    resolved, remaining = (
        sum(state is counted for state in known.values()) for counted in (FindingState.GONE, FindingState.OPEN)
    )
    if not remaining:
        return (Verdict.DONE, Cause.NONE, "") if resolved == len(known) else (Verdict.CHANGED, Cause.WAIVED, "")
    return (Verdict.PARTLY if resolved else Verdict.NOT), Cause.NONE, ""
