"""What policies ask for by the name of a set into the products of a tenant that the name stands for."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from auditor.catalogue import builtin
from auditor.domain.product_words import one_of
from auditor.domain.result import PolicyHeader, SeatCount
from auditor.render.words import Words


def labels(
    headers: Iterable[PolicyHeader], sets: Mapping[str, Any], seats: Sequence[SeatCount], words: Words
) -> dict[str, str]:
    """Return what people call each set that a policy requires, by the set as it is written, casefolded.

    `sets` are the `products` of the run's definitions; a set of which the tenant has no product is left out.
    """
    found: dict[str, str] = {}
    for header in headers:
        block = header.spec.get("assignments")
        wanted = block.get("require") if isinstance(block, Mapping) else None
        for element in wanted if isinstance(wanted, list | tuple) else ():
            written = _written(element)
            if written.casefold() not in found and not builtin().knows(written):
                names = [seat.name for seat in _members(element, sets, seats) if seat.name]
                if names:
                    found[written.casefold()] = one_of(words, names)
    return found


def _written(element: Any) -> str:
    """Return an element as findings quote it."""
    if isinstance(element, Mapping):
        return f"withService:{element.get('withService')}"
    return "|".join(map(_written, element)) if isinstance(element, list | tuple) else str(element)


def _members(element: Any, sets: Mapping[str, Any], seats: Sequence[SeatCount]) -> Iterator[SeatCount]:
    """Yield the products with seats for people that an element names one by one, by a pattern or by a service."""
    leaves = list(_leaves(element, sets, set()))
    for seat in seats:
        if seat.applies_to.casefold() == "user" and (seat.usable or 0) > 0 and any(_is(leaf, seat) for leaf in leaves):
            yield seat


def _leaves(element: Any, sets: Mapping[str, Any], seen: set[str]) -> Iterator[Any]:
    if isinstance(element, list | tuple):
        for each in element:
            yield from _leaves(each, sets, seen)
    elif isinstance(element, str) and element in sets:
        if element not in seen:
            seen.add(element)
            yield from _leaves(sets[element], sets, seen)
    else:
        yield element


def _is(leaf: Any, seat: SeatCount) -> bool:
    if isinstance(leaf, Mapping):
        product, plan = builtin().product(seat.sku_id), str(leaf.get("withService")).casefold()
        plans = () if product is None else product.plans
        return any(plan in {known.id.casefold(), known.name.casefold()} for known in plans)
    part = (seat.sku_part_number or "").casefold()
    pattern = str(leaf).casefold()
    return pattern in {part, seat.sku_id.casefold()} or (
        "*" in pattern and pattern != "*" and fnmatchcase(part, pattern)
    )
