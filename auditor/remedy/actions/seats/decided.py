"""Groups about seats that somebody decided to buy or to give back, also where no finding is about them."""

from collections.abc import Mapping

from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.checks.seats.below_minimum import CHECK as BELOW_MINIMUM
from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.enums import Severity
from auditor.guidance import Situation
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import UNSORTED, ActionGroups
from auditor.remedy.actions.model import Remedy
from auditor.remedy.actions.seats.ledger import NUMBERED


def take_decided(action_groups: ActionGroups, known: RemediationContext, decided: Mapping[str, int]) -> None:
    """Add a group for each product of `decided`: skuId → seats to buy (+) or to give back (−).

    It ranks as the worst policy that bounds the spare seats of the product, and belongs to the owners of all of them.
    """
    action_groups.take((UNSORTED, _remedy(known, sku_id, change)) for sku_id, change in sorted(decided.items()))
    for group in action_groups:
        if group.first.old not in decided or group.first.kind not in NUMBERED:
            continue
        names = [bounds.policy for bounds in known.seats[group.first.old].bounds if bounds.policy in known.policies]
        for name in names:
            group.weigh(name, (known.policies[name].severity.rank, ""))
        if not group.policies:
            group.weigh("", (Severity.INFO.rank, ""))


def _remedy(known: RemediationContext, sku_id: str, change: int) -> Remedy:
    product = known.product_facts(sku_id, known.seats[sku_id].sku_part_number)
    situation = Situation(
        agreement=known.tenant.agreement,
        cloud=known.tenant.cloud,
        self_service=product.self_service,
        status=product.status,
        is_trial=product.is_trial,
    )
    check = BELOW_MINIMUM if change > 0 else ABOVE_MAXIMUM
    return Remedy(
        kind=ActionKind.BUY if change > 0 else removal_kind(situation.agreement),
        findings=(),
        situation=situation,
        article=check.articles(situation)[0],
        subject=sku_id,
        old=sku_id,
        seats=abs(change),
        answered=True,
    )
