"""Replaces part numbers in trends, comparisons and episodes by display names."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from auditor.catalogue import Catalogue
from auditor.domain.trends import Between, Episode, Trends


def titled(trends: Sequence[Trends], catalogue: Catalogue) -> list[Trends]:
    """Return trends with display names; products with equal names keep the part number behind it."""
    found = []
    for trend in trends:
        title = _titles(catalogue, {seat.sku_id: seat.sku for seat in trend.seats}.items())
        seats = tuple(replace(seat, sku=title(seat.sku_id, seat.sku)) for seat in trend.seats)
        found.append(replace(trend, seats=seats))
    return found


def titled_between(between: Sequence[Between], catalogue: Catalogue) -> list[Between]:
    """Return comparisons with display names."""
    found = []
    for diff in between:
        title = _titles(catalogue, {seat.sku_id: seat.sku for seat in diff.seats}.items())
        seats = tuple(replace(seat, sku=title(seat.sku_id, seat.sku)) for seat in diff.seats)
        findings = tuple(replace(each, product=_of_part(catalogue, each.product)) for each in diff.findings)
        found.append(replace(diff, seats=seats, findings=findings))
    return found


def titled_episodes(episodes: Sequence[Episode], catalogue: Catalogue) -> tuple[Episode, ...]:
    """Return episodes with display names."""
    return tuple(replace(each, product=_of_part(catalogue, each.product)) for each in episodes)


def _titles(catalogue: Catalogue, products: Iterable[tuple[str, str]]) -> Callable[[str, str], str]:
    names: dict[str, int] = {}
    for sku_id, sku in products:
        name = _name(catalogue, sku_id, sku)
        names[name] = names.get(name, 0) + 1

    def title(sku_id: str, sku: str) -> str:
        name = _name(catalogue, sku_id, sku)
        return f"{name} ({sku})" if names.get(name, 0) > 1 and name != sku else name

    return title


def _name(catalogue: Catalogue, sku_id: str, sku: str) -> str:
    product = catalogue.product(sku_id)
    return sku if product is None else product.name


def _of_part(catalogue: Catalogue, part: str | None) -> str | None:
    if part is None:
        return None
    found = {product.name for product in catalogue.by_part_number(part)}
    return found.pop() if len(found) == 1 else part
