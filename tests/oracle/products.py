"""Product sets: whether a SKU of a tenant belongs to one, how one is written, and which names it uses."""

from collections.abc import Iterator
from typing import Any

from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.words import glob, is_glob, is_guid, same
from tests.oracle.world import Unknown, World

BUILT_IN = ("*", "free", "paid", "trial")
FILLER = ("113feb6c-3fe4-4440-bddc-54d774bf0318", "EXCHANGE_S_FOUNDATION")


def contains(world: World, wanted: Any, sku: str, part: str | None = None) -> Truth:
    """Whether the SKU (lower case) is in the set; `part` is a part number that the subject itself tells."""
    if isinstance(wanted, list):
        return disj(contains(world, each, sku, part) for each in wanted)
    if isinstance(wanted, dict):
        return _with_service(world, wanted["withService"], sku)
    if wanted == "*":
        return True
    if wanted == "free":
        return contains(world, world.book.free, sku, part)
    if wanted == "paid":
        return neg(contains(world, world.book.free, sku, part))
    if wanted == "trial":
        return _trial(world, sku)
    if wanted in world.book.products:
        return contains(world, world.book.products[wanted], sku, part)
    return _named(world, wanted, sku, part)


def _named(world: World, wanted: str, sku: str, part: str | None) -> Truth:
    if wanted.lower() == sku:
        return True
    if is_guid(wanted):
        return False
    known = part or world.part_number(sku)
    if isinstance(known, Unknown):
        return None
    if known is None:
        return False
    return glob(wanted, known) if is_glob(wanted) else same(wanted, known)


def _with_service(world: World, service: str, sku: str) -> Truth:
    plans = world.plans(sku)
    if plans is None:
        return None
    return any(is_plan(service, plan) for plan in plans)


def is_plan(written: str, plan: tuple[str, str]) -> bool:
    """Whether a plan (id, name) is the one written, by id or by name."""
    return same(written, plan[0]) or same(written, plan[1])


def _trial(world: World, sku: str) -> Truth:
    trials = [row.get("isTrial") for row in world.rows("subscriptions") if row["skuId"].lower() == sku]
    if False in trials:
        return False
    if world.source("subscriptions") != "complete":
        return None
    return conj(trials) if trials else False


def telling_plans(world: World, sku: str) -> frozenset[str] | None:
    """The plan ids of a SKU, filler left out; None = nobody knows."""
    plans = world.plans(sku)
    if plans is None:
        return None
    return frozenset(plan for plan, name in plans if plan != FILLER[0] and not same(name, FILLER[1]))


def written(wanted: Any) -> str:
    """A product set as its policy writes it."""
    if isinstance(wanted, list):
        return "|".join(written(each) for each in wanted)
    if isinstance(wanted, dict):
        return f"withService:{wanted['withService']}"
    return str(wanted)


def plain_names(wanted: Any) -> Iterator[str]:
    """The part numbers and skuIds written in a set; globs, service plans and built-in sets name no product."""
    if isinstance(wanted, list):
        for each in wanted:
            yield from plain_names(each)
    elif isinstance(wanted, str) and wanted not in BUILT_IN and not is_glob(wanted):
        yield wanted
