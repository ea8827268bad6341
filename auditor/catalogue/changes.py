"""Compares two states of the catalogue: products added, removed, renamed, or with other service plans."""

from msgspec import Struct

from auditor.catalogue.model import Catalogue, Product, order


class CatalogueChanges(Struct, frozen=True, kw_only=True):
    """The differences, sorted by part number and skuId; a pair is (before, after)."""

    added: tuple[Product, ...]
    removed: tuple[Product, ...]
    renamed: tuple[tuple[Product, Product], ...]
    """Products with another display name or part number under the same skuId."""
    replanned: tuple[tuple[Product, Product], ...]
    """Products with other service plans under the same skuId."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renamed or self.replanned)


def compare(before: Catalogue, after: Catalogue) -> CatalogueChanges:
    """Return the changes from `before` to `after`, matched by skuId; aliases and plan names are not compared."""
    both = [
        (before.products[product.sku_id], product)
        for product in sorted(after.products.values(), key=order)
        if product.sku_id in before.products
    ]
    return CatalogueChanges(
        added=_missing(after, before),
        removed=_missing(before, after),
        renamed=tuple((old, new) for old, new in both if (old.name, old.part_number) != (new.name, new.part_number)),
        replanned=tuple((old, new) for old, new in both if _plan_ids(old) != _plan_ids(new)),
    )


def _missing(catalogue: Catalogue, other: Catalogue) -> tuple[Product, ...]:
    return tuple(sorted((p for p in catalogue.products.values() if p.sku_id not in other.products), key=order))


def _plan_ids(product: Product) -> frozenset[str]:
    return frozenset(plan.id for plan in product.plans)
