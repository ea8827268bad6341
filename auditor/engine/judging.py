"""The checks that look at people, over one batch: a pure function of Arrow columns."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import assert_never

import numpy as np

from auditor.domain.policy import (
    Assignments,
    Attributes,
    Balance,
    Budget,
    Health,
    Policy,
    Purchases,
    Seats,
    Subscriptions,
)
from auditor.domain.selector import OneOf
from auditor.engine import assigning
from auditor.engine.bitsets import pairs, some, within
from auditor.engine.outcome import BatchOutcome, Chunk, Rows, Tally, distinct
from auditor.engine.people import People
from auditor.engine.plan import Plan, looks_at_people
from auditor.engine.product_masks import Mask
from auditor.engine.selecting import Selecting
from auditor.engine.texts import Flags, among, codes_of
from auditor.engine.waiving import waive
from auditor.snapshot.model import UserBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One policy over one batch: whom it concerns, and what it may look at."""

    plan: Plan
    people: People
    selecting: Selecting
    place: int
    policy: Policy
    population: Mask

    @property
    def unread(self) -> Flags:
        """Whose `assignedLicenses` were not collected."""
        return self.people.unknown("assignedLicenses")


Found = tuple[Chunk | None, Flags]
"""What one check yields: findings with rows of the batch, and for whom it stays unknown."""


def judge_batch(plan: Plan, batch: UserBatch) -> BatchOutcome:
    """Evaluate every policy that looks at people over one batch of users."""
    people = People(batch, plan.facts)
    selecting = Selecting(people, plan.masks, plan.membership)
    outcome = BatchOutcome()
    for place, policy in enumerate(plan.policies):
        if not looks_at_people(policy):
            continue
        population = selecting.of(policy.users)
        scope = Scope(plan=plan, people=people, selecting=selecting, place=place, policy=policy, population=population)
        undecided = people.nobody
        found: list[Chunk] = []
        for chunk, unknown in _checks(scope, outcome):
            undecided = undecided | unknown
            if chunk is not None and len(chunk):
                found.append(chunk)
        for chunk in distinct(found):
            waived = waive(plan, selecting, policy, chunk, outcome)
            outcome.chunks.append(replace(waived, rows=waived.rows + batch.offset))
        outcome.undecided[place] = int(np.count_nonzero(undecided))
    return outcome


def _checks(scope: Scope, outcome: BatchOutcome) -> Iterator[Found]:
    match scope.policy.constraint:
        case Assignments() as block:
            yield from assigning.checks(scope, block)
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
    for name in block.require:
        absent = scope.selecting.of(OneOf(property=name, values=(None,)))
        yield _about(scope, "attribute.missing", scope.population & absent, name)
    for name, values in block.allow:
        listed = scope.selecting.of(OneOf(property=name, values=(*values, None)))
        yield _about(scope, "attribute.not-allowed", scope.population & ~listed, name)


def _about(scope: Scope, check: str, violation: Mask, detail: str) -> Found:
    rows = np.nonzero(violation.true)[0]
    return Chunk(policy=scope.place, check=check, rows=rows, details=(detail,)), violation.unknown


def _errors(scope: Scope) -> Found:
    """One finding per entry of `licenseAssignmentStates` with an error, any code, known or not."""
    people, population = scope.people, scope.population
    unread = people.unknown("licenseAssignmentStates")
    errors = people.links.column("error")
    faulty = errors.is_valid().to_numpy(zero_copy_only=False) & ~among(errors, ("None", ""))
    entries = np.nonzero(faulty)[0]
    owners = people.owner[entries]
    entries, owners = entries[~unread[owners]], owners[~unread[owners]]
    certain = population.true[owners]
    codes, details = _error_texts(scope, entries[certain])
    rows, skus = owners[certain], people.sku[entries[certain]]
    order = np.lexsort((codes, skus, rows))
    columns = np.stack([rows[order], skus[order], codes[order]], axis=1)
    first = np.ones(len(columns), dtype=bool)
    first[1:] = (columns[1:] != columns[:-1]).any(axis=1)
    columns = columns[first]
    undecided = unread & (population.true | population.unknown)
    undecided[owners[population.unknown[owners]]] = True
    chunk = Chunk(
        policy=scope.place,
        check="assignment.error",
        rows=columns[:, 0],
        skus=columns[:, 1],
        detail_codes=columns[:, 2],
        details=details,
    )
    return chunk, undecided


def _error_texts(scope: Scope, entries: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Return what the entries' details are: a number for each, and the texts in order."""
    links = scope.people.links
    errors, groups = links.column("error"), links.column("assignedByGroup")
    size = len(groups.dictionary) + 1
    combined = codes_of(errors, absent=0)[entries] * size + codes_of(groups, absent=size - 1)[entries]
    different, places = np.unique(combined, return_inverse=True)
    codes, ids = errors.dictionary.to_pylist(), [*groups.dictionary.to_pylist(), None]
    texts = [_error_text(codes[pair // size], ids[pair % size]) for pair in different.tolist()]
    details = tuple(sorted(set(texts)))
    return np.array([details.index(text) for text in texts], dtype=np.int64)[places], details


def _error_text(error: str, group: str | None) -> str:
    return f"{error}@{group}" if group else error


def _tally(scope: Scope, block: Seats) -> Tally:
    """Count who of the population holds each SKU; a pool counts distinct people over the set."""
    plan, people, population = scope.plan, scope.people, scope.population
    unread = people.unknown("assignedLicenses")
    maybe = population.true | population.unknown
    judged = plan.masks.of(block.of)
    assignable = np.array([sku.owned and sku.applies_to.casefold() == "user" for sku in plan.facts.skus], dtype=bool)
    certain, possible = judged.true & assignable, (judged.true | judged.unknown) & assignable
    if block.pool:
        sure = some(within(people.held, certain)) & population.true & ~unread
        open_ = (some(within(people.held, possible)) | (unread & possible.any())) & maybe
        return Tally(certain=np.array([np.count_nonzero(sure)]), possible=np.array([np.count_nonzero(open_)]))
    size = plan.size
    sure_skus = pairs(within(people.held, certain), population.true & ~unread)[1]
    open_skus = pairs(within(people.held, possible), maybe & ~unread)[1]
    hidden = np.where(possible, np.count_nonzero(unread & maybe), 0)
    return Tally(
        certain=np.bincount(sure_skus, minlength=size), possible=np.bincount(open_skus, minlength=size) + hidden
    )
