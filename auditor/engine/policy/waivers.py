"""Applies waivers to findings, both about people and about other objects."""

import numpy as np
from msgspec.structs import replace

from auditor.arrays.rows import Rows
from auditor.domain.policy.model import Assignments, Contracts, Policy, Waiver
from auditor.domain.policy.product_set import ProductSet
from auditor.engine.outcome import OPEN, BatchOutcome, FindingColumns, ObjectFinding
from auditor.engine.policy.binding import BoundPolicies, assignable
from auditor.engine.selection.selectors import SelectorMasks
from auditor.engine.skus.masks import Mask


def waive(
    bound: BoundPolicies, selectors: SelectorMasks, policy: Policy, chunk: FindingColumns, outcome: BatchOutcome
) -> Rows:
    """Return the waiver index of each finding of a chunk; its rows are those of the batch of `selectors`."""
    waivers = np.full(len(chunk), OPEN, dtype=np.int32)
    for index, waiver in bound.waivers_of(policy):
        people = None if waiver.users is None else selectors.of(waiver.users)
        # Few findings are about the people of a waiver; only these are compared with its products.
        indices = np.arange(len(chunk)) if people is None else np.flatnonzero(people.maybe[chunk.rows])
        if not len(indices):
            continue
        matched = _products(bound, policy, waiver, chunk, indices)
        if people is not None:
            rows = chunk.rows[indices]
            matched = matched & Mask(people.true[rows], people.unknown[rows], people.sure)
        if matched.true.any():
            outcome.used_waivers.add(index)
        if matched.unknown.any():
            outcome.unknown_waivers.add(index)
        waived = indices[matched.true]
        waivers[waived[waivers[waived] == OPEN]] = index
    return waivers


def waive_object_finding(
    bound: BoundPolicies, policy: Policy, finding: ObjectFinding, outcome: BatchOutcome
) -> ObjectFinding:
    """Return a finding that is not about a user with the index of its waiver."""
    chosen = OPEN
    for index, waiver in bound.waivers_of(policy):
        if waiver.users is not None:
            continue
        matched = _object_products(bound, policy, waiver, finding)
        if matched.true[0]:
            outcome.used_waivers.add(index)
            chosen = index if chosen == OPEN else chosen
        if matched.unknown[0]:
            outcome.unknown_waivers.add(index)
    return replace(finding, waiver=chosen)


def _products(bound: BoundPolicies, policy: Policy, waiver: Waiver, chunk: FindingColumns, indices: Rows) -> Mask:
    """Return which of the findings are about a product of the waiver; a finding without a product is not."""
    size = len(indices)
    if waiver.products is None:
        return Mask(np.ones(size, dtype=bool), np.zeros(size, dtype=bool), sure=True)
    if chunk.skus is not None:
        product_mask, skus = bound.masks.of(waiver.products), chunk.skus[indices]
        return Mask(product_mask.true[skus], product_mask.unknown[skus], product_mask.sure)
    element = _written_set(policy, chunk.written)
    shared = _NEITHER if element is None else bound.overlap(waiver.products, element)
    return Mask(np.repeat(shared.true, size), np.repeat(shared.unknown, size))


def _object_products(bound: BoundPolicies, policy: Policy, waiver: Waiver, finding: ObjectFinding) -> Mask:
    if waiver.products is None:
        return _ALWAYS
    if finding.pool is not None and isinstance(policy.constraint, Contracts):
        # A contract covers its products whether or not the tenant owns them or people can hold them.
        return bound.overlap(waiver.products, finding.pool)
    if finding.pool is not None:
        # A pool does not contain SKUs that the tenant does not own or that people cannot hold.
        shared, in_pool = bound.masks.of(waiver.products) & bound.masks.of(finding.pool), assignable(bound)
        true = np.array([shared.true[in_pool].any()])
        return Mask(true, np.array([shared.unknown[in_pool].any()]) & ~true)
    if finding.product is None or finding.product.sku_id is None:
        return _NEITHER
    sku = bound.facts.sku_of(finding.product.sku_id, finding.product.sku_part_number)
    return bound.contains(waiver.products, sku)


def _written_set(policy: Policy, written: str | None) -> ProductSet | None:
    """Return the required element of the policy that a finding names."""
    if written is None or not isinstance(policy.constraint, Assignments):
        return None
    return next((element for element in policy.constraint.require if element.written == written), None)


_ALWAYS = Mask(np.ones(1, dtype=bool), np.zeros(1, dtype=bool))
_NEITHER = Mask(np.zeros(1, dtype=bool), np.zeros(1, dtype=bool))
