"""Contracts and price lists into what a seat of each SKU costs a tenant on a day."""

from collections.abc import Iterable
from datetime import date

from auditor.domain.policy.model import PolicySet
from auditor.domain.policy.prices import Contract, SeatPrice, SeatPrices, agreed_price, seat_prices
from auditor.engine.skus.masks import ProductMasks
from auditor.engine.tenant_facts import TenantFacts


def contracts_of(policies: PolicySet, tenant: str) -> tuple[Contract, ...]:
    """Return the contracts that were made for a tenant, in order of id."""
    return tuple(contract for contract in policies.contracts if contract.applies_to(tenant))


def prices_on(facts: TenantFacts, masks: ProductMasks, day: date) -> SeatPrices | None:
    """Return what seats cost on a day; contracts that may cover a SKU leave its price unknown. None without prices."""
    today = facts.as_of.date()
    priced = [contract for contract in contracts_of(facts.policies, facts.manifest.tenant) if contract.prices]
    agreed: dict[str, SeatPrice] = {}
    for number, sku in enumerate(facts.skus) if priced else ():
        found = agreed_price(_covering(priced, masks, number), day, today)
        doubtful = agreed_price(_doubtful(priced, masks, number), day, today)
        if doubtful is not None:
            agreed[sku.sku_id] = SeatPrice(amount=None, starts=doubtful.starts)
        elif found is not None:
            agreed[sku.sku_id] = found
    return seat_prices(facts.policies.prices, facts.policies.currency, day, agreed)


def _covering(contracts: Iterable[Contract], masks: ProductMasks, number: int) -> list[Contract]:
    return [contract for contract in contracts if masks.of(contract.products).true[number]]


def _doubtful(contracts: Iterable[Contract], masks: ProductMasks, number: int) -> list[Contract]:
    return [contract for contract in contracts if masks.of(contract.products).unknown[number]]
