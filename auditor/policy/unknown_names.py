"""Warns about names of products, services and roles that the catalogue does not have, and suggests similar ones."""

from collections.abc import Sequence
from typing import Final

from auditor.catalogue import Catalogue, clean, fold, nearest_name, products_named, suggest
from auditor.catalogue.directory_roles import builtin_roles, is_role_name
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.policy.model import Mention
from auditor.domain.policy.product_set import BUILTIN_SETS
from auditor.policy.loader import Loaded
from auditor.policy.nodes import Node

_SLUGS: Final = {
    "product": "policy-unknown-product",
    "service": "policy-unknown-service",
    "role": "policy-unknown-role",
}


def unknown_names(loaded: Loaded, catalogue: Catalogue) -> list[Diagnostic]:
    """Return warnings about products, services and roles in policy files that the catalogue does not have."""
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


def _unknown_name(mention: Mention) -> Message:
    if mention.kind == "role":
        return Message("there is no built-in role '{name}'", name=mention.name)
    return Message("the product catalogue has no {kind} '{name}'", kind=mention.kind, name=mention.name)


def _is_price_key(node: Node) -> bool:
    """Return whether the product is a key of a price list."""
    return node.path[:1] == ("prices",)


def _is_known(catalogue: Catalogue, mention: Mention) -> bool:
    if mention.kind == "role":
        return is_role_name(mention.name)
    return catalogue.knows(mention.name) if mention.kind == "product" else catalogue.knows_plan(mention.name)


def _hint(mention: Mention, catalogue: Catalogue, sets: Sequence[str]) -> Message:
    """Return a hint with a suggestion: a product, a set, the name without blanks, or a similar name."""
    name = mention.name
    suggestion = _suggested_name(mention, catalogue, sets)
    if suggestion is not None:
        return Message("did you mean '{name}'?", name=suggestion)
    if mention.kind == "role":
        return Message("write the English name of a built-in role, or the id of a custom role")
    if mention.kind == "service":
        return _look_up(name)
    similar = suggest(catalogue, name)
    if similar.certain:
        part, title = similar.products[0].part_number, similar.products[0].name
        return Message("did you mean '{part}' ({title})?", part=part, title=title)
    close = [product.part_number for product in similar.products[:3]]
    return Message("similar products: {close}", close=", ".join(close)) if close else _look_up(name)


def _suggested_name(mention: Mention, catalogue: Catalogue, sets: Sequence[str]) -> str | None:
    name, folded = mention.name, fold(mention.name)
    if mention.kind == "role":
        return nearest_name(name, sorted(role.name for role in builtin_roles().values()))
    names, knows = sets, catalogue.knows
    if mention.kind == "service":
        names, knows = sorted({plan.name for plan in catalogue.plans.values()}), catalogue.knows_plan
    elif set_name := next((candidate for candidate in sets if fold(candidate) == folded), None):
        return set_name
    if folded != name.casefold() and knows(folded):
        return clean(name)
    return None if mention.kind == "product" and products_named(catalogue, name) else nearest_name(name, names)


def _look_up(name: str) -> Message:
    return Message(
        "look it up with `auditor products {name}`, or update the catalogue with `auditor products update`", name=name
    )
