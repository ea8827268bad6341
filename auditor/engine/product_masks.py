"""Product sets into what they say of each SKU: contained, not contained, or unknown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
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
        self._singles: dict[Element, Mask] = {}

    @cached_property
    def _names(self) -> tuple[str | None, ...]:
        """Part numbers, folded."""
        return tuple(None if sku.part_number is None else sku.part_number.casefold() for sku in self._skus)

    @cached_property
    def _plans(self) -> tuple[frozenset[str] | None, ...]:
        """Per SKU the names, folded, and the ids of its service plans; None where nobody knows them."""
        return tuple(
            None if sku.plans is None else frozenset({*sku.plans, *(name.casefold() for name in sku.plans.values())})
            for sku in self._skus
        )

    def of(self, products: ProductSet) -> Mask:
        """Return what the set says of each SKU."""
        return self._union(products.elements)

    def _union(self, elements: tuple[Element, ...]) -> Mask:
        if elements not in self._known:
            mask = nothing(len(self._skus))
            for element in elements:
                if element not in self._singles:
                    self._singles[element] = self._element(element)
                mask = mask | self._singles[element]
            self._known[elements] = mask
        return self._known[elements]

    def _element(self, element: Element) -> Mask:
        match element:
            case Named(elements=elements):
                return self._union(elements)
            case Builtin(name="*"):
                return self._mask(True for _ in self._skus)
            case Builtin(name="free"):
                return self._free()
            case Builtin(name="paid"):
                return ~self._free()
            case Builtin():
                return self._mask(map(self._is_trial, self._skus))
            case Sku(name=name):
                wanted = name.casefold()
                return self._mask(_named(sku, part, wanted) for sku, part in zip(self._skus, self._names, strict=True))
            case SkuGlob(pattern=pattern):
                compiled = pattern_of(pattern)
                return self._mask(
                    _matched(sku, part, compiled) for sku, part in zip(self._skus, self._names, strict=True)
                )
            case WithService(plan=plan):
                wanted = plan.casefold()
                return self._mask(None if plans is None else wanted in plans for plans in self._plans)

    def _free(self) -> Mask:
        known = self._facts.catalogue.free
        listed = self._mask(_listed(sku, part, known) for sku, part in zip(self._skus, self._names, strict=True))
        for products in self._facts.policies.free:
            listed = listed | self._union(products.elements)
        return listed

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


def _named(sku: SkuFact, part: str | None, name: str) -> bool | None:
    if name == sku.sku_id:
        return True
    if part is None:
        return None if sku.name_may_be_any and not _GUID.fullmatch(name) else False
    return part == name


def _matched(sku: SkuFact, part: str | None, pattern: re.Pattern[str]) -> bool | None:
    if part is None:
        return None if sku.name_may_be_any else False
    return pattern.fullmatch(part) is not None


def _listed(sku: SkuFact, part: str | None, free: frozenset[str]) -> bool | None:
    if sku.sku_id in free:
        return True
    if part is None:
        return None if sku.name_may_be_any else False
    return part in free


_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
