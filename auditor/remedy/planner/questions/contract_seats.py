"""Contracts as they will read once decided purchases and renewals are agreed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from auditor.domain.policy.prices import Contract
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.seat_pools import purchased_units
from auditor.engine.skus.seat_prices import contracts_of
from auditor.remedy.planner.simulation.seat_answers import SeatChange


def agreed_contracts(bound: BoundPolicies, seats: Mapping[str, SeatChange]) -> dict[str, Contract]:
    """Return the contracts of a tenant, by id, that will be about another number of seats.

    A contract that holds and alone names the seats of a product will name those that were decided.
    """
    facts = bound.facts
    today = facts.as_of.date()
    holding = [each for each in contracts_of(facts.policies, facts.manifest.tenant) if each.holds(today)]
    about: dict[tuple[int, ...], list[Contract]] = {}
    for contract in holding:
        about.setdefault(tuple(np.flatnonzero(bound.masks.of(contract.products).true).tolist()), []).append(contract)
    agreed: dict[str, Contract] = {}
    for numbers, contracts in about.items():
        skus = [facts.skus[number] for number in numbers if facts.skus[number].owned]
        changed = [seats[sku.sku_id].sku if sku.sku_id in seats else sku for sku in skus]
        units = purchased_units(changed)
        if changed != skus and len(contracts) == 1 and contracts[0].seats is not None and units is not None:
            agreed[contracts[0].id] = replace(contracts[0], seats=units)
    return agreed


def contracts_about(bound: BoundPolicies, contracts: Iterable[Contract], sku_id: str) -> list[Contract]:
    """Return those contracts whose products include a SKU of the tenant."""
    number = bound.facts.index[sku_id]
    return [each for each in contracts if bound.masks.of(each.products).true[number]]


def with_agreed(
    contracts: Sequence[Contract], agreed: Mapping[str, Mapping[str, Contract]], tenants: Sequence[str]
) -> tuple[Contract, ...]:
    """Return the contracts of all tenants with those that change in some, by the name of the tenant."""
    return tuple(each for contract in contracts for each in _divided(contract, agreed, tenants))


def _divided(
    contract: Contract, agreed: Mapping[str, Mapping[str, Contract]], tenants: Sequence[str]
) -> Iterator[Contract]:
    changing = {name: own[contract.id] for name, own in agreed.items() if contract.id in own}
    others = tuple(name for name in tenants if name not in changing and contract.applies_to(name))
    if others or not changing:
        yield replace(contract, tenants=others) if changing else contract
    yield from (replace(each, tenants=(name,)) for name, each in changing.items())
