"""A contract ends soon, or has ended recently."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from auditor.checks.check import Cost, Detail, ObjectAction
from auditor.checks.contracts.terms import ContractCheck, contract_finding, named_sku, within
from auditor.domain.actions.kind import ActionKind
from auditor.domain.money import Money
from auditor.domain.policy.model import Contracts
from auditor.domain.policy.prices import Contract, price_on
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope

_REPORTED_DAYS: Final = 30
"""Number of days after its end for which a contract is still reported."""


def _evaluate(scope: TenantScope, block: Contracts) -> Iterator[ObjectFinding]:
    assert block.ending is not None
    for contract in scope.bound.contracts:
        if within(scope, contract.ends, block.ending, past=_REPORTED_DAYS):
            money, details = _renewal(scope, contract)
            yield contract_finding(scope, contract, money=money, **details)


def _renewal(scope: TenantScope, contract: Contract) -> tuple[Money | None, dict[str, Any]]:
    """Return the monthly cost of the contract's seats after its renewal, and evidence for a price that changes."""
    day = contract.ends + timedelta(days=1) if contract.ends < date.max else contract.ends
    prices = scope.bound.prices_on(day)
    if prices is None or contract.seats is None:
        return None, {}
    price = price_on(contract.prices, day)
    if price is None:
        sku = named_sku(scope.bound, contract.products)
        price = None if sku is None else prices.listed_price(sku_id=sku.sku_id, part_number=sku.part_number)
    if price is None:
        return None, {}
    money = Money(currency=prices.currency, per_month=price.amount * contract.seats)
    return money, scope.price_change(price)


CHECK = ContractCheck(
    id="contract.ending",
    name=N_("end of the contract"),
    explanation=N_("A contract ends within the number of days set in the policy, or ended in the last 30 days."),
    key="contracts: {ending}",
    is_enabled=lambda block: block.ending is not None,
    evaluate_tenant=_evaluate,
    detail=Detail.CONTRACT,
    cost=Cost.TOTAL,
    action=lambda finding, _: ObjectAction(ActionKind.CONTRACT_ENDING, text=finding.detail or ""),
)
