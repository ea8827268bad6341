"""Display names of service plans, products and product sets, from the names that policies and Graph use."""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from auditor.catalogue import builtin
from auditor.domain.actions.product_names import pooled
from auditor.domain.policy.model import Policy, Seats
from auditor.domain.policy.product_set import ProductSet, Sku, SkuGlob, WithService, leaves
from auditor.domain.result.model import SeatCount
from auditor.domain.syntax.globs import pattern_of


def service_label(name: str) -> str:
    """Return the friendly name of a service plan followed by Graph's name; only Graph's name if there is no other."""
    title = builtin().plan_title(name)
    return f"{title} ({name})" if title.casefold() != name.casefold() else name


def product_labels(seats: Sequence[SeatCount], policies: Iterable[Policy]) -> dict[str, str]:
    """Return display names: of products by skuId and part number, of pools by their text; all keys are casefolded."""
    labels: dict[str, str] = {}
    for policy in policies:
        constraint = policy.constraint
        if isinstance(constraint, Seats) and constraint.pool:
            labels[constraint.of.written.casefold()] = pooled(seat.name for seat in owned_of(constraint.of, seats))
    for seat in seats:
        labels |= {name.casefold(): seat.name for name in (seat.sku_id, seat.sku_part_number) if name}
    return {name: label for name, label in labels.items() if label}


def owned_of(products: ProductSet, seats: Iterable[SeatCount]) -> tuple[SeatCount, ...]:
    """Return the products with usable user seats that a product set contains."""
    return tuple(
        seat
        for seat in seats
        if seat.applies_to.casefold() == "user"
        and (seat.usable or 0) > 0
        and contains(products, seat.sku_id, seat.sku_part_number)
    )


def contains(products: ProductSet, sku_id: str, part: str | None = None) -> bool:
    """Whether a set contains a product, by name, pattern or service; `part` defaults to the catalogue's part number."""
    part = part or part_number(sku_id) or ""
    names = {sku_id.casefold(), part.casefold()}
    return any(_matches(element, sku_id, part, names) for element in leaves(products.elements))


def _matches(element: object, sku_id: str, part: str, names: AbstractSet[str]) -> bool:
    """Whether an element of a set matches a product; `names` are its skuId and part number, casefolded."""
    match element:
        case Sku(name=name):
            return name.casefold() in names
        case SkuGlob(pattern=pattern):
            return pattern_of(pattern).fullmatch(part.casefold()) is not None
        case WithService(plan=plan):
            return plan.casefold() in builtin().plan_names(sku_id)
        case _:
            return False


def part_number(sku_id: str) -> str | None:
    """Return the catalogue's part number of a product; None if the catalogue does not have the skuId."""
    product = builtin().product(sku_id)
    return None if product is None else product.part_number
