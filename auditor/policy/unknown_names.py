"""Warns about names and patterns of products, services and roles that match nothing known; suggests similar ones."""

import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from auditor.catalogue import (
    Catalogue,
    Product,
    Resemblance,
    clean,
    fold,
    nearest_name,
    product_label,
    products_named,
    suggest,
)
from auditor.catalogue.directory_roles import builtin_roles, is_role_name
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.policy.model import Mention, PolicySet
from auditor.domain.policy.product_set import BUILTIN_SETS
from auditor.domain.syntax.globs import pattern_of
from auditor.policy.loader import Loaded
from auditor.policy.nodes import Node

_SLUGS: Final = {
    "product": "policy-unknown-product",
    "service": "policy-unknown-service",
    "role": "policy-unknown-role",
    "pattern": "policy-unknown-pattern",
}
_MAX_SIMILAR: Final = 3
"""Maximum number of similar products in a hint."""
_ADMIN: Final = re.compile(r"\badmins?\b", re.IGNORECASE)
_NOTHING: Final = frozenset(("none", "nothing", "nobody", "empty"))
"""Names, in lower case, that people write for an empty set of products."""
_SEPARATORS: Final = re.compile(r"[,;\s]+")
_WORD: Final = re.compile(r"[a-z]{3,30}", re.IGNORECASE)
_MAX_WORDS: Final = 10
"""Maximum number of words of a name that are searched."""


def unknown_names(loaded: Loaded, catalogue: Catalogue) -> list[Diagnostic]:
    """Return warnings about names and patterns in policy files that the catalogue does not have."""
    sets = [*loaded.policies.definitions["products"], *BUILTIN_SETS]
    return [
        Diagnostic(
            slug=_SLUGS[mention.kind],
            message=_unknown_name(mention),
            span=node.span(key=_is_price_key(node)),
            # Prices apply to products, not to sets.
            hint=_hint(mention, catalogue, () if _is_price_key(node) else sets),
            level=Level.WARNING,
        )
        for mention, node in loaded.mentions
        if not _is_known(catalogue, mention)
    ]


def unknown_patterns(policies: PolicySet, catalogue: Catalogue, part_numbers: Iterable[str]) -> list[Diagnostic]:
    """Return warnings about patterns that match neither a part number of the catalogue nor one of these."""
    owned = {part_number.casefold() for part_number in part_numbers}
    patterns = dict.fromkeys(mention.name for mention in policies.mentions if mention.kind == "pattern")
    return [
        Diagnostic(
            slug="policy-unknown-pattern",
            message=_unknown_pattern(name),
            hint=_pattern_hint(catalogue, name),
            level=Level.WARNING,
        )
        for name in patterns
        if not (catalogue.knows_pattern(name) or any(map(pattern_of(name).fullmatch, owned)))
    ]


def _unknown_name(mention: Mention) -> Message:
    match mention.kind:
        case "role":
            return Message("there is no built-in role '{name}'", name=mention.name)
        case "pattern":
            return _unknown_pattern(mention.name)
        case "service":
            return Message("the product catalogue has no service '{name}'", name=mention.name)
        case _:
            return Message("the product catalogue has no product '{name}'", name=mention.name)


def _unknown_pattern(name: str) -> Message:
    return Message("no part number of a known product matches the pattern '{name}'", name=name)


def _is_price_key(node: Node) -> bool:
    """Return whether the product is a key of a price list."""
    return node.path[:1] == ("prices",)


def _is_known(catalogue: Catalogue, mention: Mention) -> bool:
    if mention.kind == "role":
        return is_role_name(mention.name)
    if mention.kind == "pattern":
        return catalogue.knows_pattern(mention.name)
    return catalogue.knows(mention.name) if mention.kind == "product" else catalogue.knows_plan(mention.name)


def _hint(mention: Mention, catalogue: Catalogue, sets: Sequence[str]) -> Message:
    """Return a hint with a suggestion: a product, a set, the name without blanks, or a similar name."""
    name = mention.name
    if mention.kind == "pattern":
        return _pattern_hint(catalogue, name)
    suggestion = _suggested_name(mention, catalogue, sets)
    if suggestion is not None:
        return Message("did you mean '{name}'?", name=suggestion)
    if mention.kind == "role":
        return Message("write the English name of a built-in role, or the id of a custom role")
    if mention.kind == "service":
        return Message(
            "`auditor products PART_NUMBER --json` shows the services of a product;"
            " `auditor products update` updates the catalogue"
        )
    if name.casefold() in _NOTHING:
        return Message("write [] for no product")
    parts = _SEPARATORS.split(name)
    if len(parts) > 1 and all(map(catalogue.knows, parts)):
        return Message("write a list: [{value}]", value=", ".join(parts))
    similar = suggest(catalogue, name)
    return intended_product(similar) or _similar_products(catalogue, name, similar.products)


def intended_product(similar: Resemblance) -> Message | None:
    """Return a hint with the product that a text very likely means; None if that is not certain."""
    if not similar.certain:
        return None
    part, title = similar.products[0].part_number, similar.products[0].name
    return Message("did you mean '{part}' ({title})?", part=part, title=title)


def _similar_products(catalogue: Catalogue, name: str, products: Iterable[Product]) -> Message:
    close = ", ".join(map(product_label, islice(products, _MAX_SIMILAR)))
    return Message("similar products: {close}", close=close) if close else _search_hint(catalogue, name)


def _pattern_hint(catalogue: Catalogue, pattern: str) -> Message:
    """Return a hint with the products whose display name matches a pattern, or else with similar ones."""
    matches = pattern_of(pattern).fullmatch
    named = (product for product in catalogue.products.values() if matches(product.name.casefold()))
    labels = ", ".join(map(product_label, islice(named, _MAX_SIMILAR)))
    if labels:
        return Message("patterns are compared with part numbers, not with names: {products}", products=labels)
    text = re.sub(r"[*?\[\]]+", " ", pattern)
    return _similar_products(catalogue, text, suggest(catalogue, text).products if clean(text) else ())


def _suggested_name(mention: Mention, catalogue: Catalogue, sets: Sequence[str]) -> str | None:
    name, folded = mention.name, fold(mention.name)
    if mention.kind == "role":
        name = _ADMIN.sub("Administrator", name)
        return nearest_name(name, sorted(role.name for role in builtin_roles().values()))
    names, knows = sets, catalogue.knows
    if mention.kind == "service":
        names, knows = sorted({plan.name for plan in catalogue.plans.values()}), catalogue.knows_plan
    elif set_name := next((candidate for candidate in sets if fold(candidate) == folded), None):
        return set_name
    if folded != name.casefold() and knows(folded):
        return clean(name)
    return None if mention.kind == "product" and products_named(catalogue, name) else nearest_name(name, names)


def _search_hint(catalogue: Catalogue, name: str) -> Message:
    """Return a hint that suggests a search for the longest word of a name with which a search finds products."""
    words = sorted(_WORD.findall(name), key=len, reverse=True)
    word = next((word for word in words[:_MAX_WORDS] if catalogue.search(word)), None)
    if word is None:
        return Message("`auditor products` lists all products; `auditor products update` updates the catalogue")
    return Message(
        "search for it with `auditor products {word}`, or update the catalogue with `auditor products update`",
        word=word,
    )
