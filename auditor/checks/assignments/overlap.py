"""A user holds products of which the policy allows only one at a time."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from auditor.arrays.columns import Flags
from auditor.arrays.rows import Rows
from auditor.arrays.texts import distinct_texts
from auditor.checks.assignments.held_products import AssignmentCheck
from auditor.checks.check import Correction, Detail
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.columns.bitsets import BitRows, SkuSet, has_multiple, patterns, sku_indices
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import Scope, UserFindings
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import overlapping_products


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    of = scope.bound.masks.of(block.of)
    for group in block.exclusive:
        yield _exclusive(scope, of, group)


def _exclusive(scope: Scope, of: Mask, group: tuple[ProductSet, ...]) -> UserFindings:
    """Report users with different SKUs of two or more elements; equal holdings are evaluated once."""
    people, population, unread = scope.people, scope.population, scope.unread
    conflicts = scope.bound.masks.cached(("exclusive", id(group), id(of)), lambda: _Conflicts(scope.bound, of, group))
    if not conflicts.possible:
        return None, people.nobody
    held = people.assignments.assigned_skus & conflicts.products.words
    maybe = population.maybe & has_multiple(held)
    rows = np.flatnonzero(maybe if unread is None else maybe & ~unread)
    if not len(rows):
        return None, people.nobody
    pattern, distinct_holdings = patterns(held, rows)
    results = [conflicts.of(skus) for skus in distinct_holdings]
    sure = np.array([result.sure for result in results], dtype=bool)
    possible = np.array([result.open for result in results], dtype=bool)
    details, code = distinct_texts([result.name for result in results])
    violating = sure[pattern] & population.true[rows]
    undecided = people.nobody
    if possible.any():
        undecided = undecided.copy()
        undecided[rows[possible[pattern] & ~violating]] = True
    return scope.findings(rows[violating], detail_codes=code[pattern[violating]], details=details), undecided


class _Conflict(Struct, frozen=True):
    sure: bool
    open: bool
    name: str


_MAX_CACHED = 4096
"""The maximum number of distinct holdings whose result is cached."""


class _Conflicts:
    """Evaluates holdings against one list of exclusive elements; results are cached by holding."""

    def __init__(self, bound: BoundPolicies, of: Mask, group: tuple[ProductSet, ...]) -> None:
        elements = [of & bound.masks.of(element) for element in group]
        self._skus = bound.facts.skus
        self._true = [element.true for element in elements]
        self._maybe = [element.maybe for element in elements]
        # The conflicting SKUs are part of the finding's identity: a SKU that may or may not be one makes it unknown.
        self._certain = np.logical_or.reduce(self._true)
        self.products = SkuSet.of(np.logical_or.reduce(self._maybe))
        self._cache: dict[bytes, _Conflict] = {}
        self.possible = _conflict(self._maybe, np.arange(bound.size))
        """Whether any two of the tenant's SKUs conflict, regardless of who holds them."""

    def of(self, held: BitRows) -> _Conflict:
        """Evaluate one bitset."""
        key = held.tobytes()
        cached = self._cache.get(key)
        if cached is None:
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            skus = sku_indices(held.reshape(1, -1))[0]
            certain = self._certain[skus]
            cached = self._cache[key] = _Conflict(
                sure=_conflict(self._true, skus) and bool(certain.all()),
                open=_conflict(self._maybe, skus),
                name="+".join(sorted({self._skus[sku].label for sku in skus[certain]})),
            )
        return cached


def _conflict(elements: list[Flags], skus: Rows) -> bool:
    """Return whether two different SKUs are in two different elements."""
    per_element = [set(skus[element[skus]].tolist()) for element in elements]
    return any(
        left and right and len(left | right) > 1
        for index, left in enumerate(per_element)
        for right in per_element[index + 1 :]
    )


CHECK = AssignmentCheck(
    id="assignment.overlap",
    name=N_("products that overlap"),
    explanation=N_("A user has two or more products of which the policy allows only one at a time."),
    key="assignments: {exclusive}",
    once_per=N_("list of alternatives"),
    is_enabled=lambda block: bool(block.exclusive),
    products=lambda block: (block.of, *(element for group in block.exclusive for element in group)),
    evaluate_users=_evaluate,
    detail=Detail.PRODUCTS,
    lists_holdings=True,
    routes=overlapping_products,
    correction=Correction.CHOOSE,
)
