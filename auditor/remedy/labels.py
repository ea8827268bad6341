"""Display names of service plans, products and product sets, from the names that policies and Graph use."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from auditor.catalogue import builtin
from auditor.domain.actions.product_names import pooled
from auditor.domain.policy.model import Policy, PolicySet, Seats
from auditor.domain.policy.product_set import Builtin, Element, ProductSet, Sku, SkuGlob, WithService, leaves
from auditor.domain.result.model import SeatCount, TenantResult
from auditor.domain.syntax.globs import pattern_of


def service_label(name: str) -> str:
    """Return the friendly name of a service plan followed by Graph's name; only Graph's name if there is no other."""
    title = builtin().plan_title(name)
    return f"{title} ({name})" if title.casefold() != name.casefold() else name


class TenantProducts(Struct, frozen=True, kw_only=True):
    """The products of a tenant, and what is needed to resolve product sets over them."""

    seats: Sequence[SeatCount]
    trials: frozenset[str]
    """SkuIds of products of which all subscriptions are trials, casefolded."""
    free: tuple[Element, ...]
    """The products that policies add to `free`."""

    @classmethod
    def of(cls, tenant: TenantResult, policies: PolicySet) -> "TenantProducts":
        """Return the products of a tenant."""
        trials: dict[str, bool] = {}
        for subscription in tenant.subscriptions:
            key = subscription.sku_id.casefold()
            trials[key] = trials.get(key, True) and subscription.is_trial is True
        return cls(
            seats=tenant.seats,
            trials=frozenset(key for key, is_trial in trials.items() if is_trial),
            free=leaves(tuple(element for products in policies.free for element in products.elements)),
        )

    def owned(self, products: ProductSet) -> tuple[SeatCount, ...]:
        """Return the products with usable user seats that a product set contains."""
        return tuple(
            seat
            for seat in self.seats
            if seat.applies_to.casefold() == "user"
            and (seat.usable or 0) > 0
            and self.contains(products, seat.sku_id, seat.sku_part_number)
        )

    def contains(self, products: ProductSet, sku_id: str, part: str | None = None) -> bool:
        """Whether a set contains a product; `part` defaults to the catalogue's part number."""
        part = part or part_number(sku_id) or ""
        return any(self._matches(element, sku_id.casefold(), part.casefold()) for element in leaves(products.elements))

    def _matches(self, element: Element, sku_id: str, part: str) -> bool:
        """Whether an element of a set matches a product, by its casefolded skuId and part number."""
        match element:
            case Sku(name=name):
                return name.casefold() in {sku_id, part}
            case SkuGlob(pattern=pattern):
                return pattern_of(pattern).fullmatch(part) is not None
            case WithService(plan=plan):
                return plan.casefold() in builtin().plan_names(sku_id)
            case Builtin(name="free"):
                return self._is_free(sku_id, part)
            case Builtin(name="paid"):
                return not self._is_free(sku_id, part)
            case Builtin(name="trial"):
                return sku_id in self.trials
            case _:
                return element == Builtin(name="*")

    def _is_free(self, sku_id: str, part: str) -> bool:
        listed = not builtin().free.isdisjoint({sku_id, part})
        return listed or any(self._matches(element, sku_id, part) for element in self.free)


def product_labels(products: TenantProducts, policies: Iterable[Policy]) -> dict[str, str]:
    """Return display names: of products by skuId and part number, of pools by their text; all keys are casefolded."""
    labels: dict[str, str] = {}
    for policy in policies:
        constraint = policy.constraint
        if isinstance(constraint, Seats) and constraint.pool:
            labels[constraint.of.written.casefold()] = pooled(seat.name for seat in products.owned(constraint.of))
    for seat in products.seats:
        labels |= {name.casefold(): seat.name for name in (seat.sku_id, seat.sku_part_number) if name}
    return {name: label for name, label in labels.items() if label}


def part_number(sku_id: str) -> str | None:
    """Return the catalogue's part number of a product; None if the catalogue does not have the skuId."""
    product = builtin().product(sku_id)
    return None if product is None else product.part_number
