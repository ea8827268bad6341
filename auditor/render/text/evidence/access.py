"""Describes directory roles and Conditional Access policies in the evidence of a finding."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from auditor.render.text.labels import Labels

ACCESS: Final = frozenset({"directoryRoles", "conditionalAccess"})
"""The facts that this module describes."""


def access_parts(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    """Yield the roles of a person and the policies that cover them; nothing if the evidence has no such facts."""
    if ACCESS.isdisjoint(facts):
        return
    roles = mappings(facts.get("directoryRoles"))
    active = [_role(role, l10n) for role in roles if role.get("assigned") != "eligible"]
    eligible = [_role(role, l10n) for role in roles if role.get("assigned") == "eligible"]
    policies = [str(policy.get("displayName") or "") for policy in mappings(facts.get("conditionalAccess"))]
    for names, text in (
        (active, l10n.gettext("directory roles: {names}")),
        (eligible, l10n.gettext("directory roles that can be activated: {names}")),
        (policies, l10n.gettext("covered by Conditional Access policies: {names}")),
    ):
        if names:
            yield text.replace("{names}", l10n.joined(names))


def _role(role: Mapping[str, Any], l10n: Labels) -> str:
    name, group = str(role.get("displayName") or ""), role.get("groupName") or role.get("assignedByGroup")
    if not group:
        return name
    return l10n.gettext("{role} (group {group})", role=name, group=str(group))


def mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the mappings in a list of a saved result; none if it is not a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
