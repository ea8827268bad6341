"""The one place where waivers are applied, to findings about people and about everything else alike."""

from dataclasses import replace

import numpy as np

from auditor.domain.policy import Assignments, Policy, Waiver
from auditor.domain.product_set import ProductSet
from auditor.engine.binding import BoundPolicies, assignable, overlap
from auditor.engine.outcome import OPEN, BatchOutcome, FindingColumns, ObjectFinding, Rows
from auditor.engine.selectors import Selecting
from auditor.engine.skus.masks import Mask, ProductMasks


def waive(
    plan: BoundPolicies, selecting: Selecting, policy: Policy, chunk: FindingColumns, outcome: BatchOutcome
) -> Rows:
    """Tell by which waiver each finding of a chunk is waived; rows are those of the batch that `selecting` looks at."""
    waivers = np.full(len(chunk), OPEN, dtype=np.int32)
    for place, waiver in plan.covering(policy):
        # Few findings are about people of a waiver: only those are held against its products.
        places = np.arange(len(chunk)) if waiver.users is None else _concerned(selecting.of(waiver.users), chunk)
        if not len(places):
            continue
        matched = _products(plan, policy, waiver, chunk, places)
        if waiver.users is not None:
            people, rows = selecting.of(waiver.users), chunk.rows[places]
            matched = matched & Mask(people.true[rows], people.unknown[rows], people.sure)
        if matched.true.any():
            outcome.used_waivers.add(place)
        if matched.unknown.any():
            outcome.unknown_waivers.add(place)
        waived = places[matched.true]
        waivers[waived[waivers[waived] == OPEN]] = place
    return waivers


def _concerned(people: Mask, chunk: FindingColumns) -> Rows:
    return np.flatnonzero(people.maybe[chunk.rows])


def waive_single(plan: BoundPolicies, policy: Policy, single: ObjectFinding, outcome: BatchOutcome) -> ObjectFinding:
    """Mark whether a finding that is not about a user is waived."""
    chosen = OPEN
    for place, waiver in plan.covering(policy):
        if waiver.users is not None:
            continue
        matched = _single_products(plan, waiver, single)
        if matched.true[0]:
            outcome.used_waivers.add(place)
            chosen = place if chosen == OPEN else chosen
        if matched.unknown[0]:
            outcome.unknown_waivers.add(place)
    return replace(single, waiver=chosen)


def _products(plan: BoundPolicies, policy: Policy, waiver: Waiver, chunk: FindingColumns, places: Rows) -> Mask:
    """Which of some findings are about a product of the waiver; a finding without a product is about none."""
    size = len(places)
    if waiver.products is None:
        return Mask(np.ones(size, dtype=bool), np.zeros(size, dtype=bool), sure=True)
    if chunk.skus is not None:
        listed, skus = plan.masks.of(waiver.products), chunk.skus[places]
        return Mask(listed.true[skus], listed.unknown[skus], listed.sure)
    element = _written_set(policy, chunk.written)
    shared = _NEITHER if element is None else overlap(plan.facts, waiver.products, element)
    return Mask(np.repeat(shared.true, size), np.repeat(shared.unknown, size))


def _single_products(plan: BoundPolicies, waiver: Waiver, single: ObjectFinding) -> Mask:
    if waiver.products is None:
        return _ALWAYS
    if single.pool is not None:
        # What is summed is the pool: a SKU that the tenant does not own, or people cannot hold, is not in it.
        shared, summed = plan.masks.of(waiver.products) & plan.masks.of(single.pool), assignable(plan)
        true = np.array([shared.true[summed].any()])
        return Mask(true, np.array([shared.unknown[summed].any()]) & ~true)
    if single.product is None or single.product.sku_id is None:
        return _NEITHER
    sku = plan.facts.described(single.product.sku_id, single.product.sku_part_number)
    if not sku.owned:
        return ProductMasks(plan.facts, (sku,)).of(waiver.products)
    listed, place = plan.masks.of(waiver.products), plan.facts.index[sku.sku_id]
    return Mask(listed.true[place : place + 1], listed.unknown[place : place + 1])


def _written_set(policy: Policy, written: str | None) -> ProductSet | None:
    """Find the required element that a finding quotes."""
    if written is None or not isinstance(policy.constraint, Assignments):
        return None
    return next((element for element in policy.constraint.require if element.written == written), None)


_ALWAYS = Mask(np.ones(1, dtype=bool), np.zeros(1, dtype=bool))
_NEITHER = Mask(np.zeros(1, dtype=bool), np.zeros(1, dtype=bool))
