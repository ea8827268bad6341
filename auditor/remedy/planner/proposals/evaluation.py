"""Evaluate proposals: the engine that found what is wrong evaluates each person as they would be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from msgspec import Struct

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.enums import Severity
from auditor.domain.result.finding import Finding
from auditor.engine.batch import judge_batch
from auditor.engine.outcome import OPEN, FindingColumns
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.masks import FILLER_PLAN
from auditor.remedy.planner.optimization.options import Option, Score
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.downgrades import half_downgraded
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.replacements import half_done
from auditor.remedy.planner.simulation.accounts import Account, assignment_rows
from auditor.remedy.planner.simulation.tenant import overridden
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import ASSIGNMENTS

WEIGHTS: Mapping[Severity, int] = {
    Severity.CRITICAL: 10_000,
    Severity.HIGH: 1_000,
    Severity.MEDIUM: 100,
    Severity.LOW: 10,
    Severity.INFO: 1,
}
_MAY_LOSE = frozenset({Correction.REPLACE, Correction.CHOOSE, Correction.DISABLE_SERVICE})
"""Corrections that may end services; a copy or a contained product may only go where nothing ends."""

Key = tuple[str, str, str | None, str | None, str | None]
"""(policy, check, skuId, product as written, detail): what a finding about one person is."""


class Weighed(Struct, frozen=True, kw_only=True):
    """A proposal with what it corrects and what ends by it."""

    proposal: Proposal
    option: Option
    fixed: tuple[Finding, ...] = ()
    lost: tuple[str, ...] = ()
    """Names of service plans."""
    unpriced: frozenset[str] = frozenset()
    """Products that come whose price is not known."""


class EvaluatedProposals(Struct, frozen=True, kw_only=True):
    """The proposals for a tenant's people that are worth doing, and what speaks against the others."""

    weighed: Mapping[str, Sequence[Weighed]]
    ending: frozenset[str]
    """Fingerprints of findings that requests could fix only by ending services, or by leaving somebody without."""
    harmful: Mapping[str, Sequence[Weighed]]
    """Proposals that end services which no finding speaks against: somebody may decide for them."""


def key_of(finding: Finding) -> Key:
    """Return what a finding about a person is, the person aside."""
    product = finding.product
    if product is None:
        return finding.policy, finding.check, None, None, finding.detail
    written = product.sku_part_number if product.sku_id is None else None
    return finding.policy, finding.check, product.sku_id, written, finding.detail


def evaluated(
    product_options: ProductOptions,
    proposed: Mapping[str, Sequence[Proposal]],
    findings: Mapping[str, Sequence[Finding]],
) -> EvaluatedProposals:
    """Return for each person the proposals that correct something and break nothing, no change first."""
    ending: set[str] = set()
    harmful: dict[str, list[Weighed]] = {}
    accounts = {user: proposals[0].after for user, proposals in proposed.items()}
    users = _users(product_options.plan, accounts.values())
    before = _judged(product_options.plan, users, list(accounts.values()))
    weighed = {
        user: [_weighed(product_options, proposals[0], proposals[0], (), ())] for user, proposals in proposed.items()
    }
    for layer in range(1, max((len(proposals) for proposals in proposed.values()), default=0)):
        chosen = {user: proposals[layer] for user, proposals in proposed.items() if layer < len(proposals)}
        then = _judged(product_options.plan, users, [proposal.after for proposal in chosen.values()])
        for user, proposal in chosen.items():
            if then[user] - before[user]:
                continue
            user_findings = findings[user]
            fixed = tuple(f for f in user_findings if key_of(f) not in then[user] and not _postponed(f, proposal))
            start = proposed[user][0].after
            removed = (*proposal.remove, *(start.held - proposal.after.held))
            lost = lost_services(product_options, start, proposal.after, removed, user_findings)
            half = half_done(fixed, user_findings, product_options) or half_downgraded(
                proposal.after, fixed, product_options
            )
            if half or not fixed:
                ending.update(finding.fingerprint for finding in fixed)
                continue
            decided = any(f.fingerprint in product_options.answers for f in fixed)
            harms = lost and not decided and not any(correction_of(f) in _MAY_LOSE for f in fixed)
            candidate = _weighed(product_options, proposed[user][0], proposal, fixed, lost)
            if harms:
                ending.update(finding.fingerprint for finding in fixed)
                harmful.setdefault(user, []).append(candidate)
            else:
                weighed[user].append(candidate)
    return EvaluatedProposals(weighed=weighed, ending=frozenset(ending), harmful=harmful)


def _postponed(finding: Finding, proposal: Proposal) -> bool:
    """Whether the product that has to go stays, so that only the date of its assignment keeps the finding away."""
    stays = finding.product is not None and finding.product.sku_id in proposal.after.held
    return stays and correction_of(finding) is Correction.REPLACE and not proposal.after.properties


