"""A user lacks a product that the policy requires."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.assignments.held_products import AssignmentCheck, packed_set
from auditor.checks.check import Correction
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.columns.bitsets import intersects
from auditor.engine.scope import Scope, UserFindings
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import STOPPED, Articles, Situation, group_licence


def _routes(situation: Situation) -> Articles:
    stopped = ("reactivate-subscription",) if (situation.status or "").lower() in STOPPED else ()
    if situation.replacement_required is True:
        return (*stopped, "move-users", *group_licence(situation))
    if situation.path == "group":
        return (*stopped, "group-licenses", "assign-licenses")
    return (*stopped, "assign-licenses")


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    for element in block.require:
        yield _missing(scope, element)


def _missing(scope: Scope, element: ProductSet) -> UserFindings:
    packed = packed_set(scope.bound.masks, element)
    products = packed.mask
    held, unread = scope.people.assignments.assigned_skus, scope.unread
    holds = intersects(held, packed.true)
    if products.sure and unread is None:
        holders = Mask(holds, scope.people.nobody, sure=True)
    else:
        may_hold = intersects(held, products.unknown)
        holders = Mask(holds, (may_hold if unread is None else may_hold | unread) & ~holds)
    violation = scope.population & ~holders
    chunk = scope.findings(np.flatnonzero(violation.true), written=element.written)
    return chunk, violation.unknown


CHECK = AssignmentCheck(
    id="assignment.missing",
    name=N_("product missing"),
    explanation=N_("A user does not have a product that the policy requires for the people to whom it applies."),
    key="assignments: {require}",
    once_per=N_("element of the list"),
    is_enabled=lambda block: bool(block.require),
    products=lambda block: (block.of, *block.require),
    evaluate_users=_evaluate,
    lists_holdings=True,
    routes=_routes,
    correction=Correction.ASSIGN,
)
