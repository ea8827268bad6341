"""One tenant is short of seats of a product while another has too many."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from auditor.checks.check import Check, SeatBalance
from auditor.domain.enums import Agreement, Source, SubjectType
from auditor.domain.message import Message, joined
from auditor.domain.policy.model import Balance, Bound, Policy, Waiver
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import BalanceShare, SeatCount, TenantResult, WaiverShare
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.domain.translation import N_
from auditor.engine.fleet import FleetScope, waives_fleet
from auditor.engine.not_evaluated import unread_source
from auditor.engine.policy.binding import BoundPolicies
from auditor.guidance.routing import Articles, Situation, purchase_channel


def _routes(situation: Situation) -> Articles:
    transferable = situation.agreement in {Agreement.MCA, Agreement.UNKNOWN}
    return (
        "transfer-between-tenants",
        *(("multitenant-billing",) if transferable else ()),
        *purchase_channel(situation),
    )


def _evaluate(scope: FleetScope, block: Balance) -> Iterator[Finding]:
    """Compare the spare seats of each SKU over all tenants."""
    titles = tenant_titles(scope.tenants)
    for tenant in scope.tenants:
        share = scope.shares[tenant.name]
        if share is None:
            unread = Message("its seats are not known") if tenant.failure is None else Message("not audited")
            scope.reasons.append((titles[tenant.name], unread))
            continue
        if share.reason is not None:
            scope.reasons.append((titles[tenant.name], share.reason))
        scope.judged.update(share.sku_ids)
        scope.doubtful |= bool(share.doubtful)
    for _, imbalance in sorted(_imbalances(scope, block, titles).items()):
        if imbalance.short and imbalance.excess:
            evidence = {
                "short": sorted(imbalance.short, key=lambda line: str(line["tenant"])),
                "excess": sorted(imbalance.excess, key=lambda line: str(line["tenant"])),
                "minimum": block.minimum.written if block.minimum else None,
                "maximum": block.maximum.written if block.maximum else None,
            }
            yield scope.finding(CHECK.id, imbalance.count, evidence)
        elif imbalance.is_possible:
            scope.reasons.extend(imbalance.reasons)


def _imbalances(scope: FleetScope, block: Balance, titles: Mapping[str, str]) -> dict[str, "_Imbalance"]:
    """Return the tenants with too few and with too many seats of each SKU that the policy evaluates, by skuId."""
    imbalances: dict[str, _Imbalance] = {}
    for tenant in scope.tenants:
        share = scope.shares[tenant.name]
        if share is None:
            continue
        certain, doubtful = frozenset(share.sku_ids), frozenset(share.doubtful)
        for count in tenant.seats:
            if count.sku_id in certain or count.sku_id in doubtful:
                imbalance = imbalances.setdefault(count.sku_id, _Imbalance(count=count))
                imbalance.add(block, tenant, titles[tenant.name], count, doubtful=count.sku_id in doubtful)
    return imbalances


class _Imbalance(Struct):
    """The tenants with too few seats of one SKU and those with too many, certainly and at most."""

    count: SeatCount
    short: list[Mapping[str, Any]] = field(default_factory=list)
    excess: list[Mapping[str, Any]] = field(default_factory=list)
    possibly_short: set[str] = field(default_factory=set)
    possibly_excess: set[str] = field(default_factory=set)
    reasons: list[tuple[str, Message]] = field(default_factory=list)

    @property
    def is_possible(self) -> bool:
        """Whether one tenant may have too few seats and another one too many."""
        return (
            bool(self.possibly_short and self.possibly_excess) and len(self.possibly_short | self.possibly_excess) > 1
        )

    def add(self, block: Balance, tenant: TenantResult, title: str, count: SeatCount, *, doubtful: bool) -> None:
        """Add one tenant's seats; if its bounds contradict each other, it has too few."""
        unread_numbers = count.usable is None or count.consumed is None or count.spare is None
        if unread_numbers:
            unnumbered = Message("Graph returned no seat numbers for {product}", product=count.sku_part_number)
            self.reasons.append((title, unnumbered))
        elif count.usable == 0 and count.consumed == 0:
            return
        short = _breaks(block.minimum, count, below=True)
        excess = _breaks(block.maximum, count, below=False)
        if short is not False:
            self.possibly_short.add(tenant.name)
        if excess is not False and not short:
            self.possibly_excess.add(tenant.name)
        if doubtful:
            unknown = Message("it is not known whether the policy looks at {product}", product=count.sku_part_number)
            self.reasons.append((title, unknown))
            return
        if short:
            self.short.append(_line(tenant, title, count))
        elif excess:
            self.excess.append(_line(tenant, title, count))


def _breaks(bound: Bound | None, count: SeatCount, *, below: bool) -> bool | None:
    """Return whether the spare seats break a bound; None if Graph gave no numbers."""
    if bound is None:
        return False
    if count.usable is None or count.spare is None:
        return None
    limit = bound.seats_of(count.usable)
    return count.spare < limit if below else count.spare > limit


def _line(tenant: TenantResult, title: str, count: SeatCount) -> Mapping[str, Any]:
    return {
        "tenant": tenant.name,
        "title": title,
        "agreement": tenant.agreement.value,
        "usable": count.usable,
        "consumed": count.consumed,
        "spare": count.spare,
    }


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


CHECK = Check(
    id="balance.imbalance",
    name=N_("seats are in the wrong tenant"),
    explanation=N_("One tenant has too few spare seats of a product while another one has too many."),
    block=Balance,
    key="balance: {spare}",
    subject=SubjectType.FLEET,
    once_per=N_("product"),
    is_enabled=lambda _: True,
    products=lambda block: (block.of,),
    evaluate_fleet=_evaluate,
    seat_balance=SeatBalance.TOO_MANY_SPARE,
    routes=_routes,
)
