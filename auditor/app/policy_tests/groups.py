"""Builds the groups of a policy test, with their members and nesting."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct, field

GROUP_FACTS: Final = (
    "assignedLicenses",
    "groupTypes",
    "hasMembersWithLicenseErrors",
    "licenseProcessingState",
    "membershipRuleProcessingState",
    "nestedGroups",
)
"""The properties of groups that a policy test can describe."""
_NAMESPACE = uuid.UUID("6f2a1d7e-5c1b-5f0e-9a57-3b1d0c8e4f11")
"""The UUID namespace of ids that a test omits; these are derived from names, and are equal in every run."""


class Groups(Struct):
    """The groups of a test, including those to which only users refer."""

    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)
    """Group id → names or ids of its direct parent groups."""
    licensed: dict[str, set[str]] = field(default_factory=dict)
    """Group id → users who have a licence through the group."""

    def define(self, item: Mapping[str, Any], sku_id: Callable[[str], str]) -> None:
        """Add a group that the test lists; two groups may have the same name."""
        name = str(item.get("displayName") or item.get("id"))
        group_id = str(item.get("id") or fixture_id("group", name.casefold()))
        paused = bool(item.get("paused", False))
        dynamic = paused or bool(item.get("dynamic", False))
        self.by_id[group_id] = {
            **_empty_group(group_id, item.get("displayName", name)),
            "assignedLicenses": [{"skuId": sku_id(sku)} for sku in item.get("licenses", ())],
            "licenseProcessingState": {"state": item.get("licenseProcessingState", "ProcessingComplete")},
            "hasMembersWithLicenseErrors": item.get("hasMembersWithLicenseErrors", False),
            "members": list(item.get("members", ())),
            "transitiveMembers": list(item.get("transitiveMembers", ())),
            "groupTypes": ["DynamicMembership"] if dynamic else [],
            "membershipRuleProcessingState": ("Paused" if paused else "On") if dynamic else None,
            "visibility": item.get("visibility"),
            "nestedGroups": [str(nested) for nested in item.get("nested", ())],
        }
        self.parents[group_id] = [str(parent) for parent in item.get("memberOf", ())]

    def join(self, user: str, name: str) -> None:
        """Add a user to a group."""
        self.by_id[self.id_of(name)]["members"].append(user)

    def add_licence(self, user: str, name: str) -> str:
        """Record that a user has a licence through a group, and return the group's id."""
        group_id = self.id_of(name)
        self.licensed.setdefault(group_id, set()).add(user)
        return group_id

    def id_of(self, name: str) -> str:
        """Return the id of a group with an id or name; a group that is not defined is created."""
        group_id = self._existing_id(name) or fixture_id("group", name.casefold())
        self.by_id.setdefault(group_id, _empty_group(group_id, name))
        return group_id

    def with_members(self) -> list[dict[str, Any]]:
        """Return the groups with their direct and transitive members."""
        for group_id, group in list(self.by_id.items()):
            for name in [*group["nestedGroups"], *filter(self._existing_id, group["members"])]:
                self.parents.setdefault(self.id_of(name), []).append(group_id)
            group["members"] = [member for member in group["members"] if self._existing_id(member) is None]
            group["nestedGroups"] = []
        for group_id, parents in list(self.parents.items()):
            for parent in map(self.id_of, dict.fromkeys(parents)):
                self.by_id[parent]["nestedGroups"].append(group_id)
                self._add_to_ancestors(group_id, parent, set())
        for group_id, group in self.by_id.items():
            group["transitiveMembers"] = sorted({*group["transitiveMembers"], *group["members"]})
            group["nestedGroups"] = sorted(set(group["nestedGroups"]))
            users = {*group["members"], *self.licensed.get(group_id, ())}
            group["memberCount"] = len(users) + len(group["nestedGroups"])
        return list(self.by_id.values())

    def _existing_id(self, name: str) -> str | None:
        folded = name.casefold()
        for group_id, group in self.by_id.items():
            if folded in {group_id.casefold(), str(group["displayName"]).casefold()}:
                return group_id
        return None

    def _add_to_ancestors(self, child: str, parent: str, visited: set[str]) -> None:
        """Add the members of a nested group to its parent and all ancestors."""
        if parent in visited:
            return
        self.by_id[parent]["transitiveMembers"].extend(self.by_id[child]["members"])
        for grandparent in self.parents.get(parent, []):
            self._add_to_ancestors(child, self.id_of(grandparent), {*visited, parent})


def fixture_id(kind: str, name: str) -> str:
    """Return an id that a test omits, derived from the kind and name, and equal in every run."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{name}"))


def _empty_group(group_id: str, name: str) -> dict[str, Any]:
    return {
        "id": group_id,
        "displayName": name,
        "assignedLicenses": [],
        "licenseProcessingState": None,
        "hasMembersWithLicenseErrors": False,
        "members": [],
        "transitiveMembers": [],
        "groupTypes": [],
        "nestedGroups": [],
    }
