"""Names what a change of one person or of one group is: the kind of action, and the products that come and go."""

from auditor.checks.check import Correction
from auditor.checks.registry import check_of, correction_of, registered
from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.model import Decided
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.evaluation import Weighed
from auditor.remedy.planner.proposals.group_changes import GroupChange
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.requests import properties_of


def changed(before: Account, weighed: Weighed) -> Decided:
    """Name what a change of one person is, by what comes, goes and stays."""
    proposal = weighed.proposal
    came = sorted(proposal.after.held - before.held)
    went = sorted(before.held - proposal.after.held)
    copies = sorted(sku for sku in proposal.remove if sku in proposal.after.held)
    waiting = {grant.sku_id for grant in before.grants if grant.waits}
    retried = sorted(waiting & set(came))
    off, on = (_details(weighed, each) for each in (Correction.DISABLE_SERVICE, Correction.ENABLE_SERVICE))
    switched = sorted({addition.sku_id for addition in proposal.add} & before.held)
    fixed = sorted(weighed.fixed, key=lambda finding: (_rank(finding), finding.fingerprint))
    kind, old, new, extra = ActionKind.ATTRIBUTE_SET, "", "", ""
    if proposal.moved and all(command.method == "PATCH" for command in proposal.commands):
        extra = _properties(proposal)
    elif proposal.left and went and not (came and not proposal.joined):
        kind, old, new = (ActionKind.MOVE_GROUP if came else ActionKind.LEAVE_GROUP), "+".join(went), "+".join(came)
        extra = ", ".join(proposal.left)
    elif proposal.left and proposal.add and not came and not went:
        kind, old = ActionKind.TO_DIRECT, "+".join(switched)
        extra = ", ".join(proposal.left)
    elif proposal.left and not came and not went:
        kind, extra = ActionKind.LEAVE_GROUP, ", ".join(proposal.left)
        old = "+".join(sorted({grant.sku_id for grant in before.grants if grant.group in proposal.left}))
    elif proposal.joined and not came and not went:
        kind, old = ActionKind.TO_GROUP, "+".join(copies)
    elif came and went:
        kind, old, new = ActionKind.MOVE, "+".join(went), "+".join(came)
    elif proposal.retried and came == retried and not went:
        kind, old, extra = ActionKind.REPROCESS, "+".join(retried or sorted(waiting)), "CountViolation"
    elif came:
        kind, new = ActionKind.ASSIGN, "+".join(came)
    elif went:
        kind, old = ActionKind.UNASSIGN, "+".join(went)
    elif copies:
        kind, old = ActionKind.COPY, "+".join(copies)
    elif switched:
        kind, old, extra = ActionKind.SERVICE_OFF if off else ActionKind.SERVICE_ON, "+".join(switched), off or on
        new = on if off else ""
    else:
        extra = _properties(proposal)
    return Decided(
        kind=kind,
        findings=tuple(finding.fingerprint for finding in fixed),
        old=old,
        new=new,
        extra=extra,
        commands=proposal.commands,
        lost=weighed.lost,
    )


def _properties(proposal: Proposal) -> str:
    return ", ".join(sorted(name for command in proposal.commands for name in properties_of(command)))


def _details(weighed: Weighed, correction: Correction) -> str:
    return ", ".join(sorted({each.detail or "" for each in weighed.fixed if correction_of(each) is correction}))


def changed_group(group_change: GroupChange) -> Decided:
    """Name what a change of one group is."""
    if not group_change.users:
        kind = ActionKind.GROUP_EMPTY
    else:
        kind = ActionKind.GROUP_LICENCE if group_change.target is None else ActionKind.GROUP_SWAP
    fixed = sorted(group_change.weighed.fixed, key=lambda finding: (_rank(finding), finding.fingerprint))
    return Decided(
        kind=kind,
        findings=tuple(finding.fingerprint for finding in fixed),
        old="+".join(group_change.sku_ids),
        new=group_change.target or "",
        extra=group_change.group,
        commands=group_change.weighed.proposal.commands,
        lost=group_change.weighed.lost,
    )


def _rank(finding: Finding) -> tuple[int, int]:
    """Order the findings that one change corrects: the first decides which article shows how."""
    check = check_of(finding.check)
    correction = len(_CORRECTIONS) if check.correction is None else _CORRECTIONS.index(check.correction)
    return correction, registered().index(check)


_CORRECTIONS = tuple(Correction)
