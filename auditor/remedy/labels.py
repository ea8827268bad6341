"""Names that policies and Graph use into names that people use: properties, service plans, sets of products."""

from collections.abc import Iterable, Sequence

from auditor.catalogue import builtin
from auditor.domain.actions.product_names import pooled
from auditor.domain.policy.model import Policy, Seats
from auditor.domain.policy.product_set import ProductSet, Sku, SkuGlob, WithService, leaves
from auditor.domain.result.model import SeatCount
from auditor.domain.syntax.globs import pattern_of


def service_label(name: str) -> str:
    """Return the friendly name of a service plan, with Graph's behind it; Graph's alone where nobody knows one."""
    title = builtin().plan_title(name)
    return f"{title} ({name})" if title.casefold() != name.casefold() else name


def product_labels(seats: Sequence[SeatCount], policies: Iterable[Policy]) -> dict[str, str]:
    """Return what people call products, by skuId and part number, and pools of them, by their text; all casefolded."""
    labels: dict[str, str] = {}
    for policy in policies:
        block = policy.constraint
        if isinstance(block, Seats) and block.pool:
            labels[block.of.written.casefold()] = pooled(seat.name for seat in owned_of(block.of, seats))
    for seat in seats:
        labels |= {name.casefold(): seat.name for name in (seat.sku_id, seat.sku_part_number) if name}
    return {name: label for name, label in labels.items() if label}


def owned_of(wanted: ProductSet, seats: Iterable[SeatCount]) -> tuple[SeatCount, ...]:
    """Return the products with seats for people that a set names one by one, by a pattern or by a service."""
    return tuple(
        seat
        for seat in seats
        if seat.applies_to.casefold() == "user"
        and (seat.usable or 0) > 0
        and contains(wanted, seat.sku_id, seat.sku_part_number)
    )


def contains(wanted: ProductSet, sku_id: str, part: str | None = None) -> bool:
    """Whether a set names a product one by one, by a pattern or by a service; without `part` the catalogue shows it."""
    part = part or part_number(sku_id) or ""
    return any(_names(element, sku_id, part) for element in leaves(wanted.elements))


def _names(element: object, sku_id: str, part: str) -> bool:
    names = {sku_id.casefold(), part.casefold()}
    match element:
        case Sku(name=name):
            return name.casefold() in names
        case SkuGlob(pattern=pattern):
            return pattern_of(pattern).fullmatch(part.casefold()) is not None
        case WithService(plan=plan):
            product = builtin().product(sku_id)
            plans = () if product is None else product.plans
            return any(plan.casefold() in {service.id.casefold(), service.name.casefold()} for service in plans)
        case _:
            return False


def part_number(sku_id: str) -> str | None:
    """Return the part number of a product of the catalogue, by its skuId."""
    product = builtin().product(sku_id)
    return None if product is None else product.part_number
