"""Facts in the evidence of findings that all reports show: assignment paths and product names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from auditor.domain.actions.product_names import one_of
from auditor.domain.result.model import TenantResult
from auditor.domain.translation import Localizer

_ACTIVE_STATES: Final = frozenset({"", "active"})


def paths(evidence: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the distinct assignment paths in English: `direct` or `group <name>`, with any state except Active."""
    states = (
        ("direct" if assignment.group is None else f"group {assignment.group}", assignment.state)
        for assignment in assignment_paths(evidence.get("paths"))
    )
    return tuple(path if state is None else f"{path} ({state})" for path, state in states)


class AssignmentPath(NamedTuple):
    """One path by which a product is assigned."""

    group: str | None
    """The group's name, else its id; None for a direct assignment."""
    state: str | None
    """The state as Graph names it; None if it is Active or empty."""


def assignment_paths(value: object) -> tuple[AssignmentPath, ...]:
    """Return the distinct assignment paths in the fact `paths` of the evidence."""
    items = value if isinstance(value, list | tuple) else (value,) if value else ()
    return tuple(dict.fromkeys(map(_assignment_path, items)))


def product_names(tenant: TenantResult) -> dict[str, str]:
    """Return the names of the tenant's products by skuId and by part number, casefolded."""
    named = [seats for seats in tenant.seats if seats.name]
    by_part = {seats.sku_part_number.casefold(): seats.name for seats in named if seats.sku_part_number}
    return by_part | {seats.sku_id.casefold(): seats.name for seats in named}


def product_and_set_names(tenant: TenantResult, l10n: Localizer) -> dict[str, str]:
    """Return the names of the tenant's products, and by the set as written those of the products in required sets."""
    return product_names(tenant) | set_names(names_by_set(tenant), l10n)


def set_names(sets: Mapping[str, Sequence[str]], l10n: Localizer) -> dict[str, str]:
    """Return the name of each product set by the set as written; `sets` are as `names_by_set` returns them."""
    return {written: one_of(l10n, members) for written, members in sets.items()}


def names_by_set(tenant: TenantResult) -> dict[str, list[str]]:
    """Return the names of the products in the product sets that findings may name, by the set as written."""
    names = product_names(tenant)
    sets = {
        item.written: [names[sku_id.casefold()] for sku_id in item.sku_ids if sku_id.casefold() in names]
        for item in tenant.product_sets or ()
    }
    return {written: members for written, members in sets.items() if members}


def _assignment_path(value: Any) -> AssignmentPath:
    if not isinstance(value, Mapping):
        return AssignmentPath(group=None if str(value) == "direct" else str(value), state=None)
    group = value.get("groupName") or value.get("assignedByGroup")
    state = str(value.get("state") or "")
    return AssignmentPath(
        group=str(group) if group else None, state=None if state.casefold() in _ACTIVE_STATES else state
    )
