"""Merges the counts of departments, cost centres and the like that are so small that they tell of single people."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from auditor.app.redaction.people import People
from auditor.domain.result.seat_usage import DepartmentReport, UnitUsage
from auditor.result.seats import unit_sum

_FEWEST: Final = 5
"""People of the smallest one that is listed by itself."""


def redacted_departments(report: DepartmentReport, people: People) -> DepartmentReport:
    """Merge departments and the like of fewer than 5 people, and replace people in the names of the others."""
    return replace(
        report,
        departments=_units(report.departments, people),
        companies=_units(report.companies, people),
        cost_centers=_units(report.cost_centers, people),
        divisions=_units(report.divisions, people),
    )


def _units(units: Sequence[UnitUsage], people: People) -> tuple[UnitUsage, ...]:
    listed = [
        replace(unit, name=people.free(unit.name)) for unit in units if unit.name is not None and unit.people >= _FEWEST
    ]
    merged = [unit for unit in units if unit.merged or (unit.name is not None and unit.people < _FEWEST)]
    nameless = [unit for unit in units if unit.name is None and not unit.merged]
    return (*listed, *([unit_sum(merged)] if merged else ()), *nameless)