def _weighed(
    product_options: ProductOptions,
    nothing: Proposal,
    proposal: Proposal,
    fixed: tuple[Finding, ...],
    lost: tuple[str, ...],
) -> Weighed:
    before, after = nothing.after.held, proposal.after.held
    seats = dict.fromkeys(after - before, 1) | dict.fromkeys(before - after, -1)
    prices = {sku: product_options.price(sku) for sku in seats}
    cost = Decimal(0)
    for sku, change in seats.items():
        price = prices[sku]
        # A product without a price counts as the dearest when it comes, and saves nothing when it goes.
        cost += (product_options.dearest() if change > 0 else Decimal(0)) if price is None else change * price
    weight = sum(WEIGHTS[finding.severity] for finding in fixed)
    changes = len((*proposal.add, *proposal.remove, *proposal.left, *proposal.joined)) + proposal.retried
    return Weighed(
        proposal=proposal,
        option=Option(score=Score(-weight, len(lost) + proposal.dependants, round(cost * 100), changes), seats=seats),
        fixed=fixed,
        lost=lost,
        unpriced=frozenset(sku for sku, change in seats.items() if change > 0 and prices[sku] is None),
    )


def judged(plan: BoundPolicies, accounts: Sequence[Account]) -> dict[str, set[Key]]:
    """Judge people of the snapshot as these accounts would have them; returns the open findings about each."""
    return _judged(plan, _users(plan, accounts), accounts)


def lost_services(
    product_options: ProductOptions,
    before: Account,
    after: Account,
    removed: Sequence[str],
    findings: Sequence[Finding],
) -> tuple[str, ...]:
    """Return the services that end although no finding speaks against them."""
    plans = {grant.sku_id: product_options.plans(grant.sku_id) for grant in (*before.grants, *after.grants)}
    ended = before.services(plans) - after.services(plans)
    unwanted = {
        f.product.sku_id or "" for f in findings if correction_of(f) is Correction.REPLACE and f.product is not None
    }
    demanded = {plan for sku_id in unwanted & set(removed) for plan in plans.get(sku_id, {})}
    denied = {(f.detail or "").casefold() for f in findings if correction_of(f) is Correction.DISABLE_SERVICE}
    names = {plan: name for own in plans.values() for plan, name in own.items()}
    unexpected = {plan for plan in ended - demanded - {FILLER_PLAN} if not denied & {plan, names[plan].casefold()}}
    return tuple(sorted(names[plan] for plan in unexpected))


def _users(plan: BoundPolicies, accounts: Iterable[Account]) -> pa.Table:
    """Read all that policies may ask of these users, in order of their rows."""
    rows = {account.row for account in accounts}
    batches: list[pa.RecordBatch] = []
    for batch in plan.facts.snapshot.batches():
        own = sorted(row - batch.offset for row in rows if batch.offset <= row < batch.offset + batch.users.num_rows)
        if own:
            batches.append(batch.users.take(pa.array(own)))
    return pa.Table.from_batches(batches) if batches else None


def _judged(plan: BoundPolicies, users: pa.Table, accounts: Sequence[Account]) -> dict[str, set[Key]]:
    """Judge people as they would be; returns the open findings about each."""
    keys_by_user: dict[str, set[Key]] = {account.id: set() for account in accounts}
    if not accounts:
        return keys_by_user
    ordered = sorted(accounts, key=lambda account: account.row)
    ids = users.column("id").to_pylist()
    indices = {user: index for index, user in enumerate(ids)}
    people = users.take(pa.array([indices[account.id] for account in ordered])).combine_chunks()
    rows = [row for number, account in enumerate(ordered) for row in assignment_rows(account, number)]
    values = {number: account.overrides for number, account in enumerate(ordered)}
    batch = UserBatch(users=overridden(people.to_batches()[0], values), assignments=_links(rows), offset=0)
    for chunk in judge_batch(plan, batch).chunks:
        for row, key in _keys(plan, chunk):
            keys_by_user[ordered[row].id].add(key)
    return keys_by_user


def _links(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    table = pa.Table.from_pylist(rows, ASSIGNMENTS).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=ASSIGNMENTS)


def _keys(plan: BoundPolicies, chunk: FindingColumns) -> Iterator[tuple[int, Key]]:
    policy, skus = plan.policies[chunk.policy].id, plan.facts.skus
    for index in range(len(chunk)):
        if int(chunk.waivers[index]) != OPEN:
            continue
        sku = None if chunk.skus is None else skus[int(chunk.skus[index])].sku_id
        if chunk.detail_codes is not None:
            detail: str | None = chunk.details[int(chunk.detail_codes[index])]
        else:
            detail = chunk.details[0] if chunk.details else None
        yield int(chunk.rows[index]), (policy, chunk.check, sku, chunk.written if sku is None else None, detail)
