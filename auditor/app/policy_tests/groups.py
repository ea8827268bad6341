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
"""What a policy test says of its groups."""
_NAMESPACE = uuid.UUID("6f2a1d7e-5c1b-5f0e-9a57-3b1d0c8e4f11")
"""The UUID namespace of ids that a test omits; they are derived from names, and equal in every run."""


class Groups(Struct):
    """The groups of a test, including those that only users name."""

    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    parents: dict[str, list[str]] = field(default_factory=dict)
    """Group id → names or ids of the groups of which it is a direct member."""
    licensed: dict[str, set[str]] = field(default_factory=dict)
    """Group id → users who have a licence from it."""

    def define(self, item: Mapping[str, Any], sku_id: Callable[[str], str]) -> None:
        """Add a group that the test lists; two groups may have the same name."""
        name = str(item.get("displayName") or item.get("id"))
        group_id = str(item.get("id") or fixture_id("group", name.casefold()))
        paused = bool(item.get("paused", False))
        dynamic = paused or bool(item.get("dynamic", False))
        self.found[group_id] = {
            **_undefined(group_id, item.get("displayName", name)),
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

    def join(self, user: str, name: str) -> str:
        """Add a user to a group; returns the group's id."""
        group_id = self.id_of(name)
        self.found[group_id]["members"].append(user)
        return group_id

    def licensing(self, user: str, name: str) -> str:
        """Note that a user has a licence from a group; returns the group's id."""
        group_id = self.id_of(name)
        self.licensed.setdefault(group_id, set()).add(user)
        return group_id

    def id_of(self, name: str) -> str:
        """Return the id of a group by id or name, creating an undefined one."""
        group_id = self._known(name) or fixture_id("group", name.casefold())
        self.found.setdefault(group_id, _undefined(group_id, name))
        return group_id

    def listed(self) -> list[dict[str, Any]]:
        """Return the groups with their direct and transitive members."""
        for group_id, group in list(self.found.items()):
            for name in [*group["nestedGroups"], *filter(self._known, group["members"])]:
                self.parents.setdefault(self.id_of(name), []).append(group_id)
            group["members"] = [member for member in group["members"] if self._known(member) is None]
            group["nestedGroups"] = []
        for group_id, parents in list(self.parents.items()):
            for parent in map(self.id_of, dict.fromkeys(parents)):
                self.found[parent]["nestedGroups"].append(group_id)
                self._lend(group_id, parent, set())
        for group_id, group in self.found.items():
            group["transitiveMembers"] = sorted({*group["transitiveMembers"], *group["members"]})
            group["nestedGroups"] = sorted(set(group["nestedGroups"]))
            users = {*group["members"], *self.licensed.get(group_id, ())}
            group["memberCount"] = len(users) + len(group["nestedGroups"])
        return list(self.found.values())

    def _known(self, name: str) -> str | None:
        wanted = name.casefold()
        for group_id, group in self.found.items():
            if wanted in {group_id.casefold(), str(group["displayName"]).casefold()}:
                return group_id
        return None

    def _lend(self, child: str, parent: str, visited: set[str]) -> None:
        """Add the members of a nested group to the groups above it."""
        if parent in visited:
            return
        self.found[parent]["transitiveMembers"].extend(self.found[child]["members"])
        for above in self.parents.get(parent, []):
            self._lend(child, self.id_of(above), {*visited, parent})


def fixture_id(kind: str, name: str) -> str:
    """Return the id that a test omits: derived from its kind and name, and equal in every run."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{name}"))


def _undefined(group_id: str, name: str) -> dict[str, Any]:
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
