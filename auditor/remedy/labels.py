"""Names of service plans and products in the catalogue, from the names that policies and Graph use."""

from auditor.catalogue import builtin


def service_label(name: str) -> str:
    """Return the friendly name of a service plan followed by Graph's name; only Graph's name if there is no other."""
    title = builtin().plan_title(name)
    return f"{title} ({name})" if title.casefold() != name.casefold() else name


def part_number(sku_id: str) -> str | None:
    """Return the catalogue's part number of a product; None if the catalogue does not have the skuId."""
    product = builtin().product(sku_id)
    return None if product is None else product.part_number
