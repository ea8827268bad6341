"""Product sets into what they say of each SKU: contained, not contained, or unknown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from auditor.catalogue import Catalogue
from auditor.domain.policy import PolicySet
from auditor.domain.product_set import Builtin, Element, Named, ProductSet, Sku, SkuGlob, WithService
from auditor.domain.words import Source, SourceStatus
from auditor.engine.facts import SkuFact
from auditor.engine.globs import pattern_of

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mask:
    """Per SKU or user: certainly in the set, or not known; never both."""

    true: Flags
    unknown: Flags
    sure: bool = False
    """That nothing is unknown, as far as that was known beforehand: it spares the arithmetic of the unknown."""

    @property
    def possible(self) -> bool:
        """Whether anything is in the set for certain or perhaps."""
        return bool(self.true.any() or self.unknown.any())

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


class ProductMasks:
    """Resolves product sets over one list of SKUs; equal sets are resolved once."""

    def __init__(self, facts: Knowledge, skus: Sequence[SkuFact]) -> None:
        self._facts = facts
        self._skus = skus
        self._known: dict[tuple[Element, ...], Mask] = {}
        self._asked: dict[int, tuple[ProductSet, Mask]] = {}

    @cached_property
    def _names(self) -> tuple[str | None, ...]:
        """Part numbers, folded."""
        return tuple(None if sku.part_number is None else sku.part_number.casefold() for sku in self._skus)

    @cached_property
    def _places(self) -> Mapping[str, Sequence[int]]:
        """Part number, folded, or skuId → the places that bear it."""
        found: dict[str, list[int]] = {}
        for place, (sku, name) in enumerate(zip(self._skus, self._names, strict=True)):
            for each in {sku.sku_id, name} - {None}:
                found.setdefault(str(each), []).append(place)
        return found

    @cached_property
    def _nameless(self) -> Flags:
        """The SKUs whose part number was not collected, so that any name might be theirs."""
        return np.array([sku.part_number is None and sku.name_may_be_any for sku in self._skus], dtype=bool)

    @cached_property
    def _plans(self) -> tuple[Mapping[str, Sequence[int]], Flags]:
        """Service plan, by name, folded, or id → the places that contain it; and of whom nobody knows the plans."""
        found: dict[str, list[int]] = {}
        for place, sku in enumerate(self._skus):
            for plan in {*sku.plans, *map(str.casefold, sku.plans.values())} if sku.plans else ():
                found.setdefault(plan, []).append(place)
        return found, np.array([sku.plans is None for sku in self._skus], dtype=bool)

    def of(self, products: ProductSet) -> Mask:
        """Return what the set says of each SKU."""
        # To hash a set is to walk it whole, so that a set is first known by itself; it is kept, and so is its id.
        asked = self._asked.get(id(products))
        if asked is None:
            asked = self._asked[id(products)] = (products, self._union(products.elements))
        return asked[1]

    def _union(self, elements: tuple[Element, ...]) -> Mask:
        found = self._known.get(elements)
        if found is None:
            masks = [self._element(element) for element in elements]
            found = self._known[elements] = reduce(or_, masks, nothing(len(self._skus)))
        return found

    def _element(self, element: Element) -> Mask:
        match element:
            case Named(elements=elements):
                return self._union(elements)
            case Builtin(name="*"):
                return ~nothing(len(self._skus))
            case Builtin(name="free"):
                return self._free
            case Builtin(name="paid"):
                return ~self._free
            case Builtin():
                return self._mask(map(self._is_trial, self._skus))
            case Sku(name=name):
                wanted = name.casefold()
                return self._at(self._places.get(wanted, ()), None if _GUID.fullmatch(wanted) else self._nameless)
            case SkuGlob(pattern=pattern):
                compiled = pattern_of(pattern)
                matched = [
                    place for place, name in enumerate(self._names) if name is not None and compiled.fullmatch(name)
                ]
                return self._at(matched, self._nameless)
            case WithService(plan=plan):
                places, unknown = self._plans
                return self._at(places.get(plan.casefold(), ()), unknown)

    @cached_property
    def _free(self) -> Mask:
        known = self._facts.catalogue.free
        listed = self._at([place for name, at in self._places.items() if name in known for place in at], self._nameless)
        for products in self._facts.policies.free:
            listed = listed | self._union(products.elements)
        return listed

    def _at(self, places: Sequence[int], unknown: Flags | None) -> Mask:
        """Return the set of the SKUs at some places; of the others some may not be known."""
        true = np.zeros(len(self._skus), dtype=bool)
        true[list(places)] = True
        if unknown is None or not unknown.any():
            return Mask(true, np.zeros(len(self._skus), dtype=bool), sure=True)
        return Mask(true, unknown & ~true)

    def _is_trial(self, sku: SkuFact) -> bool | None:
        """Tell whether a SKU has subscriptions and all of them are trials; one that is not is enough to say no."""
        states = [row["isTrial"] for row in self._facts.subscriptions if row["skuId"] == sku.sku_id]
        if False in states:
            return False
        if self._facts.status(Source.SUBSCRIPTIONS) is not SourceStatus.COMPLETE or None in states:
            return None
        return bool(states)

    @staticmethod
    def _mask(answers: Iterable[bool | None]) -> Mask:
        told = list(answers)
        unknown = np.array([answer is None for answer in told], dtype=bool)
        return Mask(np.array([answer is True for answer in told], dtype=bool), unknown, sure=None not in told)


_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
