"""The product names used in policy documents, to report those that are unknown."""

from collections.abc import Iterator
from typing import Any

from tests.oracle.products import plain_names
from tests.oracle.verdict import Document
from tests.oracle.words import same
from tests.oracle.world import Book, World

SETS = {
    "assignments": ("of", "allow", "deny", "require", "exclusive"),
    "seats": ("of",),
    "purchases": ("allow", "deny"),
    "subscriptions": ("of",),
    "balance": ("of",),
}


def in_selector(selector: Any) -> Iterator[str]:
    if not isinstance(selector, dict):
        return
    for key, value in selector.items():
        if key == "holds":
            yield from plain_names(value)
        elif key == "heldFor":
            yield from plain_names(value.get("of"))
        elif key in ("any", "all"):
            for operand in value:
                yield from in_selector(operand)
        elif key == "not":
            yield from in_selector(value)


def in_policy(policy: Document) -> Iterator[str]:
    yield from in_selector(policy.get("users"))
    for block, keys in SETS.items():
        for key in keys:
            yield from plain_names(policy.get(block, {}).get(key))


def shared(book: Book) -> Iterator[str]:
    """Names in `populations`, `products` and `prices`, which belong to no policy."""
    for selector in book.populations.values():
        yield from in_selector(selector)
    for product_set in book.products.values():
        yield from plain_names(product_set)
    for element in book.free:
        if isinstance(element, list):
            yield from plain_names(element)
    yield from book.prices


def in_waiver(waiver: Document) -> Iterator[str]:
    yield from in_selector(waiver.get("users"))
    yield from plain_names(waiver.get("products"))


def is_known(world: World, name: str) -> bool:
    if name in world.book.products or any(same(name, free) for free in world.catalogue.free):
        return True
    for sku, (part, _plans) in world.catalogue.skus.items():
        if same(name, sku) or same(name, part):
            return True
    return any(same(name, row["skuId"]) or same(name, row["skuPartNumber"]) for row in world.rows("subscribedSkus"))
