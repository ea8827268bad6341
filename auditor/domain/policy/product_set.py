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
    """Every SKU that contains the service plan, named or by id."""

    plan: str


class Builtin(Struct, frozen=True, kw_only=True):
    """One of `*`, `free`, `paid`, `trial`."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A set from `products:`, carried with its elements.

    Names are unique among files that are loaded together, so that equal names are equal sets: comparing them never
    walks through their elements, which may name other sets many times over.
    """

    name: str
    elements: tuple["Element", ...] = field(compare=False, repr=False)
    size: int = field(init=False, compare=False)
    """How many elements that are no names it comes to; those that are reached twice count twice."""
    builtins: frozenset[str] = field(init=False, compare=False)
    """The built-in sets among them."""

    def __post_init__(self) -> None:
        """Sum up what the elements say of themselves, so that nobody has to walk through them for it."""
        object.__setattr__(self, "size", size_of(self.elements))
        object.__setattr__(self, "builtins", builtins_of(self.elements))


Element = Sku | SkuGlob | WithService | Builtin | Named


class ProductSet(Struct, frozen=True, kw_only=True):
    """A union of elements, with the text that findings quote where a set itself is the product."""

    elements: tuple[Element, ...]
    written: str
    """The element as written: an inline list joined with `|`, `{withService: X}` as `withService:X`."""


EVERY_PRODUCT = ProductSet(elements=(Builtin(name="*"),), written="*")
PAID_PRODUCTS = ProductSet(elements=(Builtin(name="paid"),), written="paid")


def size_of(elements: tuple[Element, ...]) -> int:
    """Count the elements that are no names; those that are reached twice count twice."""
    return sum(element.size if isinstance(element, Named) else 1 for element in elements)


def builtins_of(elements: tuple[Element, ...]) -> frozenset[str]:
    """Return the built-in sets that elements name, directly or through other names."""
    own = (element.name for element in elements if isinstance(element, Builtin))
    return frozenset(own).union(*(element.builtins for element in elements if isinstance(element, Named)))


def leaves(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """Flatten named sets into the elements they are made of, each of them once, in order of writing."""
    flat: dict[Element, None] = {}
    named: set[str] = set()
    waiting = list(reversed(elements))
    while waiting:
        element = waiting.pop()
        if not isinstance(element, Named):
            flat[element] = None
        elif element.name not in named:
            named.add(element.name)
            waiting.extend(reversed(element.elements))
    return tuple(flat)
