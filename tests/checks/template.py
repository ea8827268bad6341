"""A user whose sign-in is blocked holds a product. Copy this file to `auditor/checks/assignments/` to add a check."""

from collections.abc import Iterator

from msgspec.structs import replace

from auditor.checks.assignments.held_products import held_product_findings, pack
from auditor.checks.check import Check, Correction, Cost
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import PAID_PRODUCTS
from auditor.domain.policy.selector import OneOf
from auditor.domain.translation import N_
from auditor.engine.policy.extent import population_extent
from auditor.engine.scope import Scope, UserFindings
from auditor.guidance.routing import unwanted_product


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    """Report the paid products, of those that the block is about, of users whose sign-in is blocked.

    A function for users (`evaluate_users`) yields the rows of the batch that have a finding, and those for which it is
    unknown. A function for what the tenant owns (`evaluate_tenant`) yields findings, and adds to `scope.unknown` what
    it cannot decide.
    """
    masks = scope.bound.masks
    paid = masks.cached(("blocked", id(block)), lambda: pack(masks.of(block.of) & masks.of(PAID_PRODUCTS)))
    (blocked,) = scope.matches()
    blocked_users_scope = replace(scope, population=scope.population & blocked)
    yield held_product_findings(blocked_users_scope, scope.people.assignments.assigned_skus, paid)


CHECK = Check(
    id="account.blocked",
    name=N_("sign-in is blocked"),
    explanation=N_("A user whose sign-in is blocked holds a product that is paid for."),
    # When it is evaluated: the block and key of the policy language, and the facts that have to be collected.
    block=Assignments,
    key="assignments: {redundant}",
    is_enabled=lambda block: block.redundant,
    properties=lambda _: ("assignedLicenses",),
    selectors=lambda _: (OneOf(property="accountEnabled", values=(False,)),),
    products=lambda block: (block.of,),
    sources=(Source.SUBSCRIBED_SKUS,),
    # How it is evaluated.
    evaluate_users=_evaluate,
    extent=population_extent,
    # The subject of a finding, and the meaning of its money.
    subject=SubjectType.USER,
    once_per=N_("assigned product"),
    cost=Cost.SEAT,
    # How a finding is corrected: the articles of the guidance, and the change to the user.
    routes=unwanted_product,
    correction=Correction.REMOVE,
)
