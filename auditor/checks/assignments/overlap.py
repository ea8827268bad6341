"""A user holds products of which the policy allows only one at a time."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct

from auditor.checks.assignments.held_products import AssignmentCheck
from auditor.checks.check import Correction, Detail
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.columns.bitsets import BitRows, Products, has_multiple, intersection, patterns, sku_indices
from auditor.engine.columns.strings import Flags
from auditor.engine.outcome import Rows
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import Scope, UserFindings
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import overlapping_products


def _judge(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    of = scope.bound.masks.of(block.of)
    for group in block.exclusive:
        yield _exclusive(scope, of, group)


def _exclusive(scope: Scope, of: Mask, group: tuple[ProductSet, ...]) -> UserFindings:
    """Report users with different SKUs out of two or more elements; users with equal holdings are evaluated once."""
    people, population, unread = scope.people, scope.population, scope.unread
    clashing = scope.bound.masks.once(("exclusive", id(group), id(of)), lambda: _Clashing(scope.bound, of, group))
    if not clashing.possible:
        return None, people.nobody
    held = intersection(people.links.held, clashing.products)
    maybe = population.maybe & has_multiple(held)
    rows = np.flatnonzero(maybe if unread is None else maybe & ~unread)
    if not len(rows):
        return None, people.nobody
    pattern, distinct = patterns(held, rows)
    answers = [clashing.of(skus) for skus in distinct]
    sure = np.array([answer.sure for answer in answers], dtype=bool)
    open_ = np.array([answer.open for answer in answers], dtype=bool)
    details = tuple(sorted({answer.name for answer in answers}))
    code = np.array([details.index(answer.name) for answer in answers], dtype=np.int64)
    violating = sure[pattern] & population.true[rows]
    undecided = people.nobody
    if open_.any():
        undecided = undecided.copy()
        undecided[rows[open_[pattern] & ~violating]] = True
    return scope.findings(rows[violating], detail_codes=code[pattern[violating]], details=details), undecided


class _Clash(Struct, frozen=True):
    sure: bool
    open: bool
    name: str


_MOST_KNOWN = 4096
"""Different holdings whose answer is kept."""


class _Clashing:
    """What holdings say of one list of exclusive elements; equal holdings are evaluated once, whoever has them."""

    def __init__(self, bound: BoundPolicies, of: Mask, group: tuple[ProductSet, ...]) -> None:
        elements = [of & bound.masks.of(element) for element in group]
        self._skus = bound.facts.skus
        self._true = [element.true for element in elements]
        self._maybe = [element.maybe for element in elements]
        # The SKUs that clash are part of what the finding is: one that may or may not belong leaves it unknown.
        self._certain = np.logical_or.reduce(self._true)
        self.products = Products.of(np.logical_or.reduce(self._maybe))
        self._known: dict[bytes, _Clash] = {}
        self.possible = _clash(self._maybe, np.arange(bound.size))
        """Whether two of the tenant's SKUs clash at all, whoever holds them."""

    def of(self, held: BitRows) -> _Clash:
        """Judge one bitset."""
        key = held.tobytes()
        cached = self._known.get(key)
        if cached is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            skus = sku_indices(held.reshape(1, -1))[0]
            certain = self._certain[skus]
            cached = self._known[key] = _Clash(
                sure=_clash(self._true, skus) and bool(certain.all()),
                open=_clash(self._maybe, skus),
                name=self._joined(skus[certain]),
            )
        return cached

    def _joined(self, skus: Rows) -> str:
        return "+".join(sorted({self._skus[sku].label for sku in skus}))


def _clash(elements: list[Flags], skus: Rows) -> bool:
    """Whether two different SKUs stand in two different elements."""
    per_element = [set(skus[element[skus]].tolist()) for element in elements]
    return any(
        one and other and len(one | other) > 1
        for index, one in enumerate(per_element)
        for other in per_element[index + 1 :]
    )


CHECK = AssignmentCheck(
    id="assignment.overlap",
    name=N_("products that overlap"),
    explanation=N_("A user holds two or more products of which the policy allows only one at a time."),
    key="assignments: {exclusive}",
    once_per=N_("list of alternatives"),
    asked=lambda block: bool(block.exclusive),
    products=lambda block: (block.of, *(element for group in block.exclusive for element in group)),
    judge_users=_judge,
    detail=Detail.PRODUCTS,
    lists_holdings=True,
    routes=overlapping_products,
    correction=Correction.CHOOSE,
)
