"""Records the data of one tenant with which a later merge evaluates the policies about the fleet."""

from auditor.domain.enums import Source
from auditor.domain.message import joined
from auditor.domain.policy.model import Balance, Policy, Waiver
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.model import BalanceShare, WaiverShare
from auditor.engine.fleet import waives_fleet
from auditor.engine.not_evaluated import unread_source
from auditor.engine.policy.binding import BoundPolicies


def share_of(bound: BoundPolicies, policy: Policy, block: Balance) -> BalanceShare:
    """Return which of a tenant's SKUs a balance policy evaluates, so that a later merge needs no snapshot."""
    facts = bound.facts
    gap = unread_source(facts, Source.SUBSCRIBED_SKUS)
    readable = facts.status(Source.SUBSCRIBED_SKUS).is_read
    mask = bound.masks.of(block.of)
    assignable = facts.assignable if readable else ()
    return BalanceShare(
        policy=policy.id,
        sku_ids=tuple(sorted(facts.skus[index].sku_id for index in assignable if mask.true[index])),
        doubtful=tuple(sorted(facts.skus[index].sku_id for index in assignable if mask.unknown[index])),
        reason=None if gap is None else joined("; ", gap.reasons),
        waivers=tuple(
            _waiver_share(bound, waiver, waiver.products)
            for _, waiver in bound.waivers_of(policy)
            if waiver.products is not None and waives_fleet(waiver)
        ),
    )


def _waiver_share(bound: BoundPolicies, waiver: Waiver, products: ProductSet) -> WaiverShare:
    """Return which of a tenant's SKUs a waiver covers."""
    mask, skus = bound.masks.of(products), bound.facts.skus
    owned_indices = [index for index, sku in enumerate(skus) if sku.owned]
    return WaiverShare(
        waiver=waiver.id,
        sku_ids=tuple(sorted(skus[index].sku_id for index in owned_indices if mask.true[index])),
        doubtful=tuple(sorted(skus[index].sku_id for index in owned_indices if mask.unknown[index])),
    )
