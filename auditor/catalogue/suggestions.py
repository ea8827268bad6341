"""A product as somebody wrote it into the products of the catalogue that it can mean, the likeliest first."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from auditor.catalogue.model import Catalogue, Product, fold, order

_NEAR: Final = 0.6
"""How alike two names are, from 0 to 1, that may mean the same product."""
_SAME: Final = 0.8
"""How alike they are where one is taken for a misspelling of the other."""
_TOKEN: Final = 4
"""Letters from which on a single word is held against the words of names."""
_LONGEST: Final = 100
"""Characters up to which a name is held against others: the time that takes grows with its square."""
_MOST: Final = 10
"""Products that only resemble the text."""
_VARIANT: Final = re.compile(
    r"gcc|gov|dod|edu|student|stuuse|faculty|alumn|nonprofit|charit|germany|china|_cn\b|trial|viral|dept|developer|pilot"
    r"|test|unattended|eea|teams\)|w/o|add-?on|_ce\b|promo"
)
"""Signs of a product for governments, schools, single departments or trials, or of one that lacks a part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resemblance:
    """What a text can mean."""

    products: tuple[Product, ...]
    """The likeliest first."""
    certain: bool
    """Whether the first is meant: its name was written as it is, or nearly so."""
    matching: bool
    """Whether the products bear the text; False where they only resemble it."""


def resembling(catalogue: Catalogue, text: str) -> Resemblance:
    """Find products by part number, display name, alias, skuId, service plan or words; else by likeness.

    The order: those whose part number or name is the text, those that hold every word of it, and where there is none,
    those that are most like it. Among equals a worldwide commercial product goes before variants.
    """
    exact = named(catalogue, text)
    held = catalogue.search(text)
    if not fold(text):
        return Resemblance(products=held, certain=False, matching=True)
    if exact or held:
        words = fold(text).split()
        rest = sorted((product for product in held if product not in exact), key=lambda each: _looseness(each, words))
        return Resemblance(products=(*exact, *rest), certain=bool(exact), matching=True)
    scored = [(score, product) for product in catalogue.products.values() if (score := _likeness(text, product))]
    scored.sort(key=lambda item: (-item[0], _is_variant(item[1]), order(item[1])))
    products = tuple(product for _, product in scored[:_MOST])
    return Resemblance(products=products, certain=bool(scored) and scored[0][0] >= _SAME, matching=False)


def named(catalogue: Catalogue, text: str) -> tuple[Product, ...]:
    """Return the products of which a part number, display name or alias is the text, letter case and blanks aside."""
    wanted = fold(text)
    found = [
        product
        for product in catalogue.products.values()
        if wanted in {fold(name) for name in (product.part_number, product.name, *product.aliases)}
    ]
    return tuple(sorted(found, key=lambda product: (_is_variant(product), order(product))))


def nearest_name(text: str, names: Iterable[str]) -> str | None:
    """Return the name that a text misspells, letter case aside; None where none is near."""
    wanted = fold(text)
    scored = [(_ratio(wanted, fold(name), _SAME), name) for name in names]
    best = min(scored, key=lambda item: (-item[0], item[1]), default=(0.0, ""))
    return best[1] if best[0] else None


def _looseness(product: Product, words: list[str]) -> tuple[bool, bool, int, tuple[str, str]]:
    """Return how loosely a product holds the words: whole words before parts of words, few words before many."""
    tokens = _tokens(product)
    return (not set(words) <= set(tokens), _is_variant(product), len(tokens), order(product))


def _likeness(text: str, product: Product) -> float:
    """Return how alike the text and the product's names are, in hundredths; 0 where they are not near."""
    wanted = fold(text)
    names = [fold(name) for name in (product.part_number, product.name, *product.aliases)]
    if len(wanted) >= _TOKEN and " " not in wanted:
        names += [token for token in _tokens(product) if len(token) >= _TOKEN]
    return max(round(_ratio(wanted, name, _NEAR), 2) for name in names)


def _ratio(one: str, other: str, least: float) -> float:
    if len(one) > _LONGEST:
        return 0.0
    matcher = SequenceMatcher(None, other, one)
    if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
        return 0.0
    found = matcher.ratio()
    return found if found >= least else 0.0


def _tokens(product: Product) -> list[str]:
    return [
        token for name in (product.part_number, product.name) for token in re.split(r"[\s_()]+", fold(name)) if token
    ]


def _is_variant(product: Product) -> bool:
    return _VARIANT.search(f"{product.part_number}\n{product.name}".casefold()) is not None
