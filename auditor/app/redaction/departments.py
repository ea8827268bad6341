"""Merges departments, cost centres and the like that are so small that their counts describe single people."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

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
    """Return the units of enough people, one for all others, and people without a unit.

    Where the others together, or the people without a unit, are too few, the smallest unit joins them: a sum that tells
    of single people would undo the merging.
    """
    merged = [unit for unit in units if unit.merged or unit.people < _FEWEST]
    listed = sorted((unit for unit in units if unit not in merged), key=lambda unit: unit.people)
    while merged and listed and sum(unit.people for unit in merged) < _FEWEST:
        merged.append(listed.pop(0))
    separate = [unit for unit in units if unit in listed]
    named = [replace(unit, name=people.free(unit.name)) for unit in separate if unit.name is not None]
    return (*named, *([unit_sum(merged)] if merged else ()), *(unit for unit in separate if unit.name is None))
