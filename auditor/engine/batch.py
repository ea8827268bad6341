"""The checks that look at people, over one batch: a pure function of Arrow columns."""

from collections.abc import Iterator
from typing import assert_never

import numpy as np

from auditor.domain.policy import (
    Assignments,
    Attributes,
    Balance,
    Budget,
    Health,
    Purchases,
    Seats,
    Subscriptions,
)
from auditor.engine.binding import BoundPolicies, assignable
from auditor.engine.checks import assignments
from auditor.engine.columns.bitsets import meets, pairs
from auditor.engine.outcome import BatchOutcome, FindingColumns, HolderCount, distinct
from auditor.engine.policy_index import looks_at_people
from auditor.engine.scope import Batch, Found, Scope
from auditor.engine.skus.masks import Mask
from auditor.engine.waivers import waive
from auditor.snapshot.model import UserBatch


def judge_batch(plan: BoundPolicies, users: UserBatch) -> BatchOutcome:
    """Evaluate every policy that looks at people over one batch of users."""
    batch = Batch(plan, users)
    nobody = batch.people.nobody
    outcome = BatchOutcome()
    for place, policy in enumerate(plan.policies):
        if not looks_at_people(policy):
            continue
        population = batch.selecting.of(policy.users)
        outcome.judged[place] = judged = int(np.count_nonzero(population.true))
        if judged or population.possible:
            outcome.reached.add(place)
        if not population.possible and not isinstance(policy.constraint, Seats):
            outcome.undecided[place] = 0
            continue
        scope = Scope(batch=batch, place=place, policy=policy, population=population)
        undecided = nobody
        found: list[FindingColumns] = []
        for chunk, unknown in _checks(scope, outcome):
            if unknown is not nobody:
                undecided = undecided | unknown
            if chunk is not None and len(chunk):
                found.append(chunk)
        for chunk in distinct(found):
            outcome.chunks.append(chunk.moved(users.offset, waive(plan, batch.selecting, policy, chunk, outcome)))
        outcome.undecided[place] = 0 if undecided is nobody else int(np.count_nonzero(undecided))
    return outcome


def _checks(scope: Scope, outcome: BatchOutcome) -> Iterator[Found]:
    match scope.policy.constraint:
        case Assignments() as block:
            yield from assignments.checks(scope, block)
        case Attributes() as block:
            yield from _attributes(scope, block)
        case Health():
            yield _errors(scope)
        case Seats() as block:
            outcome.tallies[scope.place] = _tally(scope, block)
        case Purchases() | Subscriptions() | Balance() | Budget():
            return  # these never look at people
        case _ as block:
            assert_never(block)


def _attributes(scope: Scope, block: Attributes) -> Iterator[Found]:
    selecting, rules = scope.batch.selecting, scope.plan.rules
    for name in block.require:
        absent = selecting.of(rules.listed(name, (None,)))
        yield _about(scope, "attribute.missing", scope.population & absent, name)
    for name, values in block.allow:
        listed = selecting.of(rules.listed(name, (*values, None)))
        yield _about(scope, "attribute.not-allowed", scope.population & ~listed, name)


def _about(scope: Scope, check: str, violation: Mask, detail: str) -> Found:
    rows = np.flatnonzero(violation.true)
    return FindingColumns(policy=scope.place, check=check, rows=rows, details=(detail,)), violation.unknown


def _errors(scope: Scope) -> Found:
    """One finding per entry of `licenseAssignmentStates` with an error, any code, known or not."""
    population, pathless = scope.population, scope.people.links.pathless
    rows, skus, codes, details = scope.batch.errors
    certain = np.flatnonzero(population.true[rows])
    chunk = FindingColumns(
        policy=scope.place,
        check="assignment.error",
        rows=rows[certain],
        skus=skus[certain],
        detail_codes=codes[certain],
        details=details,
    )
    if population.sure and pathless is None:
        return chunk, scope.people.nobody
    undecided = population.maybe & (scope.people.nobody if pathless is None else pathless)
    undecided[rows[population.unknown[rows]]] = True
    return chunk, undecided


def _tally(scope: Scope, block: Seats) -> HolderCount:
    """Count who of the population holds each SKU; a pool counts distinct people over the set."""
    plan, population, unread = scope.plan, scope.population, scope.unread
    held = scope.people.links.held
    hidden = scope.people.nobody if unread is None else unread & population.maybe
    judged = plan.masks.of(block.of)
    owned = assignable(plan)
    certain, possible = judged.true & owned, judged.maybe & owned
    readable = population.maybe if unread is None else population.maybe & ~unread
    if block.pool:
        sure = meets(held, certain) & scope.readable
        open_ = (meets(held, possible) & population.maybe) | (hidden & possible.any())
        return HolderCount(certain=np.array([np.count_nonzero(sure)]), possible=np.array([np.count_nonzero(open_)]))
    sure_skus = np.bincount(pairs(held, certain, scope.readable)[1], minlength=plan.size)
    if judged.sure and population.sure:
        open_skus = sure_skus
    else:
        open_skus = np.bincount(pairs(held, possible, readable)[1], minlength=plan.size)
    return HolderCount(certain=sure_skus, possible=open_skus + np.where(possible, np.count_nonzero(hidden), 0))
