"""Evaluate policies over one batch of users: a pure function of Arrow columns."""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from auditor.engine.outcome import BatchOutcome, FindingColumns, without_repeats
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.waivers import waive
from auditor.engine.policy_index import LICENCES
from auditor.engine.scope import Batch, Scope, UserFindings
from auditor.engine.seat_usage import seat_counts
from auditor.snapshot.model import UserBatch


def evaluate_batch(bound: BoundPolicies, users: UserBatch) -> BatchOutcome:
    """Evaluate every policy that reads users over one batch of them."""
    batch = Batch(bound, users)
    nobody = batch.people.nobody
    outcome = BatchOutcome()
    if bound.counts_seats:
        outcome.seats = seat_counts(bound, batch.people)
    for index, policy in enumerate(bound.policies):
        if not bound.rules.reads_users(policy):
            continue
        population = batch.selectors.of(policy.users)
        outcome.judged[index] = judged = int(np.count_nonzero(population.true))
        if judged or population.possible:
            outcome.reached.add(index)
        scope = Scope(batch=batch, index=index, policy=policy, population=population)
        for check in bound.rules.checks(policy):
            if check.count_holders is not None:
                outcome.tallies[index] = check.count_holders(replace(scope, check=check.id), policy.constraint)
        if not population.possible:
            continue
        undecided = nobody
        findings: list[FindingColumns] = []
        for chunk, unknown in _evaluate_checks(scope):
            if unknown is not nobody:
                undecided = undecided | unknown
            if chunk is not None and len(chunk):
                findings.append(chunk)
        for chunk in without_repeats(findings):
            outcome.chunks.append(chunk.at_offset(users.offset, waive(bound, batch.selectors, policy, chunk, outcome)))
        if undecided is not nobody:
            outcome.undecided[index] = int(np.count_nonzero(undecided))
    return outcome


def _evaluate_checks(scope: Scope) -> Iterator[UserFindings]:
    rules, policy = scope.bound.rules, scope.policy
    # There is no finding about a user whose licences were not collected, so the outcome stays unknown.
    if scope.unread is not None and rules.evaluates_users(policy) and LICENCES in rules.properties(policy):
        yield None, scope.unread & scope.population.maybe
    for check in rules.checks(policy):
        if check.evaluate_users is not None:
            yield from check.evaluate_users(replace(scope, check=check.id), policy.constraint)
