"""Splits the change of a person into independent parts: products of different kinds, and products without a group."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.result.finding import Finding
from auditor.remedy.actions.remedies.targets import sku_of
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.product_kinds import same_kind
from auditor.remedy.requests import GraphRequest, RequestKind, assign_user


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
