"""A user lacks a product that the policy requires."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.assignments.held_products import packed_set
from auditor.checks.check import Check, Correction
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.columns.bitsets import meets
from auditor.engine.policy.extent import population_extent
from auditor.engine.scope import Found, Scope
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import STOPPED, Articles, Situation, group_licence


def _routes(situation: Situation) -> Articles:
    stopped = ("reactivate-subscription",) if (situation.status or "").lower() in STOPPED else ()
    if situation.replacement_required is True:
        return (*stopped, "move-users", *group_licence(situation))
    if situation.path == "group":
        return (*stopped, "group-licenses", "assign-licenses")
    return (*stopped, "assign-licenses")


def _judge(scope: Scope, block: Assignments) -> Iterator[Found]:
    for element in block.require:
        yield _lacking(scope, element)


def _lacking(scope: Scope, element: ProductSet) -> Found:
    wanted = packed_set(scope.bound.masks, element)
    products = wanted.mask
    held, unread = scope.people.links.held, scope.unread
    has = meets(held, wanted.true)
    if products.sure and unread is None:
        answer = Mask(has, scope.people.nobody, sure=True)
    else:
        may_have = meets(held, products.unknown)
        answer = Mask(has, (may_have if unread is None else may_have | unread) & ~has)
    violation = scope.population & ~answer
    chunk = scope.findings(np.flatnonzero(violation.true), written=element.written)
    return chunk, violation.unknown


CHECK = Check(
    id="assignment.missing",
    name=N_("product missing"),
    explanation=N_("A user does not hold a product that the policy requires for the people it is about."),
    block=Assignments,
    key="assignments: {require}",
    subject=SubjectType.USER,
    once_per=N_("element of the list"),
    asked=lambda block: bool(block.require),
    properties=lambda _: ("assignedLicenses",),
    products=lambda block: (block.of, *block.require),
    sources=(Source.SUBSCRIBED_SKUS,),
    judge_users=_judge,
    extent=population_extent,
    tells_holdings=True,
    routes=_routes,
    correction=Correction.ASSIGN,
)
