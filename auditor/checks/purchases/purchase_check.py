"""What the checks of the block `purchases` have in common."""

from dataclasses import dataclass

from auditor.checks.check import Check, Cost
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Purchases
from auditor.domain.translation import N_
from auditor.engine.policy.extent import Extent, purchase_extent


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseCheck(Check[Purchases]):
    """A check about a product that the tenant owns."""

    block: type[Purchases] = Purchases
    subject: SubjectType = SubjectType.PRODUCT
    once_per: str = N_("product owned")
    extent: Extent | None = purchase_extent
    cost: Cost = Cost.SEATS
