"""The catalogue of products and service plans, and look-ups by id, part number, plan or words."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.syntax.globs import pattern_of

GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A lower-case GUID; use `fullmatch`."""
_NAME_SEPARATORS: Final = re.compile(r"[\s_()]+")
_MIN_ID_PART: Final = 8
"""Minimum length of a word that is searched in ids: that of their first group."""


class ServicePlan(Struct, frozen=True, kw_only=True):
    """A capability inside a product."""

    id: str
    """A lower-case GUID."""
    name: str
    """Graph's servicePlanName."""
    friendly_name: str


class Product(Struct, frozen=True, kw_only=True, dict=True):
    """A SKU of Microsoft's table."""

    sku_id: str
    """A lower-case GUID."""
    part_number: str
    name: str
    plans: tuple[ServicePlan, ...]
    """Sorted by name, then by id."""
    aliases: tuple[str, ...] = ()
    """Other names under which the table lists the same skuId, sorted."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of its part number and display name, folded."""
        names = (self.part_number, self.name)
        return tuple(word for name in names for word in _NAME_SEPARATORS.split(fold(name)) if word)


class FreeProduct(Struct, frozen=True, kw_only=True):
    """A product that costs nothing, and the reason why."""

    part_number: str
    reason: str


class Catalogue(Struct, frozen=True, kw_only=True, dict=True):
    """Products by lower-case skuId, and the free ones among them; other products are unknown."""

    products: Mapping[str, Product]
    free: frozenset[str] = frozenset()
    """Case-folded part numbers and lower-case skuIds."""
    source: str
    date: str
    """The day of the source's state, YYYY-MM-DD."""

    def __hash__(self) -> int:
        """Return a hash without the products, which are a mapping."""
        return hash((self.free, self.source, self.date))

    def product(self, sku_id: str) -> Product | None:
        """Return the product with this skuId, in any letter case."""
        return self.products.get(sku_id.strip().lower())

    def by_part_number(self, part_number: str) -> tuple[Product, ...]:
        """Return every product with this part number, in any letter case (MCOPSTN5 has two skuIds)."""
        return self._by_part_number.get(fold(part_number), ())

    def named(self, name: str) -> tuple[Product, ...]:
        """Return the product with this skuId, or else every product with this part number, in order of skuId."""
        product = self.product(name)
        return self.by_part_number(name) if product is None else (product,)

    def title(self, part_number: str) -> str:
        """Return Microsoft's name for a part number; `part_number` itself if there is not exactly one."""
        names = {product.name for product in self.by_part_number(part_number)}
        return names.pop() if len(names) == 1 else part_number

    def knows(self, name: str) -> bool:
        """Return whether `name` is a part number or a skuId of the catalogue, or on its free list.

        Blanks are significant, as in the evaluation of policies.
        """
        folded = name.casefold()
        return folded in self._by_part_number or folded in self.products or folded in self.free

    def knows_pattern(self, glob: str) -> bool:
        """Return whether a glob matches a part number of the catalogue or a name of its free list."""
        matches = pattern_of(glob).fullmatch
        return any(map(matches, self._by_part_number)) or any(map(matches, self.free))

    def knows_plan(self, name: str) -> bool:
        """Return whether `name` is the name or id of a service plan; blanks are significant."""
        return name.casefold() in self._by_plan

    def is_free(self, product: Product) -> bool:
        """Return whether the free list contains the product, by part number or skuId."""
        return product.sku_id in self.free or fold(product.part_number) in self.free

    def plan(self, name_or_id: str) -> tuple[ServicePlan, ...]:
        """Return the service plans with this name or id, in any letter case (PROJECT_ESSENTIALS has two ids)."""
        return self._by_plan.get(fold(name_or_id), ())

    def plan_title(self, name_or_id: str) -> str:
        """Return Microsoft's friendly name of a service plan; `name_or_id` itself if there is not exactly one."""
        titles = {plan.friendly_name for plan in self.plan(name_or_id)}
        return (titles.pop() if len(titles) == 1 else "") or name_or_id

    def search(self, text: str) -> tuple[Product, ...]:
        """Return the products with every word of `text` in their names or id, or with the plan `text`.

        A short word is not compared with ids, which contain it by chance. Sorted by part number and skuId; an empty
        text matches every product.
        """
        words = fold(text).split()
        plans = frozenset(plan.id for plan in self.plan(text))
        return tuple(
            product
            for haystack, product in self._haystacks
            if all(word in haystack or (len(word) >= _MIN_ID_PART and word in product.sku_id) for word in words)
            or (plans and not plans.isdisjoint(p.id for p in product.plans))
        )

    def with_free(self, free: Iterable[FreeProduct]) -> Self:
        """Return the catalogue with another free list, which applies to part numbers and their skuIds."""
        names = {fold(item.part_number) for item in free}
        ids = {product.sku_id for name in names for product in self.by_part_number(name)}
        return replace(self, free=frozenset(names | ids))

    def with_names(self, names: Mapping[str, str]) -> Self:
        """Return the catalogue with other names, by part number; the names of the table become aliases."""
        products = dict(self.products)
        for part_number, name in names.items():
            for product in self.by_part_number(part_number):
                aliases = tuple(sorted({product.name, *product.aliases} - {name}))
                products[product.sku_id] = replace(product, name=name, aliases=aliases)
        return replace(self, products=MappingProxyType(products))

    @cached_property
    def plans(self) -> Mapping[str, ServicePlan]:
        """Every service plan by its lower-case id."""
        return MappingProxyType({plan.id: plan for product in self.products.values() for plan in product.plans})

    @cached_property
    def folded_names(self) -> tuple[tuple[Product, tuple[str, ...]], ...]:
        """Every product with its part number, display name and aliases, folded, in this order."""
        return tuple((p, tuple(map(fold, (p.part_number, p.name, *p.aliases)))) for p in self.products.values())

    @cached_property
    def _by_part_number(self) -> dict[str, tuple[Product, ...]]:
        products: dict[str, tuple[Product, ...]] = {}
        for product in sorted(self.products.values(), key=lambda p: p.sku_id):
            key = fold(product.part_number)
            products[key] = (*products.get(key, ()), product)
        return products

    @cached_property
    def _by_plan(self) -> dict[str, tuple[ServicePlan, ...]]:
        plans: dict[str, tuple[ServicePlan, ...]] = {plan.id: (plan,) for plan in self.plans.values()}
        for plan in sorted(self.plans.values(), key=lambda p: p.id):
            key = fold(plan.name)
            plans[key] = (*plans.get(key, ()), plan)
        return plans

    @cached_property
    def _haystacks(self) -> tuple[tuple[str, Product], ...]:
        return tuple(
            (fold("\n".join((p.part_number, p.name, *p.aliases))), p) for p in sorted(self.products.values(), key=order)
        )


def order(product: Product) -> tuple[str, str]:
    """Return the sort key of a product."""
    return fold(product.part_number), product.sku_id


def clean(text: str) -> str:
    """Return `text` stripped, with each run of white space (NBSP and tab too) as one blank.

    Format characters (byte order mark, zero-width and bidirectional marks) are removed.
    """
    if not text.isascii():
        text = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return " ".join(text.split())


def fold(text: str) -> str:
    """Return the form in which names are compared: cleaned and case-folded."""
    return clean(text).casefold()


def unprintable(text: str) -> str | None:
    """Return the first character of `text` that names must not contain (control, surrogate), or None."""
    if text.isprintable():
        return None
    return next((character for character in text if unicodedata.category(character) in {"Cc", "Cs"}), None)
