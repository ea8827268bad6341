"""Evaluates the policies against one snapshot: users batch by batch, everything else once."""

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message, joined
from auditor.domain.policy.model import Policy
from auditor.domain.result.model import PolicyOutcome
from auditor.engine.not_evaluated import NotEvaluated
from auditor.engine.outcome import (
    OPEN,
    BatchOutcome,
    Evaluation,
    FindingColumns,
    ObjectFinding,
    policy_outcome,
    without_repeats,
)
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import extent_of
from auditor.engine.policy.unknowns import missing_facts
from auditor.engine.policy.waivers import waive, waive_object_finding
from auditor.engine.policy_index import LICENCES, PATHS
from auditor.engine.scope import Batch, Scope, TenantScope, UserFindings
from auditor.engine.seat_usage import seat_counts, units_of
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import ACTIVITY_COLUMNS, USERS_PER_ROW_GROUP

_CONCURRENT_BATCHES = 2
"""Batches that are evaluated at the same time; a third one is read meanwhile."""


def evaluate(bound: BoundPolicies, batches: Iterable[BatchOutcome]) -> Evaluation:
    """Evaluate one tenant from the outcomes of its batches of users, without describing its findings about people."""
    outcome = BatchOutcome()
    for batch in batches:
        outcome.add(batch)
        outcome.chunks.clear()
    return conclude(bound, outcome)


def evaluated_batches(bound: BoundPolicies) -> Iterator[BatchOutcome]:
    """Evaluate the users of one tenant batch by batch, in order; yield nothing if they cannot be read.

    Several batches are evaluated two at a time: Arrow and NumPy release the GIL.
    """
    if not people_are_readable(bound):
        return
    batches = bound.facts.snapshot.batches(*columns(bound))
    if bound.facts.snapshot.user_count <= USERS_PER_ROW_GROUP:
        yield from (evaluate_batch(bound, batch) for batch in batches)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415  a small tenant needs no threads

    with ThreadPoolExecutor(max_workers=_CONCURRENT_BATCHES) as pool:
        pending: deque[Future[BatchOutcome]] = deque()

        def submitted(batch: UserBatch) -> Future[BatchOutcome]:
            return pool.submit(evaluate_batch, bound, batch)

        # `map` keeps no reference to a batch, unlike a loop variable: its columns are freed once it is evaluated.
        for future in map(submitted, batches):
            pending.append(future)
            if len(pending) > _CONCURRENT_BATCHES:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


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


def conclude(bound: BoundPolicies, outcome: BatchOutcome) -> Evaluation:
    """Return the tenant's policy outcomes and its findings about everything except people.

    `outcome` is the sum of the outcomes of all batches.
    """
    object_findings: list[ObjectFinding] = []
    outcomes: list[PolicyOutcome] = []
    unmatched: set[int] = set()
    for index, policy in enumerate(bound.policies):
        if bound.rules.evaluates_fleet(policy):
            continue
        not_evaluated = NotEvaluated()
        findings = list(_evaluate_tenant(bound, index, policy, outcome, not_evaluated))
        complete = bound.facts.status(Source.USERS) is SourceStatus.COMPLETE and not outcome.undecided[index]
        if bound.rules.evaluates_users(policy) and not complete:
            not_evaluated.add_all(missing_facts(bound, policy))
        waived = [waive_object_finding(bound, policy, finding, outcome) for finding in findings]
        object_findings.extend(waived)
        extent = None if not_evaluated.reasons else extent_of(bound, index, policy, outcome)
        if extent is not None and extent.empty:
            unmatched.add(index)
        reasons = not_evaluated.reasons
        outcomes.append(
            policy_outcome(
                policy,
                len(waived) + outcome.raised[index],
                sum(finding.waiver == OPEN for finding in waived) + outcome.unwaived[index],
                reason=_reason(tuple(reasons), tuple(reason.id for reason in reasons)),
                missing=not_evaluated.missing,
                judged=None if extent is None else extent.judged,
            )
        )
    return Evaluation(
        object_findings=tuple(object_findings),
        outcomes=tuple(outcomes),
        used_waivers=frozenset(outcome.used_waivers),
        unknown_waivers=frozenset(outcome.unknown_waivers),
        unmatched=frozenset(unmatched),
        seats=outcome.seats,
        tallies=outcome.tallies,
    )


def people_are_readable(bound: BoundPolicies) -> bool:
    """Whether users were read, and at least one policy evaluates them."""
    readable = bound.facts.status(Source.USERS).is_read
    return readable and any(bound.rules.reads_users(policy) for policy in bound.policies)


def columns(bound: BoundPolicies) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the user and assignment columns that the policies and waivers read; people's names are not included."""
    users, assignments = bound.rules.columns(bound.policies, bound.waivers)
    if bound.counts_seats:
        users = tuple(sorted({*users, *units_of(bound.facts), *ACTIVITY_COLUMNS.values()}))
    gaps = bound.facts.snapshot.not_collected
    if gaps is not None and not gaps:
        users = tuple(name for name in users if name != "notCollected")
    if bound.facts.is_requested(PATHS) and gaps is not None and PATHS not in gaps:
        # Every path has its own list of disabled plans; the list of the licence replaces it where paths are unknown.
        assignments = tuple(name for name in assignments if name != "disabledPlans")
    return users, assignments


def _evaluate_tenant(
    bound: BoundPolicies, index: int, policy: Policy, outcome: BatchOutcome, unknown: NotEvaluated
) -> Iterator[ObjectFinding]:
    """Yield the findings of a policy's checks about what the tenant owns; `unknown` collects what is undecided."""
    scope = TenantScope(
        bound=bound, index=index, policy=policy, check="", holders=outcome.tallies.get(index), unknown=unknown
    )
    for check in bound.rules.checks(policy):
        if check.evaluate_tenant is not None:
            yield from check.evaluate_tenant(replace(scope, check=check.id), policy.constraint)


@lru_cache(maxsize=1024)
def _reason(reasons: tuple[Message, ...], _templates: tuple[str, ...]) -> Message | None:
    """Join reasons; cached because tenants share them. Messages with equal texts may have different templates."""
    return joined("; ", reasons) or None
