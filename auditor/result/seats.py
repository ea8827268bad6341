"""Seats of products that cost something."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from auditor.domain.actions.money import Money
from auditor.domain.result.model import Result, SeatCount
from auditor.domain.result.seat_usage import UnassignedSeats, UnitUsage


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


def unit_sum(units: Sequence[UnitUsage]) -> UnitUsage:
    """Return one row for several departments or the like; `merged` says of how many."""

    def total(count: Callable[[UnitUsage], int | None]) -> int | None:
        counts = [count(unit) for unit in units]
        return None if None in counts else sum(number for number in counts if number is not None)

    return UnitUsage(
        name=None,
        merged=sum(max(1, unit.merged) for unit in units),
        people=sum(unit.people for unit in units),
        assigned=sum(unit.assigned for unit in units),
        used=total(lambda unit: unit.used),
        idle=total(lambda unit: unit.idle),
        unknown=sum(unit.unknown for unit in units),
        cost=money_sum(unit.cost for unit in units),
        idle_cost=money_sum(unit.idle_cost for unit in units),
        unpriced=sum(unit.unpriced for unit in units),
    )


def whole(units: Sequence[UnitUsage], unassigned: UnassignedSeats) -> UnitUsage:
    """Return the row of all seats: those of every department or the like, and those that nobody holds."""
    total = unit_sum(units)
    return replace(
        total,
        assigned=total.assigned + unassigned.seats,
        cost=money_sum((total.cost, unassigned.cost)),
        unpriced=total.unpriced + unassigned.unpriced,
    )


def money_sum(amounts: Iterable[Money | None]) -> Money | None:
    """Return the sum of the amounts that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    return Money(currency=known[0].currency, per_month=sum((amount.per_month for amount in known), Decimal(0)))
