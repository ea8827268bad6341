"""Product sets into what they say of each SKU: contained, not contained, or unknown."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from auditor.catalogue import Catalogue
from auditor.catalogue.model import GUID
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.policy.model import PolicySet
from auditor.domain.policy.product_set import Builtin, Element, Named, ProductSet, Sku, SkuGlob, WithService
from auditor.domain.syntax.globs import pattern_of
from auditor.engine.tenant_facts import SkuFact

Flags = npt.NDArray[np.bool_]
Containers = Mapping[int, tuple[int, ...]]
"""Place of a SKU → places of the SKUs that contain it, the fullest first."""
FILLER_PLAN = "113feb6c-3fe4-4440-bddc-54d774bf0318"
"""EXCHANGE_S_FOUNDATION: part of nearly every SKU, so that it says nothing about what a SKU is for."""
_Value = TypeVar("_Value")


class Mask(Struct, frozen=True):
    """Per SKU or user: certainly in the set, or not known; never both."""

    true: Flags
    unknown: Flags
    sure: bool = False
    """That nothing is unknown, as far as that was known beforehand: it spares the arithmetic of the unknown."""

    @property
    def possible(self) -> bool:
        """Whether anything is in the set for certain or perhaps."""
        return bool(self.true.any() or (not self.sure and self.unknown.any()))

    @property
    def maybe(self) -> Flags:
        """What is in the set, for certain or perhaps."""
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


def nothing(size: int) -> Mask:
    """Return the empty set over that many SKUs."""
    return Mask(np.zeros(size, dtype=bool), np.zeros(size, dtype=bool), sure=True)


class Knowledge(Protocol):
    """What product sets are resolved by, beside the SKUs themselves."""

    @property
    def catalogue(self) -> Catalogue:
        """The product catalogue, with its list of free SKUs."""

    @property
    def policies(self) -> PolicySet:
        """The policies, which may extend `free`."""

    @property
    def subscriptions(self) -> Sequence[Mapping[str, Any]]:
        """The tenant's subscriptions, for `trial`."""

    def status(self, source: Source) -> SourceStatus:
        """How much of a source was read."""


class _Bits(Struct, frozen=True):
    """A mask as two numbers, a bit for each SKU: while sets are put together that is much quicker than flags."""

    true: int = 0
    unknown: int = 0

    def __or__(self, other: "_Bits") -> "_Bits":
        true = self.true | other.true
        return _Bits(true, (self.unknown | other.unknown) & ~true)


Trials = tuple[bool | None, ...]
"""For each SKU whether it is a trial; None where that is not known."""


