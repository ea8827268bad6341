"""Resolves product sets over a list of SKUs: each SKU is contained, not contained, or unknown."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct

from auditor.arrays.columns import Flags
from auditor.catalogue import Catalogue
from auditor.catalogue.model import GUID
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.model import PolicySet
from auditor.domain.policy.product_set import Builtin, Element, Named, ProductSet, Sku, SkuGlob, WithService
from auditor.domain.syntax.globs import pattern_of
from auditor.engine.tenant_facts import SkuFact, TenantFacts

Containers = Mapping[int, tuple[int, ...]]
"""Index of a SKU → indices of the SKUs that contain it, the fullest first."""
FILLER_PLAN = "113feb6c-3fe4-4440-bddc-54d774bf0318"
"""EXCHANGE_S_FOUNDATION: part of nearly every SKU, so that it does not tell what a SKU is for."""
_Value = TypeVar("_Value")


class Mask(Struct, frozen=True):
    """Flags for each SKU or user: certainly in the set, or unknown; never both."""

    true: Flags
    unknown: Flags
    sure: bool = False
    """Set if it is known in advance that nothing is unknown, to save computing the unknown flags."""

    @property
    def possible(self) -> bool:
        """Whether anything is certainly or possibly in the set."""
        return bool(self.true.any() or (not self.sure and self.unknown.any()))

    @property
    def maybe(self) -> Flags:
        """Flags of what is certainly or possibly in the set."""
        return self.true if self.sure else self.true | self.unknown

    def __or__(self, other: "Mask") -> "Mask":
        true = self.true | other.true
        if self.sure and other.sure:
            return Mask(true, self.unknown, sure=True)
        return Mask(true, (self.unknown | other.unknown) & ~true)

    def __and__(self, other: "Mask") -> "Mask":
        true = self.true & other.true
        if self.sure and other.sure:
            return Mask(true, self.unknown, sure=True)
        return Mask(true, self.maybe & other.maybe & ~true)

    def __invert__(self) -> "Mask":
        return Mask(~self.maybe, self.unknown, self.sure)


def empty_mask(size: int) -> Mask:
    """Return the empty set over that many SKUs."""
    return Mask(np.zeros(size, dtype=bool), np.zeros(size, dtype=bool), sure=True)


class _Bits(Struct, frozen=True):
    """A mask as two integers with a bit for each SKU; combining sets is much faster this way than with flags."""

    true: int = 0
    unknown: int = 0

    def __or__(self, other: "_Bits") -> "_Bits":
        true = self.true | other.true
        return _Bits(true, (self.unknown | other.unknown) & ~true)


Trials = tuple[bool | None, ...]
"""For each SKU whether it is a trial; None if that is not known."""


class ProductMasks:
    """Resolves product sets over one list of SKUs; each set is resolved once."""

    def __init__(self, catalogue: Catalogue, policies: PolicySet, skus: Sequence[SkuFact], trials: Trials) -> None:
        # No facts of a tenant are stored, so that tenants with the same SKUs can share the masks.
        self._catalogue, self._policies = catalogue, policies
        self._skus = skus
        self._trials = trials
        self._everything = (1 << len(skus)) - 1
        # Hashing a set would walk all of it, so the caches use ids; the sets are stored to keep their ids valid.
        self._unions: dict[int, tuple[tuple[Element, ...], _Bits]] = {}
        self._masks: dict[int, tuple[ProductSet, Mask]] = {}
        self._values: dict[Hashable, Any] = {}

    @cached_property
    def _names(self) -> tuple[str | None, ...]:
        """Casefolded part numbers."""
        return tuple(None if sku.part_number is None else sku.part_number.casefold() for sku in self._skus)

    @cached_property
    def _bits_by_name(self) -> Mapping[str, int]:
        """Casefolded part number, or skuId → the SKUs with this name."""
        bits: dict[str, int] = {}
        for index, (sku, name) in enumerate(zip(self._skus, self._names, strict=True)):
            for key in (sku.sku_id,) if name is None else (sku.sku_id, name):
                bits[key] = bits.get(key, 0) | 1 << index
        return bits

    @cached_property
    def _nameless(self) -> int:
        """The SKUs whose part number was not collected, so that any name might refer to them."""
        return _bits(sku.part_number is None and sku.name_may_be_any for sku in self._skus)

    @cached_property
    def _plans(self) -> tuple[Mapping[str, int], int]:
        """Casefolded name or id of a service plan → the SKUs that contain it; and the SKUs whose plans are unknown."""
        pairs: dict[tuple[str, str], int] = {}
        for index, sku in enumerate(self._skus):
            for pair in sku.plans.items() if sku.plans else ():
                pairs[pair] = pairs.get(pair, 0) | 1 << index
        plans: dict[str, int] = {}
        for (plan_id, name), bits in pairs.items():
            for key in (plan_id, name.casefold()):
                plans[key] = plans.get(key, 0) | bits
        return plans, _bits(sku.plans is None for sku in self._skus)

    def of(self, products: ProductSet) -> Mask:
        """Return a product set as a mask over the SKUs."""
        cached = self._masks.get(id(products))
        if cached is None:
            bits, size = self._union(products.elements), len(self._skus)
            mask = Mask(_flags(bits.true, size), _flags(bits.unknown, size), sure=not bits.unknown)
            cached = self._masks[id(products)] = (products, mask)
        return cached[1]

    def cached(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """Return a value that depends only on the policies and on ids, names and plans of these SKUs; computed once.

        Tenants share it, so it must not depend on prices, seats or whether a tenant owns the SKUs.
        """
        cached: _Value | None = self._values.get(key)
        if cached is None:
            cached = self._values[key] = make()
        return cached

    def _union(self, elements: tuple[Element, ...]) -> _Bits:
        cached = self._unions.get(id(elements))
        if cached is None:
            cached = self._unions[id(elements)] = (elements, reduce(or_, map(self._element, elements), _Bits()))
        return cached[1]

    def _element(self, element: Element) -> _Bits:
        match element:
            case Named(elements=elements):
                return self._union(elements)
            case Builtin(name="*"):
                return _Bits(self._everything)
            case Builtin(name="free"):
                return self._free
            case Builtin(name="paid"):
                free = self._free
                return _Bits(self._everything & ~(free.true | free.unknown), free.unknown)
            case Builtin():
                trials = self._trials
                return _Bits(_bits(answer is True for answer in trials), _bits(answer is None for answer in trials))
            case Sku(name=name):
                key = name.casefold()
                return _Bits(self._bits_by_name.get(key, 0)) | _Bits(0, 0 if GUID.fullmatch(key) else self._nameless)
            case SkuGlob(pattern=pattern):
                return _Bits(_matched(pattern, self._names)) | _Bits(0, self._nameless)
            case WithService(plan=plan):
                bits_by_plan, unknown = self._plans
                return _Bits(bits_by_plan.get(plan.casefold(), 0)) | _Bits(0, unknown)

    @cached_property
    def _free(self) -> _Bits:
        free = self._catalogue.free
        listed = [_Bits(bits) for name, bits in self._bits_by_name.items() if name in free]
        extended = [self._union(products.elements) for products in self._policies.free]
        return reduce(or_, [*listed, *extended], _Bits(0, self._nameless))

    @cached_property
    def containers(self) -> Containers:
        """The SKUs that contain each SKU, by their service plans.

        If two SKUs have the same plans, the one with the greater skuId is contained in the other. A SKU whose plans are
        unknown or empty neither contains another one nor is contained.
        """
        ids = [sku.sku_id for sku in self._skus]
        plans = {index: _plans(sku) for index, sku in enumerate(self._skus) if sku.plans}
        containers_of: dict[int, tuple[int, ...]] = {}
        for index, own in plans.items():
            containing = [
                other
                for other, larger in plans.items()
                if own and (own < larger or (own == larger and ids[index] > ids[other]))
            ]
            if containing:
                containers_of[index] = tuple(sorted(containing, key=lambda other: (-len(plans[other]), ids[other])))
        return containers_of


def _plans(sku: SkuFact) -> frozenset[str]:
    return frozenset(
        plan
        for plan, name in (sku.plans or {}).items()
        if plan != FILLER_PLAN and name.casefold() != "exchange_s_foundation"
    )


def trials_of(facts: TenantFacts, skus: Sequence[SkuFact]) -> Trials:
    """Return for each SKU whether it has subscriptions and all of them are trials; None if that is not known."""
    states: dict[str, set[bool | None]] = {}
    for row in facts.subscriptions:
        states.setdefault(row["skuId"], set()).add(row["isTrial"])
    # A subscription without a skuId may be to any of them.
    complete = facts.status(Source.SUBSCRIPTIONS) is SourceStatus.COMPLETE and None not in states
    return tuple(_is_trial(states.get(sku.sku_id), complete=complete) for sku in skus)


def _is_trial(states: Collection[bool | None] | None, *, complete: bool) -> bool | None:
    if states is None:
        return False if complete else None
    if False in states:
        return False
    return True if complete and None not in states else None


def unshared_masks(facts: TenantFacts, skus: Sequence[SkuFact]) -> ProductMasks:
    """Return masks over SKUs that other tenants do not share, such as those of a single subscription."""
    return ProductMasks(facts.catalogue, facts.policies, skus, trials_of(facts, skus))


def masks_of(facts: TenantFacts, skus: Sequence[SkuFact]) -> ProductMasks:
    """Return the masks over a list of SKUs; tenants that own and hold the same products share them."""
    trials = trials_of(facts, skus)
    # The masks keep references to the objects whose ids are in the key, so that these ids are not reused.
    names = tuple((sku.sku_id, sku.part_number, sku.name_may_be_any, id(sku.plans)) for sku in skus)
    key = (id(facts.catalogue), id(facts.policies), trials, names)
    cached = _MASKS_CACHE.get(key)
    if cached is None:
        if len(_MASKS_CACHE) >= _MAX_CACHED:
            _MASKS_CACHE.clear()
        cached = _MASKS_CACHE[key] = ProductMasks(facts.catalogue, facts.policies, skus, trials)
    return cached


def surely_contains(
    catalogue: Catalogue, policies: PolicySet, products: ProductSet, sku_id: str, part_number: str | None
) -> bool:
    """Return whether a SKU of a saved result is certainly in a set, by the service plans that the catalogue has for it.

    Whether it is a trial is not known.
    """
    product = catalogue.product(sku_id)
    plans = None if product is None else {plan.id: plan.name for plan in product.plans}
    sku = SkuFact(sku_id=sku_id.lower(), part_number=part_number, owned=True, plans=plans)
    return bool(ProductMasks(catalogue, policies, (sku,), (None,)).of(products).true[0])


_MASKS_CACHE: dict[object, ProductMasks] = {}
_MAX_CACHED = 64


def _bits(answers: Iterable[bool]) -> int:
    return sum(1 << index for index, answer in enumerate(answers) if answer)


def _flags(bits: int, size: int) -> Flags:
    octets = np.frombuffer(bits.to_bytes(size // 8 + 1, "little"), dtype=np.uint8)
    flags = np.unpackbits(octets, count=size, bitorder="little").view(bool)
    flags.flags.writeable = False
    return flags


@lru_cache(maxsize=2048)
def _matched(pattern: str, names: tuple[str | None, ...]) -> int:
    """Return the names that match a glob, as bits; cached because many small tenants own the same products."""
    matches = pattern_of(pattern).fullmatch
    return _bits(name is not None and matches(name) is not None for name in names)
