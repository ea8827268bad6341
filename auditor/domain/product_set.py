"""Sets of products as values: what `of`, `allow`, `deny`, `require` and `holds` can name."""

from dataclasses import dataclass

BUILTIN_SETS = ("*", "free", "paid", "trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """A `skuPartNumber` or a `skuId`, compared without regard to letter case."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuGlob:
    """A shell glob over part numbers, such as `VISIO*`."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithService:
    """Every SKU that contains the service plan, named or by id."""

    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """One of `*`, `free`, `paid`, `trial`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A set from `products:`, carried with its elements."""

    name: str
    elements: tuple["Element", ...]


Element = Sku | SkuGlob | WithService | Builtin | Named


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductSet:
    """A union of elements, with the text that findings quote where a set itself is the product."""

    elements: tuple[Element, ...]
    written: str
    """The element as written: an inline list joined with `|`, `{withService: X}` as `withService:X`."""


EVERY_PRODUCT = ProductSet(elements=(Builtin(name="*"),), written="*")
PAID_PRODUCTS = ProductSet(elements=(Builtin(name="paid"),), written="paid")


def leaves(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """Flatten named sets into the elements they are made of."""
    found: list[Element] = []
    for element in elements:
        if isinstance(element, Named):
            found.extend(leaves(element.elements))
        else:
            found.append(element)
    return tuple(found)
