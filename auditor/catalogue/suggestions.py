"""Finds the products that a text may refer to, the most likely first."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache
from heapq import nlargest
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
_ROUNDING: Final = 1e-9
"""More than the rounding error of a similarity."""
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
    scored = _similar_products(catalogue, fold(full if " " in clean(text) else text))
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
        for product, name in _by_letters(catalogue).get(letters, ())
    ]
    return tuple(product for *_, product in sorted(found, key=lambda item: item[:3]))


@lru_cache(maxsize=1)
def _by_letters(catalogue: Catalogue) -> dict[str, list[tuple[Product, str]]]:
    """Return the products and their display names by the letters of their part numbers and display names."""
    products: dict[str, list[tuple[Product, str]]] = {}
    for product, (part_number, name, *_) in catalogue.folded_names:
        for letters in {_letters(part_number), _letters(name)} - {""}:
            products.setdefault(letters, []).append((product, name))
    return products


def _letters(folded: str) -> str:
    return folded.translate(_NO_SEPARATORS)


def _without_abbreviations(text: str) -> str:
    """Return `Microsoft 365 E3` for `M365_E3`."""
    return " ".join(_ABBREVIATIONS.get(word.casefold(), word) for word in _SEPARATORS.split(text))


def nearest_name(text: str, names: Iterable[str]) -> str | None:
    """Return the name that a text misspells, ignoring case; None if none is similar enough."""
    comparison = _Comparison(fold(text), _MIN_MISSPELLING)
    best, nearest = 0.0, None
    for bound, name in comparison.by_bound((fold(name), name) for name in names):
        if bound < best:
            break
        ratio = comparison.ratio(fold(name))
        if ratio > best or (ratio == best and nearest is not None and name < nearest):
            best, nearest = ratio, name
    return nearest


def _match_order(product: Product, words: list[str]) -> tuple[bool, bool, int, tuple[str, str]]:
    """Return the sort key of a product that contains the words: whole words before parts, few words before many."""
    tokens = product.words
    return (not set(words) <= set(tokens), _is_variant(product), len(tokens), order(product))


def _similar_products(catalogue: Catalogue, folded: str) -> list[tuple[float, Product]]:
    """Return the most similar products, and their similarity to a text, rounded to hundredths.

    Others, which are less similar than `_MAX_SIMILAR` of them, may be left out.
    """
    products = _products_by_name(catalogue, words=len(folded) >= _MIN_TOKEN and " " not in folded)
    comparison = _Comparison(folded, _MIN_SIMILARITY)
    scores: dict[str, float] = {}
    least = 0.0
    for bound, name in comparison.by_bound((name, name) for name in products):
        if round(bound, 2) < least:
            break
        score = round(comparison.ratio(name), 2)
        if score:
            scores |= {sku_id: max(score, scores.get(sku_id, 0.0)) for sku_id in products[name]}
            if len(scores) >= _MAX_SIMILAR:
                least = nlargest(_MAX_SIMILAR, scores.values())[-1]
    return [(score, catalogue.products[sku_id]) for sku_id, score in scores.items()]


@lru_cache(maxsize=2)
def _products_by_name(catalogue: Catalogue, *, words: bool) -> dict[str, list[str]]:
    """Return the skuIds of products by each of their names, if requested also by the words of names."""
    products: dict[str, list[str]] = {}
    for product, names in catalogue.folded_names:
        long_words = (word for word in product.words if words and len(word) >= _MIN_TOKEN)
        for name in dict.fromkeys((*names, *long_words)):
            products.setdefault(name, []).append(product.sku_id)
    return products


class _Comparison:
    """Compares names with a text; a similarity below a minimum is 0."""

    def __init__(self, folded: str, minimum: float) -> None:
        """Compute the index of the text."""
        self._folded, self._minimum = folded, minimum
        self._matcher = SequenceMatcher(None, "", folded)
        self._without_common = str.maketrans("", "", folded)
        self._positions: dict[str, int] = {}
        for index, letter in enumerate(folded):
            self._positions[letter] = self._positions.get(letter, 0) | 1 << index

    def by_bound(self, names: Iterable[tuple[str, str]]) -> list[tuple[float, str]]:
        """Return the values of folded names that can be similar enough, each with an upper bound, highest first.

        A bound is much quicker to compute than the similarity, which is needed for the first names only.
        """
        if len(self._folded) > _MAX_LENGTH:
            return []
        bounds = ((self._bound(folded), name) for folded, name in names)
        return sorted((item for item in bounds if item[0] >= self._minimum), key=lambda item: -item[0])

    def ratio(self, name: str) -> float:
        """Return the similarity of a folded name, from 0 to 1."""
        self._matcher.set_seq1(name)
        ratio = self._matcher.ratio()
        return ratio if ratio >= self._minimum else 0.0

    def _bound(self, name: str) -> float:
        """Return an upper bound of the similarity, or 0 if a cruder one is already below the minimum.

        Crude bounds are the length of the shorter text, and the number of letters that the text contains too.
        """
        needed = self._minimum * (len(name) + len(self._folded)) / 2 - _ROUNDING
        if min(len(name), len(self._folded)) < needed:
            return 0.0
        if len(name) - len(name.translate(self._without_common)) < needed:
            return 0.0
        return 2 * self._common(name) / (len(name) + len(self._folded))

    def _common(self, name: str) -> int:
        """Return the length of the longest common subsequence: the blocks that are equal form a common subsequence.

        Each bit of `state` is a letter of the text; an addition carries over the letters between two equal ones
        (Hyyrö, Bit-parallel LCS-length computation revisited, 2004).
        """
        positions, every = self._positions, (1 << len(self._folded)) - 1
        state = every
        for letter in name:
            equal = state & positions.get(letter, 0)
            state = (state + equal | state - equal) & every
        return len(self._folded) - state.bit_count()


def _is_variant(product: Product) -> bool:
    return _VARIANT.search(f"{product.part_number}\n{product.name}".casefold()) is not None
