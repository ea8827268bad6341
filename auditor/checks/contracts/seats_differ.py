"""The number of purchased units differs from the seats of the contracts."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.check import ObjectAction
from auditor.checks.contracts.terms import ContractCheck, ContractSubject, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.model import Contracts
from auditor.domain.policy.prices import Contract
from auditor.domain.policy.product_set import ProductSet, leaves
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.engine.skus.seat_pools import purchased_units
from auditor.guidance.routing import purchase_channel


def _evaluate(scope: TenantScope, _block: Contracts) -> Iterator[ObjectFinding]:
    if not scope.readable(Source.SUBSCRIBED_SKUS):
        return
    groups: dict[frozenset[str], tuple[ContractSubject, list[Contract]]] = {}
    for contract in scope.bound.contracts_in_force:
        contract_subject = subject_of(scope.bound, contract.products)
        is_pool = contract_subject.pool is not None
        key = _members(scope, contract.products) if is_pool else frozenset({contract_subject.subject.id})
        groups.setdefault(key, (contract_subject, []))[1].append(contract)
    for contract_subject, contracts in groups.values():
        seats = [contract.seats for contract in contracts if contract.seats is not None]
        if len(seats) < len(contracts):
            continue  # without the seats of every contract, the sum is not known
        purchased = _purchased(scope, contract_subject, contracts[0])
        if purchased is not None and purchased != sum(seats):
            ids = [contract.id for contract in contracts]
            yield scope.finding(
                contract_subject.subject,
                product=contract_subject.product,
                evidence={"purchased": purchased, "contractSeats": sum(seats), "contracts": ids},
                pool=contract_subject.pool,
            )


def _members(scope: TenantScope, products: ProductSet) -> frozenset[str]:
    """Return the skuIds in a set, and the elements that match none as text: equal sets may be written differently."""
    skus, masks = scope.facts.every_sku, scope.bound.catalogue_masks
    members = {skus[index].sku_id for index in np.flatnonzero(masks.of(products).true).tolist()}
    for element in leaves(products.elements):
        if not masks.of(ProductSet(elements=(element,), written="")).true.any():
            members.add(str(element).casefold())
    return frozenset(members)


def _purchased(scope: TenantScope, contract_subject: ContractSubject, contract: Contract) -> int | None:
    """Return the purchased units of the contract's products; None if not known, with the reason recorded."""
    facts, mask = scope.facts, scope.bound.masks.of(contract.products)
    owned_indices = [index for index in np.flatnonzero(mask.maybe).tolist() if facts.skus[index].owned]
    complete = facts.status(Source.SUBSCRIBED_SKUS) is SourceStatus.COMPLETE
    if not complete and not (contract_subject.pool is None and owned_indices):
        return None  # units that were not read may be missing; `readable` has recorded the reason
    total = 0
    for index in owned_indices:
        sku = facts.skus[index]
        if mask.unknown[index]:
            scope.unknown.add("subscribedSkus", Message("it is not known whether a product is in a contract's set"))
            return None
        units = purchased_units([sku])
        if units is None:
            scope.seats_unknown(sku.label)
            return None
        total += units
    return total


CHECK = ContractCheck(
    id="contract.seats-differ",
    name=N_("seats differ from the contract"),
    explanation=N_("The number of purchased units differs from the seats of the contracts in force."),
    key="contracts: {match}",
    once_per=N_("product or set that contracts name"),
    is_enabled=lambda block: block.match,
    evaluate_tenant=_evaluate,
    routes=lambda situation: ("contract-seats", *purchase_channel(situation), "buy-licenses", "remove-licenses"),
    action=lambda _, __: ObjectAction(ActionKind.CONTRACT_SEATS),
)
