"""A user holds a product that the policy does not list."""

from collections.abc import Iterator

from auditor.checks.assignments.held_products import holding, packed
from auditor.checks.check import Check, Correction, Cost
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.policy.extent import population_extent
from auditor.engine.scope import Found, Scope
from auditor.guidance.routing import unwanted_product


def _judge(scope: Scope, block: Assignments) -> Iterator[Found]:
    if block.allow is None:
        return
    masks, of, allow = scope.bound.masks, block.of, block.allow
    outside = masks.made(("not allowed", id(block)), lambda: packed(masks.of(of) & ~masks.of(allow)))
    yield holding(scope, scope.people.links.held, outside)


def _products(block: Assignments) -> Iterator[ProductSet]:
    yield block.of
    if block.allow is not None:
        yield block.allow


CHECK = Check(
    id="assignment.not-allowed",
    name=N_("product not allowed"),
    explanation=N_("A user holds a product that the policy does not allow for the people it is about."),
    block=Assignments,
    key="assignments: {allow}",
    subject=SubjectType.USER,
    once_per=N_("product held"),
    asked=lambda block: block.allow is not None,
    properties=lambda _: ("assignedLicenses",),
    products=_products,
    sources=(Source.SUBSCRIBED_SKUS,),
    judge_users=_judge,
    extent=population_extent,
    cost=Cost.SEAT,
    spares_role_holders=True,
    routes=unwanted_product,
    correction=Correction.REPLACE,
)
