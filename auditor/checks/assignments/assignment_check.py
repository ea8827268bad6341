"""What the checks of the block `assignments` have in common."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from auditor.checks.check import Check, Correction, Cost
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.policy.extent import Extent, population_extent
from auditor.guidance.routing import Articles, Situation, unwanted_product


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentCheck(Check[Assignments]):
    """A check about what one user holds."""

    block: type[Assignments] = Assignments
    subject: SubjectType = SubjectType.USER
    properties: Callable[[Assignments], tuple[str, ...]] = lambda _: ("assignedLicenses",)
    products: Callable[[Assignments], Iterable[ProductSet]] = lambda block: (block.of,)
    sources: tuple[Source, ...] = (Source.SUBSCRIBED_SKUS,)
    extent: Extent | None = population_extent


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwantedProductCheck(AssignmentCheck):
    """A check about products that a user should not hold."""

    once_per: str = N_("product held")
    cost: Cost = Cost.SEAT
    spares_role_holders: bool = True
    routes: Callable[[Situation], Articles] = unwanted_product
    correction: Correction | None = Correction.REPLACE
