"""Evaluates proposals: the audit engine checks each person with the changes applied."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
from msgspec import Struct

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.enums import Severity
from auditor.domain.result.finding import Finding
from auditor.engine.evaluate import columns, evaluate_batch
from auditor.engine.outcome import OPEN, FindingColumns
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.masks import FILLER_PLAN
from auditor.remedy.planner.optimization.options import UNCHANGED, Option, Score
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.replacements import is_half_downgraded, is_half_replaced
from auditor.remedy.planner.simulation.accounts import Account, assignments_of, seat_balance
from auditor.remedy.planner.simulation.tenant import overridden
from auditor.snapshot.model import UserBatch

WEIGHTS: Mapping[Severity, int] = {
    Severity.CRITICAL: 10_000,
    Severity.HIGH: 1_000,
    Severity.MEDIUM: 100,
    Severity.LOW: 10,
    Severity.INFO: 1,
}
_MAY_LOSE = frozenset({Correction.REPLACE, Correction.CHOOSE, Correction.DISABLE_SERVICE})
"""Corrections that may end services; copies and contained products are only removed if no service ends."""

_BATCH_SIZE = 16_384
"""Number of accounts that are evaluated together."""
FindingKey = tuple[str, str, str | None, str | None, str | None]
"""(policy, check, skuId, product as written, detail): identifies a finding about one person."""


class EvaluatedProposal(Struct, frozen=True, kw_only=True, gc=False):
    """A proposal with the findings that it fixes and the services that end."""

    proposal: Proposal
    option: Option
    fixed: tuple[Finding, ...] = ()
    lost: tuple[str, ...] = ()
    """Names of service plans."""
    unpriced: frozenset[str] = frozenset()
    """Added products whose price is not known."""


class EvaluatedProposals(Struct, frozen=True, kw_only=True):
    """The useful proposals for a tenant's people, and why others are not used."""

    evaluated: Mapping[str, Sequence[EvaluatedProposal]]
    only_harmful: frozenset[str]
    """Fingerprints of findings that requests could fix only by ending services, or by leaving a person unlicensed."""
    harmful: Mapping[str, Sequence[EvaluatedProposal]]
    """Proposals that end services although no finding is about them; somebody may decide to use them."""


def key_of(finding: Finding) -> FindingKey:
    """Return the identity of a finding about a person, without the person."""
    product = finding.product
    if product is None:
        return finding.policy, finding.check, None, None, finding.detail
    written = product.sku_part_number if product.sku_id is None else None
    return finding.policy, finding.check, product.sku_id, written, finding.detail


def evaluate_proposals(
    product_options: ProductOptions,
    proposed: Mapping[str, Sequence[Proposal]],
    findings: Mapping[str, Sequence[Finding]],
) -> EvaluatedProposals:
    """Return for each person the proposals that fix a finding and cause none, with no change as the first."""
    only_harmful: set[str] = set()
    harmful: dict[str, list[EvaluatedProposal]] = {}
    kept: dict[str, Sequence[EvaluatedProposal]] = {}
    accounts = [proposal.after for proposals in proposed.values() for proposal in proposals]
    keys = iter(findings_of_accounts(product_options.bound, accounts))
    for user, (unchanged, *changes) in proposed.items():
        before, user_findings = next(keys), findings[user]
        candidates = [EvaluatedProposal(proposal=unchanged, option=UNCHANGED)]
        for proposal in changes:
            after = next(keys)
            if after - before:
                continue
            fixed = tuple(f for f in user_findings if key_of(f) not in after and not _postponed(f, proposal))
            removed = (*proposal.remove, *(unchanged.after.held - proposal.after.held))
            lost = lost_services(product_options, unchanged.after, proposal.after, removed, user_findings)
            is_half = is_half_replaced(fixed, user_findings, product_options) or is_half_downgraded(
                proposal.after, fixed, product_options
            )
            if is_half or not fixed:
                only_harmful.update(finding.fingerprint for finding in fixed)
                continue
            decided = any(f.fingerprint in product_options.answers for f in fixed)
            harms = lost and not decided and not any(correction_of(f) in _MAY_LOSE for f in fixed)
            candidate = _scored(product_options, unchanged.after, proposal, fixed, lost)
            if harms:
                only_harmful.update(finding.fingerprint for finding in fixed)
                harmful.setdefault(user, []).append(candidate)
            else:
                candidates.append(candidate)
        kept[user] = _sparing(product_options, candidates)
    return EvaluatedProposals(evaluated=kept, only_harmful=frozenset(only_harmful), harmful=harmful)


def _sparing(product_options: ProductOptions, candidates: Sequence[EvaluatedProposal]) -> Sequence[EvaluatedProposal]:
    """Leave out changes of overlapping products if another one fixes the same findings and ends fewer services.

    If there are no seats for that one, the finding remains, and only somebody's decision ends the services.
    """

    def is_needless(candidate: EvaluatedProposal) -> bool:
        choices = [f for f in candidate.fixed if correction_of(f) is Correction.CHOOSE]
        if not choices or any(finding.fingerprint in product_options.answers for finding in choices):
            return False
        fixed = {finding.fingerprint for finding in candidate.fixed}
        return any(
            len(other.lost) < len(candidate.lost) and fixed <= {finding.fingerprint for finding in other.fixed}
            for other in candidates
        )

    return [candidate for candidate in candidates if not is_needless(candidate)]


