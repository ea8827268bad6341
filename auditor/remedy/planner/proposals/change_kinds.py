"""Describes the change of one person or group: the kind of action, and the products that are added and removed."""

from auditor.checks.check import Correction
from auditor.checks.registry import all_checks, check_of, correction_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.model import PlannedChange
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.change_parts import removed_directly
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.proposals.group_changes import GroupChange
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.requests import RequestKind, properties_of


def describe_change(before: Account, evaluated: EvaluatedProposal) -> PlannedChange:
    """Describe the change of one person, by the products that are added, removed and kept."""
    proposal = evaluated.proposal
    added = sorted(proposal.after.held - before.held)
    removed = sorted(before.held - proposal.after.held)
    copies = sorted(sku for sku in proposal.remove if sku in proposal.after.held)
    waiting = {grant.sku_id for grant in before.grants if grant.waits}
    retried = sorted(waiting & set(added))
    off, on = (_details(evaluated, kind) for kind in (Correction.DISABLE_SERVICE, Correction.ENABLE_SERVICE))
    switched = sorted({addition.sku_id for addition in proposal.add} & before.held)
    kind, old, new = ActionKind.ATTRIBUTE_SET, "", ""
    extra: tuple[str, ...] = ()
    if proposal.moved and all(request.target.kind is RequestKind.PROPERTY for request in proposal.requests):
        extra = _properties(proposal)
    elif proposal.left and removed and not (added and not proposal.joined):
        old, new = "+".join(removed), "+".join(added)
        if not added and removed_directly(before, proposal):
            kind = ActionKind.UNASSIGN
        else:
            kind, extra = ActionKind.MOVE_GROUP if added else ActionKind.LEAVE_GROUP, proposal.left
    elif proposal.left and proposal.add and not added and not removed:
        kind, old = ActionKind.TO_DIRECT, "+".join(switched)
        extra = proposal.left
    elif proposal.left and not added and not removed:
        kind, extra = ActionKind.LEAVE_GROUP, proposal.left
        old = "+".join(sorted({grant.sku_id for grant in before.grants if grant.group in proposal.left}))
    elif proposal.joined and not added and not removed:
        kind, old = ActionKind.TO_GROUP, "+".join(copies)
    elif added and removed:
        kind, old, new = ActionKind.MOVE, "+".join(removed), "+".join(added)
    elif proposal.retried and added == retried and not removed:
        kind, old, extra = ActionKind.REPROCESS, "+".join(retried or sorted(waiting)), ("CountViolation",)
    elif added:
        kind, new = ActionKind.ASSIGN, "+".join(added)
    elif removed:
        kind, old = ActionKind.UNASSIGN, "+".join(removed)
    elif copies:
        kind, old = ActionKind.COPY, "+".join(copies)
    elif switched:
        kind, old, extra = ActionKind.SERVICE_OFF if off else ActionKind.SERVICE_ON, "+".join(switched), off or on
        new = ", ".join(on) if off else ""
    else:
        extra = _properties(proposal)
    return _change(evaluated, kind, old, new, extra)


def _properties(proposal: Proposal) -> tuple[str, ...]:
    return tuple(sorted(name for request in proposal.requests for name in properties_of(request)))


def _details(evaluated: EvaluatedProposal, correction: Correction) -> tuple[str, ...]:
    details = {finding.detail for finding in evaluated.fixed if correction_of(finding) is correction}
    return tuple(sorted(filter(None, details)))


def describe_group_change(group_change: GroupChange) -> PlannedChange:
    """Describe the change of one group."""
    if not group_change.users:
        kind = ActionKind.GROUP_EMPTY
    else:
        kind = ActionKind.GROUP_LICENCE if group_change.target is None else ActionKind.GROUP_SWAP
    old, new = "+".join(group_change.sku_ids), group_change.target or ""
    return _change(group_change.evaluated, kind, old, new, (group_change.group,))


def _change(
    evaluated: EvaluatedProposal, kind: ActionKind, old: str, new: str, extra: tuple[str, ...]
) -> PlannedChange:
    fixed = sorted(evaluated.fixed, key=lambda finding: (_rank(finding), finding.fingerprint))
    return PlannedChange(
        kind=kind,
        findings=tuple(finding.fingerprint for finding in fixed),
        old=old,
        new=new,
        extra=extra,
        requests=evaluated.proposal.requests,
        lost=evaluated.lost,
    )


def _rank(finding: Finding) -> tuple[int, int]:
    """Return the sort key of the findings that one change fixes; the first one decides which article is used."""
    check = check_of(finding.check)
    correction = len(_CORRECTIONS) if check.correction is None else _CORRECTIONS.index(check.correction)
    return correction, all_checks().index(check)


_CORRECTIONS = tuple(Correction)
