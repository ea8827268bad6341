"""Resolves the product sets that policies refer to into the names of a tenant's products."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from auditor.catalogue import builtin
from auditor.domain.actions.product_names import one_of, pooled
from auditor.domain.result.model import PolicyHeader, SeatCount
from auditor.domain.syntax.globs import pattern_of
from auditor.render.text.labels import Labels


def labels(
    headers: Iterable[PolicyHeader], sets: Mapping[str, Any], seats: Sequence[SeatCount], l10n: Labels
) -> dict[str, str]:
    """Return readable names of the product sets that policies require or count as pools, by their casefolded text.

    `sets` are the `products` of the run's definitions; sets of which the tenant has no product are left out.
    """
    by_set: dict[str, str] = {}
    for header in headers:
        block = header.spec.get("assignments")
        required = block.get("require") if isinstance(block, Mapping) else None
        for element in required if isinstance(required, list | tuple) else ():
            text = _quoted(element)
            if text.casefold() not in by_set and not builtin().knows(text):
                names = [seat.name for seat in _members(element, sets, seats) if seat.name]
                if names:
                    by_set[text.casefold()] = one_of(l10n, names)
        block = header.spec.get("seats")
        if isinstance(block, Mapping) and block.get("pool") is True and "of" in block:
            names = [seat.name for seat in _members(block["of"], sets, seats) if seat.name]
            if names:
                by_set[_quoted(block["of"]).casefold()] = pooled(names)
    return by_set


def _quoted(element: Any) -> str:
    """Return the text with which findings quote an element."""
    if isinstance(element, Mapping):
        return f"withService:{element.get('withService')}"
    return "|".join(map(_quoted, element)) if isinstance(element, list | tuple) else str(element)


def _members(element: Any, sets: Mapping[str, Any], seats: Sequence[SeatCount]) -> Iterator[SeatCount]:
    """Yield the products with seats for people that an element matches by name, pattern or service."""
    leaves = list(_leaves(element, sets, set()))
    texts = [str(leaf).casefold() for leaf in leaves if not isinstance(leaf, Mapping)]
    names = frozenset(texts)
    patterns = [pattern_of(text) for text in texts if "*" in text and text != "*"]
    services = [str(leaf.get("withService")).casefold() for leaf in leaves if isinstance(leaf, Mapping)]
    for seat in seats:
        if (seat.usable or 0) <= 0 or seat.applies_to.casefold() != "user":
            continue
        part = (seat.sku_part_number or "").casefold()
        if (
            part in names
            or seat.sku_id.casefold() in names
            or any(pattern.fullmatch(part) for pattern in patterns)
            or (services and not builtin().plan_names(seat.sku_id).isdisjoint(services))
        ):
            yield seat


def _leaves(element: Any, sets: Mapping[str, Any], seen: set[str]) -> Iterator[Any]:
    if isinstance(element, list | tuple):
        for item in element:
            yield from _leaves(item, sets, seen)
    elif isinstance(element, str) and element in sets:
        if element not in seen:
            seen.add(element)
            yield from _leaves(sets[element], sets, seen)
    else:
        yield element
