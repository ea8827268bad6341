"""A user holds a product whose services are all contained in another product of the user."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.assignments.held_products import AssignmentCheck
from auditor.checks.check import Correction, Cost, Detail
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings
from auditor.guidance.routing import overlapping_products


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    """Report SKUs whose service plans are all in another held SKU; the detail is the fullest such SKU."""
    of = scope.bound.masks.of(block.of)
    population, unread = scope.population, scope.unread
    rows, skus, containing = scope.batch.redundant
    sure = of.true[skus] & scope.readable[rows]
    undecided = scope.people.nobody
    if not (of.sure and population.sure and unread is None):
        possible = of.maybe[skus] & population.maybe[rows] & ~sure
        undecided = undecided.copy()
        undecided[rows[possible if unread is None else possible & ~unread[rows]]] = True
    indices = np.flatnonzero(sure)
    chunk = scope.findings(
        rows[indices],
        skus=skus[indices],
        detail_codes=containing[indices],
        details=tuple(fact.label for fact in scope.bound.facts.skus),
    )
    yield chunk, undecided


CHECK = AssignmentCheck(
    id="assignment.redundant",
    name=N_("contained in another product"),
    explanation=N_("A user has a product whose services are all contained in another product of the same user."),
    key="assignments: {redundant}",
    once_per=N_("product contained"),
    is_enabled=lambda block: block.redundant,
    evaluate_users=_evaluate,
    detail=Detail.PRODUCTS,
    lists_holdings=True,
    cost=Cost.SEAT,
    routes=overlapping_products,
    correction=Correction.REMOVE,
)
