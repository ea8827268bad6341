"""Merges departments and other units that are so small that their counts describe individual users."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from auditor.domain.result.seat_usage import DepartmentReport, UnitUsage
from auditor.result.redaction.people import UserPseudonyms
from auditor.result.seats import unit_sum

_MIN_PEOPLE: Final = 5
"""The minimum number of users of a unit that is listed separately."""


def redacted_departments(report: DepartmentReport, people: UserPseudonyms) -> DepartmentReport:
    """Merge departments, companies, cost centres and divisions of fewer than 5 users.

    Names of users in the names of the other units are replaced.
    """
    return replace(
        report,
        departments=_units(report.departments, people),
        companies=_units(report.companies, people),
        cost_centers=_units(report.cost_centers, people),
        divisions=_units(report.divisions, people),
    )


def _units(units: Sequence[UnitUsage], people: UserPseudonyms) -> tuple[UnitUsage, ...]:
    """Return the units with enough users, one merged unit for all others, and the users without a unit.

    If the merged units or the users without a unit are too few, the smallest listed units are merged too: a sum over
    individual users would reveal what the merging hides.
    """
    merged = [unit for unit in units if unit.merged or unit.people < _MIN_PEOPLE]
    listed = sorted((unit for unit in units if unit not in merged), key=lambda unit: unit.people)
    while merged and listed and sum(unit.people for unit in merged) < _MIN_PEOPLE:
        merged.append(listed.pop(0))
    separate = [unit for unit in units if unit in listed]
    named = [replace(unit, name=people.free_text(unit.name)) for unit in separate if unit.name is not None]
    return (*named, *([unit_sum(merged)] if merged else ()), *(unit for unit in separate if unit.name is None))
