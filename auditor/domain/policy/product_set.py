"""Sets of products as values: what `of`, `allow`, `deny`, `require` and `holds` can name."""

from dataclasses import dataclass, field

from msgspec import Struct

BUILTIN_SETS = ("*", "free", "paid", "trial")


class Sku(Struct, frozen=True, kw_only=True):
    """A `skuPartNumber` or a `skuId`, compared without regard to letter case."""

    name: str


class SkuGlob(Struct, frozen=True, kw_only=True):
    """A shell glob over part numbers, such as `VISIO*`."""

    pattern: str


class WithService(Struct, frozen=True, kw_only=True):
    """Every SKU that contains the service plan, given by name or id."""

    plan: str


class Builtin(Struct, frozen=True, kw_only=True):
    """One of `*`, `free`, `paid`, `trial`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A named set from `products:`, with its elements.

    Names are unique among files that are loaded together, so sets are compared by name. Comparing their elements
    could take exponential time, since they may refer to each other repeatedly.
    """

    name: str
    elements: tuple["Element", ...] = field(compare=False, repr=False)
    size: int = field(init=False, compare=False)
    """Number of elements after named sets are expanded; an element that is reached twice counts twice."""
    builtins: frozenset[str] = field(init=False, compare=False)
    """The built-in sets among its elements, also those in other named sets."""

    def __post_init__(self) -> None:
        """Compute the size and the built-in sets once, so that callers need not walk through the elements."""
        object.__setattr__(self, "size", size_of(self.elements))
        object.__setattr__(self, "builtins", builtins_of(self.elements))


Element = Sku | SkuGlob | WithService | Builtin | Named


class ProductSet(Struct, frozen=True, kw_only=True):
    """A union of elements, with the text that findings quote if the set itself is the product."""

    elements: tuple[Element, ...]
    written: str
    """The element as written: an inline list joined with `|`, `{withService: X}` as `withService:X`."""


EVERY_PRODUCT = ProductSet(elements=(Builtin(name="*"),), written="*")
PAID_PRODUCTS = ProductSet(elements=(Builtin(name="paid"),), written="paid")


def size_of(elements: tuple[Element, ...]) -> int:
    """Return the number of elements after named sets are expanded; an element that is reached twice counts twice."""
    return sum(element.size if isinstance(element, Named) else 1 for element in elements)


def builtins_of(elements: tuple[Element, ...]) -> frozenset[str]:
    """Return the built-in sets among elements, also those in named sets."""
    direct = (element.name for element in elements if isinstance(element, Builtin))
    return frozenset(direct).union(*(element.builtins for element in elements if isinstance(element, Named)))


def leaves(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """Expand named sets into their elements; each element occurs once, in the order in which it was written."""
    flat: dict[Element, None] = {}
    visited: set[str] = set()
    stack = list(reversed(elements))
    while stack:
        element = stack.pop()
        if not isinstance(element, Named):
            flat[element] = None
        elif element.name not in visited:
            visited.add(element.name)
            stack.extend(reversed(element.elements))
    return tuple(flat)
