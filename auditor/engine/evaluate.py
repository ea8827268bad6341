"""Policies × one snapshot into an Evaluation: batches of people evaluated one by one, everything else once."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from auditor.domain.enums import Outcome, Source, SourceStatus
from auditor.domain.message import joined
from auditor.domain.policy.model import Policy
from auditor.domain.result.model import PolicyOutcome
from auditor.engine.batch import judge_batch
from auditor.engine.coverage import NotEvaluated
from auditor.engine.outcome import (
    NOTHING,
    OPEN,
    BatchOutcome,
    Evaluation,
    FindingCount,
    ObjectFinding,
    raised_outcome,
)
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import PolicyExtent, extent_of
from auditor.engine.policy.unknowns import doubts_of
from auditor.engine.policy.waivers import waive_single
from auditor.engine.scope import TenantScope
from auditor.engine.seat_usage import seat_columns
from auditor.snapshot.model import UserBatch
from auditor.snapshot.schema import USERS_PER_ROW_GROUP

_AT_ONCE = 2
"""Batches that are evaluated at the same time; a third is read meanwhile."""


def evaluate(bound: BoundPolicies, batches: Iterable[BatchOutcome] | None = None) -> Evaluation:
    """Judge one tenant without describing what was found about people; `batches` is what they came to, if known."""
    outcome = BatchOutcome()
    for part in evaluated_batches(bound) if batches is None else batches:
        outcome.add(part)
        outcome.chunks.clear()
    return conclude(bound, outcome)


def evaluated_batches(bound: BoundPolicies) -> Iterator[BatchOutcome]:
    """Judge the users of one tenant, a batch at a time and in their order; nothing where they cannot be read."""
    if people_are_readable(bound):
        yield from _evaluated(bound, bound.facts.snapshot.batches(*columns(bound)))


def _evaluated(bound: BoundPolicies, batches: Iterator[UserBatch]) -> Iterator[BatchOutcome]:
    """Judge batches in their order, two at a time where there are several: Arrow and NumPy let go of the lock."""
    if bound.facts.snapshot.user_count <= USERS_PER_ROW_GROUP:
        yield from (judge_batch(bound, batch) for batch in batches)
        return
    from concurrent.futures import Future, ThreadPoolExecutor  # noqa: PLC0415  a small tenant needs no threads

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        waiting: deque[Future[BatchOutcome]] = deque()
        for batch in batches:
            waiting.append(pool.submit(judge_batch, bound, batch))
            if len(waiting) > _AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def conclude(bound: BoundPolicies, outcome: BatchOutcome) -> Evaluation:
    """Turn what all batches say, added up, into the tenant's outcomes and its findings about everything but people."""
    singles: list[ObjectFinding] = []
    outcomes: list[PolicyOutcome] = []
    unmatched: set[int] = set()
    for index, policy in enumerate(bound.policies):
        if bound.rules.judges_fleet(policy):
            continue
        doubt = NotEvaluated()
        findings = list(_judge_tenant(bound, index, policy, outcome, doubt))
        whole = bound.facts.status(Source.USERS) is SourceStatus.COMPLETE and not outcome.undecided.get(index)
        if bound.rules.judges_users(policy) and not whole:
            doubt.add_all(doubts_of(bound, policy))
        waived = [waive_single(bound, policy, single, outcome) for single in findings]
        singles.extend(waived)
        extent = None if doubt.reasons else extent_of(bound, index, policy, outcome)
        if extent is not None and extent.empty:
            unmatched.add(index)
        outcomes.append(_outcome(policy, doubt, waived, outcome.raised.get(index, NOTHING), extent))
    return Evaluation(
        singles=tuple(singles),
        outcomes=tuple(outcomes),
        used_waivers=frozenset(outcome.used_waivers),
        unknown_waivers=frozenset(outcome.unknown_waivers),
        unmatched=frozenset(unmatched),
        seats=tuple(outcome.seats),
        tallies=outcome.tallies,
    )


def people_are_readable(bound: BoundPolicies) -> bool:
    """Whether there are users to judge at all, and a policy that looks at them."""
    readable = bound.facts.status(Source.USERS).is_read
    return readable and any(bound.rules.reads_users(policy) for policy in bound.policies)


def columns(bound: BoundPolicies) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the user and assignment columns that the plan's rules look at; names of people are not among them."""
    users, links = bound.rules.columns(bound.policies, bound.waivers)
    if bound.counts_seats:
        users = tuple(sorted({*users, *seat_columns(bound.facts)}))
    gaps = bound.facts.snapshot.not_collected
    if gaps is not None and not gaps:
        users = tuple(name for name in users if name != "notCollected")
    if bound.facts.asked(_PATHS) and gaps is not None and _PATHS not in gaps:
        # Every path shows what is switched off over it; what a licence shows stands in for paths that nobody knows.
        links = tuple(name for name in links if name != "disabledPlans")
    return users, links


_PATHS = "licenseAssignmentStates"


def _judge_tenant(
    bound: BoundPolicies, index: int, policy: Policy, outcome: BatchOutcome, unknown: NotEvaluated
) -> Iterator[ObjectFinding]:
    """Yield what the checks of a policy find in what the tenant owns; `unknown` takes what they cannot decide."""
    scope = TenantScope(
        bound=bound, index=index, policy=policy, check="", holders=outcome.tallies.get(index), unknown=unknown
    )
    for check in bound.rules.checks(policy):
        if check.judge_tenant is not None:
            yield from check.judge_tenant(replace(scope, check=check.id), policy.constraint)


def _outcome(
    policy: Policy,
    doubt: NotEvaluated,
    singles: Sequence[ObjectFinding],
    people: FindingCount,
    extent: PolicyExtent | None,
) -> PolicyOutcome:
    count = len(singles) + people.found
    open_ = sum(single.waiver == OPEN for single in singles) + people.open
    status = raised_outcome(policy, open_, count)
    return PolicyOutcome(
        id=policy.id,
        status=Outcome.NOT_EVALUATED if doubt.reasons else status,
        findings=count,
        reason=joined("; ", doubt.reasons) or None,
        missing=tuple(doubt.missing),
        judged=None if extent is None else extent.judged,
        report_only=policy.report_only or None,
    )
