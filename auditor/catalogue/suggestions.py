"""Finds the products that a text may refer to, the most likely first."""

import re
from collections.abc import Callable, Iterable
from difflib import SequenceMatcher
from functools import cache
from typing import Final

from msgspec import Struct

from auditor.catalogue.model import Catalogue, Product, clean, fold, order

_MIN_SIMILARITY: Final = 0.6
"""Minimum similarity, from 0 to 1, of names that may refer to the same product."""
_MIN_MISSPELLING: Final = 0.8
"""Minimum similarity of a name and its misspelling."""
_MIN_TOKEN: Final = 4
"""Minimum length of a single word that is compared with the words of names."""
_MAX_LENGTH: Final = 100
"""Maximum length of a text that is compared, because the time grows with its square."""
_MAX_SIMILAR: Final = 10
"""Maximum number of products that are only similar."""
_VARIANT: Final = re.compile(
    r"gcc|gov|dod|edu|student|stuuse|faculty|alumn|nonprofit|charit|germany|china|_cn\b|trial|viral|dept|developer|pilot"
    r"|test|unattended|eea|teams\)|w/o|add-?on|_ce\b|promo"
)
"""Words in the names of products for governments, schools, departments or trials, or without a component."""
_SEPARATORS: Final = re.compile(r"[\s_-]+")
_NO_SEPARATORS: Final = str.maketrans("", "", " _-")
_ABBREVIATIONS: Final = {
    "m365": "Microsoft 365",
    "o365": "Office 365",
    "ems": "Enterprise Mobility + Security",
    "aad": "Microsoft Entra ID",
}
"""Abbreviations that administrators write for the first words of display names."""


class Resemblance(Struct, frozen=True, kw_only=True):
    """The products that a text may refer to."""

    products: tuple[Product, ...]
    """The most likely first."""
    certain: bool
    """Whether the first product is very likely meant: its name equals the text, or differs like a misspelling."""
    matching: bool
    """Whether the products contain the text; False if they are only similar."""


def suggest(catalogue: Catalogue, text: str) -> Resemblance:
    """Find products by part number, display name, alias, skuId, service plan or words; else by similarity.

    Products whose part number or name equals the text, also without its separators, come first, then those with every
    word of it; if there are none, the most similar ones. Among equals, worldwide commercial products come before
    variants.
    """
    full = _without_abbreviations(text)
    exact = products_named(catalogue, text) or products_named(catalogue, full) or _products_spelled(catalogue, text)
    matches = catalogue.search(text)
    if not fold(text):
        return Resemblance(products=matches, certain=False, matching=True)
    if exact or matches:
        words = fold(text).split()
        rest = sorted(
            (product for product in matches if product not in exact), key=lambda product: _match_order(product, words)
        )
        return Resemblance(products=(*exact, *rest), certain=bool(exact), matching=True)
    folded = fold(full if " " in clean(text) else text)
    ratio = _ratio_to(folded)
    scored = [
        (score, product)
        for product, names in catalogue.folded_names
        if (score := _similarity(folded, product, names, ratio))
    ]
    scored.sort(key=lambda item: (-item[0], _is_variant(item[1]), order(item[1])))
    products = tuple(product for _, product in scored[:_MAX_SIMILAR])
    return Resemblance(products=products, certain=bool(scored) and scored[0][0] >= _MIN_MISSPELLING, matching=False)


def products_named(catalogue: Catalogue, text: str) -> tuple[Product, ...]:
    """Return the products with the text as a part number, display name or alias, ignoring case and blanks."""
    folded = fold(text)
    products = [product for product, names in catalogue.folded_names if folded in names]
    return tuple(sorted(products, key=lambda product: (_is_variant(product), order(product))))


def product_label(product: Product) -> str:
    """Return part number and display name: `SPE_E3 (Microsoft 365 E3)`."""
    return f"{product.part_number} ({product.name})"


def _products_spelled(catalogue: Catalogue, text: str) -> tuple[Product, ...]:
    """Return the products whose part number or display name differs from the text in separators only."""
    letters = _letters(fold(text))
    found = [
        (letters != _letters(name), _is_variant(product), order(product), product)
        for product, (part_number, name, *_) in catalogue.folded_names
        if letters and letters in {_letters(part_number), _letters(name)}
    ]
    return tuple(product for *_, product in sorted(found, key=lambda item: item[:3]))


def _letters(folded: str) -> str:
    return folded.translate(_NO_SEPARATORS)


def _without_abbreviations(text: str) -> str:
    """Return `Microsoft 365 E3` for `M365_E3`."""
    return " ".join(_ABBREVIATIONS.get(word.casefold(), word) for word in _SEPARATORS.split(text))


def nearest_name(text: str, names: Iterable[str]) -> str | None:
    """Return the name that a text misspells, ignoring case; None if none is similar enough."""
    ratio = _ratio_to(fold(text))
    scored = [(ratio(fold(name), _MIN_MISSPELLING), name) for name in names]
    best = min(scored, key=lambda item: (-item[0], item[1]), default=(0.0, ""))
    return best[1] if best[0] else None


def _match_order(product: Product, words: list[str]) -> tuple[bool, bool, int, tuple[str, str]]:
    """Return the sort key of a product that contains the words: whole words before parts, few words before many."""
    tokens = _tokens(product)
    return (not set(words) <= set(tokens), _is_variant(product), len(tokens), order(product))


def _similarity(folded: str, product: Product, names: tuple[str, ...], ratio: Callable[[str, float], float]) -> float:
    """Return the similarity of a text to the product's names, rounded to hundredths; 0 below the threshold."""
    if len(folded) >= _MIN_TOKEN and " " not in folded:
        names += tuple(token for token in _tokens(product) if len(token) >= _MIN_TOKEN)
    return max(round(ratio(name, _MIN_SIMILARITY), 2) for name in names)


def _ratio_to(folded: str) -> Callable[[str, float], float]:
    """Return a function that compares names with a text, whose index is computed once; 0 below the minimum."""
    matcher = SequenceMatcher(None, "", folded)

    @cache  # many products have the same words
    def ratio(name: str, minimum: float) -> float:
        if len(folded) > _MAX_LENGTH:
            return 0.0
        matcher.set_seq1(name)
        if matcher.real_quick_ratio() < minimum or matcher.quick_ratio() < minimum:
            return 0.0
        value = matcher.ratio()
        return value if value >= minimum else 0.0

    return ratio


def _tokens(product: Product) -> list[str]:
    return [
        token for name in (product.part_number, product.name) for token in re.split(r"[\s_()]+", fold(name)) if token
    ]


def _is_variant(product: Product) -> bool:
    return _VARIANT.search(f"{product.part_number}\n{product.name}".casefold()) is not None
