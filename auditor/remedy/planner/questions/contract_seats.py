"""Computes the contracts after decided purchases and renewals are agreed."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from auditor.domain.policy.prices import Contract
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.seat_pools import purchased_units
from auditor.remedy.planner.simulation.seat_answers import DecidedSeatChange


def agreed_contracts(bound: BoundPolicies, seats: Mapping[str, DecidedSeatChange]) -> dict[str, Contract]:
    """Return the contracts of a tenant, by id, whose number of seats will change.

    If a current contract is the only one about the seats of a product, it gets the decided number of seats.
    """
    facts = bound.facts
    contracts_by_skus: dict[tuple[int, ...], list[Contract]] = {}
    for contract in bound.contracts_in_force:
        contracts_by_skus.setdefault(tuple(np.flatnonzero(bound.masks.of(contract.products).true).tolist()), []).append(
            contract
        )
    agreed: dict[str, Contract] = {}
    for indices, contracts in contracts_by_skus.items():
        skus = [facts.skus[index] for index in indices if facts.skus[index].owned]
        changed = [seats[sku.sku_id].sku if sku.sku_id in seats else sku for sku in skus]
        units = purchased_units(changed)
        if changed != skus and len(contracts) == 1 and contracts[0].seats is not None and units is not None:
            agreed[contracts[0].id] = replace(contracts[0], seats=units)
    return agreed


def contracts_about(bound: BoundPolicies, contracts: Iterable[Contract], sku_id: str) -> list[Contract]:
    """Return the contracts whose products include a SKU of the tenant."""
    index = bound.facts.index[sku_id]
    return [contract for contract in contracts if bound.masks.of(contract.products).true[index]]


def with_agreed(
    contracts: Sequence[Contract], agreed: Mapping[str, Mapping[str, Contract]], tenants: Sequence[str]
) -> tuple[Contract, ...]:
    """Return the contracts of all tenants with the changed ones of some; `agreed` is by tenant name and contract id."""
    parts: list[Contract] = []
    for contract in contracts:
        changing = {name: changed[contract.id] for name, changed in agreed.items() if contract.id in changed}
        others = tuple(name for name in tenants if name not in changing and contract.applies_to(name))
        if others or not changing:
            parts.append(replace(contract, tenants=others) if changing else contract)
        parts += [replace(changed, tenants=(name,)) for name, changed in changing.items()]
    return tuple(parts)
