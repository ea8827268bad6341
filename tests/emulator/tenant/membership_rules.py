"""Dynamic groups with simple membership rules: comparisons of properties, joined by `and`."""

import re
from collections.abc import Callable
from typing import Any

from tests.emulator.tenant.directory import Group, Tenant

_COMPARISON = re.compile(r'\(?user\.(\w+) -(eq|ne|in) (true|false|"[^"]*"|\[[^\]]*\])\)?')


def _matches(tenant: Tenant, position: int, comparison: re.Match[str]) -> bool:
    value: Any = tenant.people.value(position, comparison[1])
    text = str(value).lower() if value is not None else ""
    operands = [part.strip(' "').lower() for part in comparison[3].strip("[]").split(",")]
    return (text in operands) is (comparison[2] != "ne")


def update_dynamic_groups(
    tenant: Tenant, position: int, joined: Callable[[Group], None], left: Callable[[Group], None]
) -> None:
    """Add a user to the dynamic groups whose rules match and remove it from the others; paused groups are unchanged.

    `joined` and `left` are called with each group whose members changed.
    """
    identifier = str(tenant.people.value(position, "id"))
    for group in tenant.groups.values():
        rule = group.document.get("membershipRule")
        if not rule or group.document.get("membershipRuleProcessingState") == "Paused":
            continue
        parts = [_COMPARISON.fullmatch(part.strip()) for part in str(rule).split(" and ")]
        assert None not in parts, f"the emulator does not know the rule {rule}"
        matches = all(_matches(tenant, position, part) for part in parts if part is not None)
        if matches and identifier not in group.members:
            group.members = [*group.members, identifier]
            joined(group)
        elif not matches and identifier in group.members:
            group.members = [member for member in group.members if member != identifier]
            left(group)
