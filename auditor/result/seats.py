"""Seats of products that cost something."""

from collections.abc import Iterable

from auditor.domain.result.model import Result, SeatCount


def paid_seats(seats: Iterable[SeatCount]) -> list[SeatCount]:
    """Return the seats of products for people that cost something."""
    free = free_part_numbers()
    return [s for s in seats if s.applies_to == "User" and s.sku_part_number.casefold() not in free]


def free_part_numbers() -> frozenset[str]:
    """Return the part numbers of products that cost nothing, in lower case."""
    from auditor.catalogue import free_products  # noqa: PLC0415 - only several tenants, or earlier runs, ask

    return frozenset(product.part_number.casefold() for product in free_products())


def spare_seats(result: Result) -> int | None:
    """Return the spare seats that cost something, over all tenants; None where a number or a tenant is not known."""
    spare = [seat.spare for tenant in result.tenants for seat in paid_seats(tenant.seats)]
    known = [number for number in spare if number is not None]
    whole = len(known) == len(spare) and all(tenant.products_whole for tenant in result.tenants)
    return sum(known) if whole and known else None
