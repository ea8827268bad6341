"""The products of a tenant in the product sets that its policies require or whose seats they count together."""

from collections.abc import Iterator

from auditor.domain.policy.model import Assignments, Policy, Seats
from auditor.domain.policy.product_set import ProductSet, Sku
from auditor.domain.result.model import ProductSetMembers
from auditor.engine.policy.binding import BoundPolicies


def set_members(bound: BoundPolicies) -> tuple[ProductSetMembers, ...] | None:
    """Return the members of each set that has any, so that actions and reports need no snapshot; None if no set has."""
    sets = {products.written: products for policy in bound.policies for products in _sets(policy)}
    members = (
        ProductSetMembers(written=written, sku_ids=tuple(sku.sku_id for sku in skus))
        for written in sorted(sets)
        if (skus := bound.with_seats(sets[written]))
    )
    return tuple(members) or None


def _sets(policy: Policy) -> Iterator[ProductSet]:
    """Yield the sets that findings may name as their product; the name of a single product needs no resolution."""
    match policy.constraint:
        case Assignments(require=required):
            for products in required:
                if len(products.elements) != 1 or not isinstance(products.elements[0], Sku):
                    yield products
        case Seats(of=products, pool=pool, covers=covers) if pool or covers:
            yield products
        case _:
            pass
