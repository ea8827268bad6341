"""Dynamic groups: who is a member by rules of the simplest kind, comparisons of properties joined by `and`."""

import re
from collections.abc import Callable
from typing import Any

from tests.emulator.tenant.directory import Group, Tenant

_COMPARISON = re.compile(r'\(?user\.(\w+) -(eq|ne|in) (true|false|"[^"]*"|\[[^\]]*\])\)?')


def _holds(tenant: Tenant, position: int, comparison: re.Match[str]) -> bool:
    value: Any = tenant.people.value(position, comparison[1])
    text = str(value).lower() if value is not None else ""
    wanted = [part.strip(' "').lower() for part in comparison[3].strip("[]").split(",")]
    return (text in wanted) is (comparison[2] != "ne")


def follow_rules(tenant: Tenant, position: int, joined: Callable[[Group], None], left: Callable[[Group], None]) -> None:
    """Makes a person a member of the dynamic groups whose rules match now, and of no other; paused ones stay."""
    identifier = str(tenant.people.value(position, "id"))
    for group in tenant.groups.values():
        rule = group.document.get("membershipRule")
        if not rule or group.document.get("membershipRuleProcessingState") == "Paused":
            continue
        parts = [_COMPARISON.fullmatch(part.strip()) for part in str(rule).split(" and ")]
        assert None not in parts, f"the emulator does not know the rule {rule}"
        matches = all(_holds(tenant, position, part) for part in parts if part is not None)
        if matches and identifier not in group.members:
            group.members = [*group.members, identifier]
            joined(group)
        elif not matches and identifier in group.members:
            group.members = [member for member in group.members if member != identifier]
            left(group)
