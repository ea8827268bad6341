"""Counts and sums of paid seats."""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from auditor.domain import money
from auditor.domain.enums import applies_to_people
from auditor.domain.result.model import Result, SeatCount
from auditor.domain.result.seat_usage import UnassignedSeats, UnitUsage


def paid_seats(seats: Iterable[SeatCount]) -> list[SeatCount]:
    """Return the seats of paid products for people."""
    free = free_part_numbers()
    return [seat for seat in seats if is_for_people(seat) and seat.sku_part_number.casefold() not in free]


def spare_of(seat: SeatCount) -> int | None:
    """Return how many seats can still be assigned: None if unknown, or for a product that nobody can be assigned.

    Such products, for example storage, are bought for the whole organisation (`appliesTo` is `Company`).
    """
    return seat.spare if is_for_people(seat) else None


def is_for_people(seat: SeatCount) -> bool:
    """Return whether the product is assigned to people; storage, for example, is not."""
    return applies_to_people(seat.applies_to)


def free_part_numbers() -> frozenset[str]:
    """Return the part numbers of free products, in lower case."""
    from auditor.catalogue import free_products  # noqa: PLC0415 - only needed for several tenants or earlier runs

    return frozenset(product.part_number.casefold() for product in free_products())


def spare_seats(result: Result) -> int | None:
    """Return the number of paid spare seats over all tenants; None if a number or a tenant is not known."""
    spare = [seat.spare for tenant in result.tenants for seat in paid_seats(tenant.seats)]
    known = [number for number in spare if number is not None]
    complete = len(known) == len(spare) and all(tenant.has_all_products for tenant in result.tenants)
    return sum(known) if complete and known else None


def unit_sum(units: Sequence[UnitUsage]) -> UnitUsage:
    """Return one row with the sums of several departments, companies or the like; `merged` is their number."""

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
        cost=money.total(unit.cost for unit in units),
        idle_cost=money.total(unit.idle_cost for unit in units),
        unpriced=sum(unit.unpriced for unit in units),
    )


def whole(units: Sequence[UnitUsage], unassigned: UnassignedSeats) -> UnitUsage:
    """Return the row of all seats: those of all departments, companies or the like, and the unassigned ones."""
    total = unit_sum(units)
    return replace(
        total,
        assigned=total.assigned + unassigned.seats,
        cost=money.total((total.cost, unassigned.cost)),
        unpriced=total.unpriced + unassigned.unpriced,
    )
