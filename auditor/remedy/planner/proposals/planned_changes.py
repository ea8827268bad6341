"""Splits the change of a person into independent parts, and describes each by its kind of action and its products."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from auditor.checks.check import Correction
from auditor.checks.registry import all_checks, check_of, correction_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.model import PlannedChange
from auditor.remedy.actions.remedies.targets import sku_of
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.proposals.group_changes import GroupChange
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.product_kinds import same_kind
from auditor.remedy.requests import GraphRequest, RequestKind, assign_user, properties_of

_CORRECTIONS: Final = tuple(Correction)


def split_change(before: Account, evaluated: EvaluatedProposal) -> Iterator[tuple[Account, EvaluatedProposal]]:
    """Yield the account before each part, and the part: removals, replacements, additions.

    A removed product is replaced by an added one of the same kind. If there is none, the removal is a separate part; so
    is an added product that replaces nothing.
    """
    proposal = evaluated.proposal
    gained, lost = proposal.after.held - before.held, before.held - proposal.after.held
    removals = tuple(sku for sku in proposal.remove if sku in lost and not any(same_kind(sku, new) for new in gained))
    new = tuple(
        added.sku_id
        for added in proposal.add
        if added.sku_id in gained and not any(same_kind(sku, added.sku_id) for sku in lost)
    )
    if not (gained and lost) or not (removals or new):
        yield before, evaluated
        return
    corrections = [finding for finding in evaluated.fixed if sku_of(finding) in removals]
    additions = [finding for finding in evaluated.fixed if correction_of(finding) is Correction.ASSIGN] if new else []
    if removals and corrections and len(corrections) < len(evaluated.fixed):
        part = _part(before, evaluated, corrections, remove=removals)
        yield before, replace(part, lost=evaluated.lost)
        rest = [finding for finding in evaluated.fixed if finding not in corrections]
        replaced = tuple(sku for sku in proposal.remove if sku not in removals)
        yield from split_change(part.proposal.after, _rest(before, evaluated, rest, proposal.add, replaced))
    elif new and additions and len(additions) < len(evaluated.fixed) and len(new) == len(gained):
        added = tuple(addition for addition in proposal.add if addition.sku_id not in new)
        rest = [finding for finding in evaluated.fixed if finding not in additions]
        first = _rest(before, evaluated, rest, added, proposal.remove)
        yield before, first
        yield first.proposal.after, _part(first.proposal.after, evaluated, additions, add=new)
    else:
        yield before, evaluated


def removed_directly(before: Account, proposal: Proposal) -> frozenset[str]:
    """Return the removed products that none of the groups assigns that the person leaves."""
    from_groups = {grant.sku_id for grant in before.grants if grant.group in proposal.left}
    return (before.held - proposal.after.held) - from_groups


def split_removal(before: Account, evaluated: EvaluatedProposal) -> Iterator[tuple[Account, EvaluatedProposal]]:
    """Yield the account before each part of a change that leaves groups, and the part: direct licences, then groups.

    A direct licence of a product that none of these groups assigns is a separate part if a policy denies the product.
    """
    proposal = evaluated.proposal
    direct = removed_directly(before, proposal)
    denied = [finding for finding in evaluated.fixed if correction_of(finding) is Correction.REPLACE]
    corrections = [finding for finding in denied if sku_of(finding) in direct]
    rest = [finding for finding in evaluated.fixed if finding not in corrections]
    others = proposal.joined or proposal.add or proposal.moved or proposal.retried or proposal.location
    if others or not direct or not rest or direct != {sku_of(finding) for finding in corrections}:
        yield before, evaluated
        return
    part = _part(before, evaluated, corrections, remove=sorted(direct))
    yield before, part
    copies = tuple(sku_id for sku_id in proposal.remove if sku_id not in direct)
    yield part.proposal.after, _rest(before, evaluated, rest, (), copies)


def _part(
    before: Account,
    evaluated: EvaluatedProposal,
    fixed: Sequence[Finding],
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> EvaluatedProposal:
    """Return the part that only assigns or only removes."""
    after = before.without_direct(remove) if remove else before
    additions = tuple(addition for addition in evaluated.proposal.add if addition.sku_id in add)
    for addition in additions:
        after = after.with_direct(addition.sku_id, addition.disabled_plans)
    request = assign_user(before.id, add=additions, remove=remove)
    proposal = Proposal(after=after, add=additions, remove=tuple(remove), requests=(request,))
    return replace(evaluated, proposal=proposal, fixed=tuple(fixed), lost=())


def _rest(
    before: Account,
    evaluated: EvaluatedProposal,
    fixed: Sequence[Finding],
    add: Sequence[object],
    remove: Sequence[str],
) -> EvaluatedProposal:
    """Return the change with fewer added or removed products; the account after it is the one after all parts."""
    proposal = evaluated.proposal
    additions = tuple(addition for addition in proposal.add if addition in add)
    requests: list[GraphRequest] = []
    for request in proposal.requests:
        if request.target.kind is not RequestKind.USER_LICENCES:
            requests.append(request)
        elif additions or remove:
            requests.append(assign_user(before.id, add=additions, remove=remove))
    after = proposal.after
    absent = [addition.sku_id for addition in proposal.add if addition not in additions]
    rest = replace(
        proposal,
        after=after.without_direct(absent) if absent else after,
        add=additions,
        remove=tuple(remove),
        requests=tuple(requests),
    )
    return replace(evaluated, proposal=rest, fixed=tuple(fixed), lost=())


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