class ProductMasks:
    """Resolves product sets over one list of SKUs; a set is resolved once."""

    def __init__(self, facts: Knowledge, skus: Sequence[SkuFact], trials: Trials | None = None) -> None:
        # Nothing else of the facts is kept, so that tenants can share what is the same for them.
        self._catalogue, self._policies = facts.catalogue, facts.policies
        self._skus = skus
        self._trials = trials_of(facts, skus) if trials is None else trials
        self._everything = (1 << len(skus)) - 1
        # To hash a set is to walk it whole, so that sets are known by their ids; they are kept, and so are the ids.
        self._known: dict[int, tuple[tuple[Element, ...], _Bits]] = {}
        self._asked: dict[int, tuple[ProductSet, Mask]] = {}
        self._values: dict[Hashable, Any] = {}

    @cached_property
    def _names(self) -> tuple[str | None, ...]:
        """Part numbers, folded."""
        return tuple(None if sku.part_number is None else sku.part_number.casefold() for sku in self._skus)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """Part number, folded, or skuId → the SKUs that bear it."""
        places: dict[str, int] = {}
        for index, (sku, name) in enumerate(zip(self._skus, self._names, strict=True)):
            for each in (sku.sku_id,) if name is None else (sku.sku_id, name):
                places[each] = places.get(each, 0) | 1 << index
        return places

    @cached_property
    def _nameless(self) -> int:
        """The SKUs whose part number was not collected, so that any name might be theirs."""
        return _bits(sku.part_number is None and sku.name_may_be_any for sku in self._skus)

    @cached_property
    def _plans(self) -> tuple[Mapping[str, int], int]:
        """Service plan, by name, folded, or id → the SKUs that contain it; and those whose plans nobody knows."""
        pairs: dict[tuple[str, str], int] = {}
        for index, sku in enumerate(self._skus):
            for pair in sku.plans.items() if sku.plans else ():
                pairs[pair] = pairs.get(pair, 0) | 1 << index
        plans: dict[str, int] = {}
        for (plan_id, name), places in pairs.items():
            for each in (plan_id, name.casefold()):
                plans[each] = plans.get(each, 0) | places
        return plans, _bits(sku.plans is None for sku in self._skus)

    def of(self, products: ProductSet) -> Mask:
        """Return what the set says of each SKU."""
        asked = self._asked.get(id(products))
        if asked is None:
            bits, size = self._union(products.elements), len(self._skus)
            mask = Mask(_flags(bits.true, size), _flags(bits.unknown, size), sure=not bits.unknown)
            asked = self._asked[id(products)] = (products, mask)
        return asked[1]

    def once(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """Return a value that depends on nothing but the policies and these SKUs; it is computed once for a key."""
        cached: _Value | None = self._values.get(key)
        if cached is None:
            cached = self._values[key] = make()
        return cached

    def _union(self, elements: tuple[Element, ...]) -> _Bits:
        cached = self._known.get(id(elements))
        if cached is None:
            cached = self._known[id(elements)] = (elements, reduce(or_, map(self._element, elements), _Bits()))
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
                return self._trial
            case Sku(name=name):
                wanted = name.casefold()
                return _Bits(self._places.get(wanted, 0)) | _Bits(0, 0 if GUID.fullmatch(wanted) else self._nameless)
            case SkuGlob(pattern=pattern):
                return _Bits(_matched(pattern, self._names)) | _Bits(0, self._nameless)
            case WithService(plan=plan):
                places, unknown = self._plans
                return _Bits(places.get(plan.casefold(), 0)) | _Bits(0, unknown)

    @cached_property
    def _free(self) -> _Bits:
        free = self._catalogue.free
        listed = [_Bits(places) for name, places in self._places.items() if name in free]
        extended = [self._union(products.elements) for products in self._policies.free]
        return reduce(or_, [*listed, *extended], _Bits(0, self._nameless))

    @cached_property
    def _trial(self) -> _Bits:
        return _Bits(_bits(answer is True for answer in self._trials), _bits(answer is None for answer in self._trials))

    @cached_property
    def containers(self) -> Containers:
        """Which SKU contains which."""
        return containers(self._skus)


def containers(skus: Sequence[SkuFact]) -> Containers:
    """Tell for each SKU which others contain it.

    Of two equal SKUs the one with the greater skuId is contained. A SKU without a plan, or whose plans nobody knows,
    neither contains nor is contained.
    """
    plans = {place: _plans(sku) for place, sku in enumerate(skus) if sku.plans is not None}
    containers_of: dict[int, tuple[int, ...]] = {}
    for place, own in plans.items():
        if not own:
            continue
        around = [
            other
            for other, theirs in plans.items()
            if other != place and (own < theirs or (own == theirs and skus[place].sku_id > skus[other].sku_id))
        ]
        if around:
            containers_of[place] = tuple(sorted(around, key=lambda other: (-len(plans[other]), skus[other].sku_id)))
    return containers_of


def _plans(sku: SkuFact) -> frozenset[str]:
    return frozenset(
        plan
        for plan, name in (sku.plans or {}).items()
        if plan != FILLER_PLAN and name.casefold() != "exchange_s_foundation"
    )


def trials_of(facts: Knowledge, skus: Sequence[SkuFact]) -> Trials:
    """Tell whether each SKU has subscriptions and all of them are trials; one that is not is enough to say no."""
    states: dict[str, set[bool | None]] = {}
    for row in facts.subscriptions:
        states.setdefault(row["skuId"], set()).add(row["isTrial"])
    complete = facts.status(Source.SUBSCRIPTIONS) is SourceStatus.COMPLETE
    return tuple(_is_trial(states.get(sku.sku_id), complete=complete) for sku in skus)


def _is_trial(states: Collection[bool | None] | None, *, complete: bool) -> bool | None:
    if states is None:
        return False if complete else None
    if False in states:
        return False
    return True if complete and None not in states else None


def masks_of(facts: Knowledge, skus: Sequence[SkuFact]) -> ProductMasks:
    """Return the masks over a list of SKUs: the same for all tenants that own and hold the same products."""
    trials = trials_of(facts, skus)
    # What is known by its id is held by the masks, so that the id stays its own.
    names = tuple((sku.sku_id, sku.part_number, sku.name_may_be_any, id(sku.plans)) for sku in skus)
    key = (id(facts.catalogue), id(facts.policies), trials, names)
    cached = _SHARED.get(key)
    if cached is None:
        if len(_SHARED) >= _MOST_SHARED:
            _SHARED.clear()
        cached = _SHARED[key] = ProductMasks(facts, skus, trials)
    return cached


_SHARED: dict[object, ProductMasks] = {}
_MOST_SHARED = 64


def _bits(answers: Iterable[bool]) -> int:
    return sum(1 << index for index, answer in enumerate(answers) if answer)


def _flags(bits: int, size: int) -> Flags:
    octets = np.frombuffer(bits.to_bytes(size // 8 + 1, "little"), dtype=np.uint8)
    flags = np.unpackbits(octets, count=size, bitorder="little").view(bool)
    flags.flags.writeable = False
    return flags


@lru_cache(maxsize=2048)
def _matched(pattern: str, names: tuple[str | None, ...]) -> int:
    """Tell which names match a glob; many small tenants own the same products."""
    matches = pattern_of(pattern).fullmatch
    return _bits(name is not None and matches(name) is not None for name in names)
