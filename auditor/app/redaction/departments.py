"""Merges the counts of departments and companies that are so small that they tell of single people."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from auditor.app.redaction.people import People
from auditor.domain.actions.money import Money
from auditor.domain.result.seat_usage import DepartmentReport, UnitUsage

_FEWEST: Final = 5
"""People of the smallest department that is listed by itself."""


def redacted_departments(report: DepartmentReport, people: People) -> DepartmentReport:
    """Merge departments and companies of fewer than 5 people, and replace people in the names of the others."""
    return replace(report, departments=_units(report.departments, people), companies=_units(report.companies, people))


def _units(units: Sequence[UnitUsage], people: People) -> tuple[UnitUsage, ...]:
    listed = [
        replace(unit, name=people.free(unit.name)) for unit in units if unit.name is not None and unit.people >= _FEWEST
    ]
    merged = [unit for unit in units if unit.merged or (unit.name is not None and unit.people < _FEWEST)]
    nameless = [unit for unit in units if unit.name is None and not unit.merged]
    return (*listed, *([_sum(merged)] if merged else ()), *nameless)


def _sum(units: Sequence[UnitUsage]) -> UnitUsage:
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
        cost=_cost([unit.cost for unit in units]),
        idle_cost=_cost([unit.idle_cost for unit in units]),
        unpriced=sum(unit.unpriced for unit in units),
    )


def _cost(amounts: Sequence[Money | None]) -> Money | None:
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    return Money(currency=known[0].currency, per_month=sum((amount.per_month for amount in known), Decimal(0)))
