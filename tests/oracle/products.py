"""Product sets: whether a SKU belongs to a set, the set as text, and the product names in it."""

from collections.abc import Iterator
from typing import Any

from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.words import glob, is_glob, is_guid, same
from tests.oracle.world import Unknown, World

BUILT_IN = ("*", "free", "paid", "trial")
FILLER = ("113feb6c-3fe4-4440-bddc-54d774bf0318", "EXCHANGE_S_FOUNDATION")


def contains(world: World, product_set: Any, sku: str, part: str | None = None) -> Truth:
    """Whether the SKU (lower case) is in the set; `part` is the part number if the subject itself has one."""
    if isinstance(product_set, list):
        return disj(contains(world, element, sku, part) for element in product_set)
    if isinstance(product_set, dict):
        return _with_service(world, product_set["withService"], sku)
    if product_set == "*":
        return True
    if product_set == "free":
        return contains(world, world.book.free, sku, part)
    if product_set == "paid":
        return neg(contains(world, world.book.free, sku, part))
    if product_set == "trial":
        return _trial(world, sku)
    if product_set in world.book.products:
        return contains(world, world.book.products[product_set], sku, part)
    return _named(world, product_set, sku, part)


def _named(world: World, product_set: str, sku: str, part: str | None) -> Truth:
    if product_set.lower() == sku:
        return True
    if is_guid(product_set):
        return False
    part_number = part or world.part_number(sku)
    if isinstance(part_number, Unknown):
        return None
    if part_number is None:
        return False
    return glob(product_set, part_number) if is_glob(product_set) else same(product_set, part_number)


def _with_service(world: World, service: str, sku: str) -> Truth:
    plans = world.plans(sku)
    if plans is None:
        return None
    return any(is_plan(service, plan) for plan in plans)


def is_plan(written: str, plan: tuple[str, str]) -> bool:
    """Whether a plan (id, name) has the given id or name."""
    return same(written, plan[0]) or same(written, plan[1])


def _trial(world: World, sku: str) -> Truth:
    trials = [row.get("isTrial") for row in world.rows("subscriptions") if row["skuId"].lower() == sku]
    if False in trials:
        return False
    if world.source("subscriptions") != "complete":
        return None
    return conj(trials) if trials else False


def distinctive_plans(world: World, sku: str) -> frozenset[str] | None:
    """The plan ids of a SKU without the filler plan; None = unknown."""
    plans = world.plans(sku)
    if plans is None:
        return None
    return frozenset(plan for plan, name in plans if plan != FILLER[0] and not same(name, FILLER[1]))


def written(product_set: Any) -> str:
    """A product set as text, as written in the policy."""
    if isinstance(product_set, list):
        return "|".join(written(element) for element in product_set)
    if isinstance(product_set, dict):
        return f"withService:{product_set['withService']}"
    return str(product_set)


def plain_names(product_set: Any) -> Iterator[str]:
    """The part numbers and skuIds in a set, without globs, service plans and built-in sets."""
    if isinstance(product_set, list):
        for element in product_set:
            yield from plain_names(element)
    elif isinstance(product_set, str) and product_set not in BUILT_IN and not is_glob(product_set):
        yield product_set


def elements(world: World, product_set: Any) -> Iterator[Any]:
    """The elements of a set, with the definitions of named sets in place of their names."""
    for element in product_set if isinstance(product_set, list) else [product_set]:
        if isinstance(element, list):
            yield from elements(world, element)
        elif isinstance(element, str) and element not in BUILT_IN and element in world.book.products:
            yield from elements(world, world.book.products[element])
        else:
            yield element


def named_skus(world: World, product_set: Any) -> frozenset[str]:
    """The part numbers and skuIds that a set names, in folded case."""
    return frozenset(name.casefold() for name in plain_names(list(elements(world, product_set))))
