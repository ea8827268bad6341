"""Policies bound to one tenant: product sets resolved to masks, applicable waivers, and prices, for all batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np

from auditor.arrays.columns import Flags
from auditor.domain.policy.model import Assignments, Policy, PolicySet, Seats, Waiver
from auditor.domain.policy.prices import AgreedPrice, Contract, SeatPrices, agreed_price, seat_prices
from auditor.domain.policy.product_set import ProductSet, Sku, leaves
from auditor.domain.result.model import ProductSetMembers
from auditor.engine.policy_index import Checks, Rules, rules_of
from auditor.engine.selection.conditional_access import ConditionalAccess
from auditor.engine.selection.directory_roles import DirectoryRoles
from auditor.engine.selection.group_membership import Membership
from auditor.engine.skus.masks import Mask, ProductMasks, masks_of, unshared_masks
from auditor.engine.tenant_facts import SkuFact, TenantFacts


@dataclass(frozen=True, kw_only=True)
class BoundPolicies:
    """Everything that evaluation needs except the users themselves; policies are in the order of findings."""

    facts: TenantFacts
    policies: tuple[Policy, ...]
    waivers: tuple[Waiver, ...]
    """The waivers that apply to the tenant and have not expired, in order of id."""
    expired: tuple[Waiver, ...]
    masks: ProductMasks
    membership: Membership
    conditional_access: ConditionalAccess
    """Gives access to the directory roles too."""
    rules: Rules
    counts_seats: bool = False
    """Whether seats are counted by department and use for reports, in addition to what policies need."""
    _prices: dict[date, SeatPrices | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def size(self) -> int:
        """The number of SKUs."""
        return len(self.facts.skus)

    def skus_in(self, products: ProductSet) -> list[SkuFact]:
        """Return the SKUs of the tenant that are certainly in a set."""
        return [self.facts.skus[index] for index in np.flatnonzero(self.masks.of(products).true).tolist()]

    def with_seats(self, products: ProductSet) -> list[SkuFact]:
        """Return the SKUs that are certainly in a set and of which the tenant has usable seats for people."""
        mask, skus = self.masks.of(products).true, self.facts.skus
        return [skus[index] for index in self.facts.assignable if mask[index] and (skus[index].usable or 0) > 0]

    def contains(self, products: ProductSet, sku: SkuFact) -> Mask:
        """Return whether a SKU, which the tenant need not own, is in a set, as a mask of length 1."""
        if not sku.owned:
            return unshared_masks(self.facts, (sku,)).of(products)
        mask, index = self.masks.of(products), self.facts.index[sku.sku_id]
        return Mask(mask.true[index : index + 1], mask.unknown[index : index + 1])

    @cached_property
    def catalogue_masks(self) -> ProductMasks:
        """The masks over `facts.every_sku`, for comparing product sets regardless of holdings."""
        return unshared_masks(self.facts, self.facts.every_sku)

    def overlap(self, left: ProductSet, right: ProductSet) -> Mask:
        """Return whether two sets share a SKU of the tenant or of the catalogue, or a name, as a mask of length 1.

        Names are compared as well, because a SKU may be in neither.
        """
        masks = self.catalogue_masks
        return masks.cached(("overlap", id(left), id(right)), lambda: _overlap(masks, left, right))

    @cached_property
    def prices(self) -> SeatPrices | None:
        """The seat prices on the day of the audit; None if nothing has a price."""
        return self.prices_on(self.facts.as_of.date())

    def prices_on(self, day: date) -> SeatPrices | None:
        """Return the seat prices on a day; after the end of a contract, those of its renewal. None without prices."""
        if day not in self._prices:
            self._prices[day] = _prices_on(self, day)
        return self._prices[day]

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """The contracts that apply to the tenant, in order of id."""
        tenant = self.facts.manifest.tenant
        return tuple(contract for contract in self.facts.policies.contracts if contract.applies_to(tenant))

    @cached_property
    def contracts_in_force(self) -> tuple[Contract, ...]:
        """Those that are in force on the day of the audit."""
        today = self.facts.as_of.date()
        return tuple(contract for contract in self.contracts if contract.holds(today))

    def waivers_of(self, policy: Policy) -> tuple[tuple[int, Waiver], ...]:
        """Return the waivers that cover a policy, with their indices."""
        named, general = self._covering
        indices = sorted({*named.get(policy.id, ()), *general})
        return tuple((index, self.waivers[index]) for index in indices)

    @cached_property
    def _covering(self) -> tuple[Mapping[str, Sequence[int]], Sequence[int]]:
        """The indices of the waivers that name a policy, by policy id; and of those that cover every policy."""
        named: dict[str, list[int]] = {}
        for index, waiver in enumerate(self.waivers):
            for policy in waiver.policies or ():
                named.setdefault(policy, []).append(index)
        return named, [index for index, waiver in enumerate(self.waivers) if waiver.policies is None]


def bind(policies: PolicySet, facts: TenantFacts, checks: Checks, *, counts_seats: bool = False) -> BoundPolicies:
    """Bind the policies and waivers that apply to the tenant to its facts and to the checks that evaluate them.

    With `counts_seats`, the seats of its users are counted for reports too.
    """
    tenant = facts.manifest.tenant
    rules = rules_of(policies, checks)
    waivers = [waiver for waiver in policies.waivers if waiver.applies_to(tenant)]
    today = facts.as_of.date()
    membership = Membership(facts)
    return BoundPolicies(
        facts=facts,
        policies=tuple(policy for policy in rules.ordered if policy.applies_to(tenant)),
        waivers=tuple(waiver for waiver in waivers if today <= waiver.expires),
        expired=tuple(waiver for waiver in waivers if today > waiver.expires),
        masks=masks_of(facts, facts.skus),
        membership=membership,
        conditional_access=ConditionalAccess(facts, membership, DirectoryRoles(facts, membership)),
        rules=rules,
        counts_seats=counts_seats,
    )


def assignable(bound: BoundPolicies) -> Flags:
    """Return flags of the SKUs that the tenant owns and people can hold: those whose seats are evaluated."""
    flags = np.zeros(bound.size, dtype=bool)
    flags[list(bound.facts.assignable)] = True
    return flags


def set_members(bound: BoundPolicies) -> tuple[ProductSetMembers, ...] | None:
    """Return the members of each set that has any, so that actions and reports need no snapshot; None if no set has."""
    sets = {products.written: products for policy in bound.policies for products in _sets(policy)}
    members = (
        ProductSetMembers(written=written, sku_ids=tuple(sku.sku_id for sku in skus))
        for written in sorted(sets)
        if (skus := bound.with_seats(sets[written]))
    )
    return tuple(members) or None


def _sets(policy: Policy) -> Iterator[ProductSet]:
    """Yield the sets that findings may name as their product; the name of a single product needs no resolution."""
    match policy.constraint:
        case Assignments(require=required):
            for products in required:
                if len(products.elements) != 1 or not isinstance(products.elements[0], Sku):
                    yield products
        case Seats(of=products, pool=pool, covers=covers) if pool or covers:
            yield products
        case _:
            pass


def _prices_on(bound: BoundPolicies, day: date) -> SeatPrices | None:
    """Return the seat prices on a day; None without prices. A contract that may cover a SKU makes its price unknown."""
    policies, today = bound.facts.policies, bound.facts.as_of.date()
    priced = [(contract, bound.masks.of(contract.products)) for contract in bound.contracts if contract.prices]
    agreed: dict[str, AgreedPrice] = {}
    for index, sku in enumerate(bound.facts.skus) if priced else ():
        certain = agreed_price([contract for contract, mask in priced if mask.true[index]], day, today)
        doubtful = agreed_price([contract for contract, mask in priced if mask.unknown[index]], day, today)
        if doubtful is not None:
            agreed[sku.sku_id] = AgreedPrice(amount=None, starts=doubtful.starts)
        elif certain is not None:
            agreed[sku.sku_id] = certain
    return seat_prices(policies.prices, policies.currency, day, agreed)


def _overlap(masks: ProductMasks, left: ProductSet, right: ProductSet) -> Mask:
    shared = masks.of(left) & masks.of(right)
    true = np.array([bool(_names(left) & _names(right)) or shared.true.any()])
    return Mask(true, np.array([shared.unknown.any()]) & ~true)


def _names(products: ProductSet) -> frozenset[str]:
    """Return the names and ids of SKUs in a set as written, in folded case."""
    return frozenset(leaf.name.casefold() for leaf in leaves(products.elements) if isinstance(leaf, Sku))
