"""The contracts of a tenant: their products, their dates, and findings about them."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from auditor.checks.check import Check
from auditor.domain.actions.product_names import pooled
from auditor.domain.enums import SubjectType
from auditor.domain.money import Money, UnitPrice
from auditor.domain.policy.model import Contracts
from auditor.domain.policy.prices import Contract
from auditor.domain.policy.product_set import ProductSet, Sku
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.result.model import ContractTerm
from auditor.domain.result.purchases import ContractPrice
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import Extent, PolicyExtent
from auditor.engine.scope import TenantScope
from auditor.engine.tenant_facts import SkuFact
from auditor.guidance.routing import Articles, Situation, purchase_channel


class ContractSubject(Struct, frozen=True):
    """The subject and product of findings about a contract's products."""

    subject: Subject
    product: ProductReference
    pool: ProductSet | None
    """The product set, if it is not a single SKU."""


def contract_extent(bound: BoundPolicies, _block: Contracts, _people: PolicyExtent) -> PolicyExtent:
    """Count the contracts of the tenant."""
    count = len(bound.contracts)
    return PolicyExtent(count, not count)


def subject_of(bound: BoundPolicies, products: ProductSet) -> ContractSubject:
    """Return the SKU, if the set names a single one by part number or id, else the set as written."""
    sku = named_sku(bound, products)
    if sku is None:
        name = pooled(map(bound.facts.title, bound.skus_in(products))) or products.written
        return ContractSubject(
            Subject(type=SubjectType.PRODUCT, id=products.written, name=name),
            ProductReference(sku_id=None, sku_part_number=products.written),
            products,
        )
    return ContractSubject(
        Subject(type=SubjectType.PRODUCT, id=sku.sku_id, name=bound.facts.title(sku)),
        ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number),
        None,
    )


def named_sku(bound: BoundPolicies, products: ProductSet) -> SkuFact | None:
    """Return the SKU of a set of one name or id, from the tenant, else the catalogue; None if the name is ambiguous."""
    match products.elements:
        case (Sku(name=name),):
            facts, owned = bound.facts, bound.skus_in(products)
            if owned:
                return owned[0] if len(owned) == 1 else None
            known = facts.catalogue.named(name)
            return facts.sku_of(known[0].sku_id) if len(known) == 1 else None
        case _:
            return None


def contract_finding(scope: TenantScope, contract: Contract, *, money: Money | None, **more: Any) -> ObjectFinding:
    """Return a finding about one contract; `more` adds to its evidence."""
    contract_subject = subject_of(scope.bound, contract.products)
    notice = contract.last_notice_day
    evidence = {
        "ends": contract.ends.isoformat(),
        "lastDayOfNotice": None if notice is None else notice.isoformat(),
        "renews": contract.renews,
        "term": contract.term,
        "contractSeats": contract.seats,
        "seller": contract.seller or None,
        **more,
    }
    return scope.finding(
        contract_subject.subject,
        product=contract_subject.product,
        detail=contract.id,
        evidence={name: value for name, value in evidence.items() if value is not None},
        money=money,
        pool=contract_subject.pool,
    )


def within(scope: TenantScope, day: date, time: timedelta, *, past: int = 0) -> bool:
    """Return whether a day is at most `time` after the day of the audit, or at most `past` days before it."""
    distance = day.toordinal() - scope.facts.as_of.date().toordinal()
    return -past <= distance <= time.days


def ending_contract(situation: Situation) -> Articles:
    """Return the articles about renewing or ending a contract."""
    return ("contract-end", *purchase_channel(situation), "recurring-billing", "cancel-subscription")


def contract_terms(bound: BoundPolicies) -> tuple[ContractTerm, ...] | None:
    """Return the tenant's contracts with their dates; None if there are none."""
    terms = (
        ContractTerm(
            id=contract.id,
            name=subject_of(bound, contract.products).subject.name,
            sku_ids=tuple(sku.sku_id for sku in bound.skus_in(contract.products)),
            ends=contract.ends,
            notice=contract.last_notice_day,
            renews=contract.renews,
            seats=contract.seats,
        )
        for contract in bound.contracts
    )
    return tuple(terms) or None


def contract_prices(bound: BoundPolicies) -> tuple[ContractPrice, ...] | None:
    """Return the contract prices of seats on the day of the audit; None if no contract has a price."""
    prices = bound.prices
    if prices is None or not prices.agreed:
        return None
    return tuple(
        ContractPrice(
            sku_id=sku_id,
            money=None if price.amount is None else UnitPrice(currency=prices.currency, per_month=price.amount),
        )
        for sku_id, price in sorted(prices.agreed.items())
    )


class ContractCheck(Check[Contracts], frozen=True, kw_only=True):
    """A check about the contracts for a product."""

    block: type[Contracts] = Contracts
    subject: SubjectType = SubjectType.PRODUCT
    once_per: str = N_("contract of the tenant")
    extent: Extent | None = contract_extent
    routes: Callable[[Situation], Articles] = ending_contract
