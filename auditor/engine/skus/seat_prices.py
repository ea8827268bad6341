"""The seat price of each SKU in a tenant on a day, from contracts and price lists."""

from datetime import date

from auditor.domain.policy.model import PolicySet
from auditor.domain.policy.prices import AgreedPrice, Contract, SeatPrices, agreed_price, seat_prices
from auditor.engine.skus.masks import ProductMasks
from auditor.engine.tenant_facts import TenantFacts


def contracts_of(policies: PolicySet, tenant: str) -> tuple[Contract, ...]:
    """Return the contracts that apply to a tenant, in order of id."""
    return tuple(contract for contract in policies.contracts if contract.applies_to(tenant))


def prices_on(facts: TenantFacts, masks: ProductMasks, day: date) -> SeatPrices | None:
    """Return the seat prices on a day; None without prices. A contract that may cover a SKU makes its price unknown."""
    today = facts.as_of.date()
    contracts = contracts_of(facts.policies, facts.manifest.tenant)
    priced = [(contract, masks.of(contract.products)) for contract in contracts if contract.prices]
    agreed: dict[str, AgreedPrice] = {}
    for index, sku in enumerate(facts.skus) if priced else ():
        certain = agreed_price([contract for contract, mask in priced if mask.true[index]], day, today)
        doubtful = agreed_price([contract for contract, mask in priced if mask.unknown[index]], day, today)
        if doubtful is not None:
            agreed[sku.sku_id] = AgreedPrice(amount=None, starts=doubtful.starts)
        elif certain is not None:
            agreed[sku.sku_id] = certain
    return seat_prices(facts.policies.prices, facts.policies.currency, day, agreed)
