"""The directory roles and Conditional Access policies of a tenant."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

ACCESS = ("roleAssignments", "roleDefinitions", "roleEligibilityScheduleInstances", "conditionalAccessPolicies")


class AccessLists(Struct):
    """Graph-shaped rows by the name of their list."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in ACCESS})
    page: int = 100
    """The number of rows per page."""
    governance: bool = True
    """Whether the tenant has Entra ID P2, which eligible roles require."""

    @classmethod
    def load(cls, document: Mapping[str, Any]) -> "AccessLists":
        return cls(
            rows={name: [dict(row) for row in document.get(name, ())] for name in ACCESS},
            page=int(document.get("accessPage", 100)),
            governance=bool(document.get("governance", True)),
        )