def _postponed(finding: Finding, proposal: Proposal) -> bool:
    """Whether the product to remove is kept, so that only the new date of its assignment hides the finding."""
    is_kept = finding.product is not None and finding.product.sku_id in proposal.after.held
    return is_kept and correction_of(finding) is Correction.REPLACE and not proposal.after.properties


def _scored(
    product_options: ProductOptions,
    before: Account,
    proposal: Proposal,
    fixed: tuple[Finding, ...],
    lost: tuple[str, ...],
) -> EvaluatedProposal:
    """Return the evaluation of a change of one person."""
    seats = seat_balance([(before, proposal.after)])
    changes = len((*proposal.add, *proposal.remove, *proposal.left, *proposal.joined)) + proposal.retried
    return scored(product_options, proposal, fixed, lost, seats=seats, changes=changes)


def scored(
    product_options: ProductOptions,
    proposal: Proposal,
    fixed: tuple[Finding, ...],
    lost: tuple[str, ...],
    *,
    seats: Mapping[str, int],
    changes: int = 1,
) -> EvaluatedProposal:
    """Return the evaluation of a proposal that takes (+) or frees (−) seats.

    A product without a price costs as much as the most expensive one if added, and saves nothing if removed.
    """
    prices = {sku: product_options.price(sku) for sku in seats}
    cost = Decimal(0)
    for sku, change in seats.items():
        price = prices[sku]
        cost += max(0, change) * product_options.highest_price() if price is None else change * price
    weight = sum(WEIGHTS[finding.severity] for finding in fixed)
    return EvaluatedProposal(
        proposal=proposal,
        option=Option(score=Score(-weight, len(lost) + proposal.dependants, round(cost * 100), changes), seats=seats),
        fixed=fixed,
        lost=lost,
        unpriced=frozenset(sku for sku, change in seats.items() if change > 0 and prices[sku] is None),
    )


def lost_services(
    product_options: ProductOptions,
    before: Account,
    after: Account,
    removed: Sequence[str],
    findings: Sequence[Finding],
) -> tuple[str, ...]:
    """Return the services that end although no finding is about them."""
    plans = {grant.sku_id: product_options.plans(grant.sku_id) for grant in (*before.grants, *after.grants)}
    ended = before.services(plans) - after.services(plans)
    unwanted = {
        f.product.sku_id or "" for f in findings if correction_of(f) is Correction.REPLACE and f.product is not None
    }
    unwanted_plans = {plan for sku_id in unwanted & set(removed) for plan in plans.get(sku_id, {})}
    denied = {(f.detail or "").casefold() for f in findings if correction_of(f) is Correction.DISABLE_SERVICE}
    names = {plan: name for sku_plans in plans.values() for plan, name in sku_plans.items()}
    unexpected = {
        plan for plan in ended - unwanted_plans - {FILLER_PLAN} if not denied & {plan, names[plan].casefold()}
    }
    return tuple(sorted(names[plan] for plan in unexpected))


def findings_of_accounts(bound: BoundPolicies, accounts: Sequence[Account]) -> list[frozenset[FindingKey]]:
    """Evaluate users of the snapshot with changed accounts; return the open findings about each account.

    There may be several accounts of one user.
    """
    none = frozenset[FindingKey]()
    keys_of, shared = [none] * len(accounts), dict[frozenset[FindingKey], frozenset[FindingKey]]()
    order = sorted(range(len(accounts)), key=lambda number: accounts[number].row)
    rows = [accounts[number].row for number in order]
    for batch in bound.facts.snapshot.batches(columns(bound)[0], ()) if accounts else ():
        last = bisect_left(rows, batch.offset + batch.users.num_rows)
        for first in range(bisect_left(rows, batch.offset), last, _BATCH_SIZE):
            numbers = order[first : min(first + _BATCH_SIZE, last)]
            found: dict[int, set[FindingKey]] = {}
            for row, key in _evaluate(bound, batch, [accounts[number] for number in numbers]):
                found.setdefault(numbers[row], set()).add(key)
            for number, keys in found.items():
                frozen = frozenset(keys)
                keys_of[number] = shared.setdefault(frozen, frozen)
    return keys_of


def _evaluate(bound: BoundPolicies, batch: UserBatch, accounts: Sequence[Account]) -> Iterator[tuple[int, FindingKey]]:
    """Evaluate changed accounts of users of a batch, in its order; yield the number of the account of each finding."""
    users = batch.users.take(pa.array([account.row - batch.offset for account in accounts]))
    values = {number: account.overrides for number, account in enumerate(accounts)}
    changed = UserBatch(users=overridden(users, values), assignments=assignments_of(enumerate(accounts)), offset=0)
    for chunk in evaluate_batch(bound, changed).chunks:
        yield from _keys(bound, chunk)


def _keys(bound: BoundPolicies, chunk: FindingColumns) -> Iterator[tuple[int, FindingKey]]:
    policy, skus = bound.policies[chunk.policy].id, bound.facts.skus
    for index in range(len(chunk)):
        if int(chunk.waivers[index]) != OPEN:
            continue
        sku = None if chunk.skus is None else skus[int(chunk.skus[index])].sku_id
        if chunk.detail_codes is not None:
            detail: str | None = chunk.details[int(chunk.detail_codes[index])]
        else:
            detail = chunk.details[0] if chunk.details else None
        yield int(chunk.rows[index]), (policy, chunk.check, sku, chunk.written if sku is None else None, detail)
