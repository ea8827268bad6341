"""Builds the directory roles and Conditional Access policies of policy tests from their short descriptions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from auditor.app.policy_tests.groups import fixture_id
from auditor.catalogue.directory_roles import builtin_role_ids, builtin_roles
from auditor.catalogue.model import GUID
from auditor.snapshot.schema import ROLE_ASSIGNMENT_LISTS


def role_lists(users: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Return the role definitions and assignments of a test in Graph's format.

    `users` are pairs of an id and a description. A role that is not built in is a custom role of the tenant.
    """
    definitions = {
        template: {"id": template, "templateId": template, "displayName": role.name, "isBuiltIn": True}
        for template, role in builtin_roles().items()
    }
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in ROLE_ASSIGNMENT_LISTS.values()}
    for user, item in users:
        for key, name in (("roles", ROLE_ASSIGNMENT_LISTS[False]), ("eligibleRoles", ROLE_ASSIGNMENT_LISTS[True])):
            for role in map(str, item.get(key, ())):
                role_id = role_id_of(role)
                definitions.setdefault(
                    role_id, {"id": role_id, "templateId": role_id, "displayName": role, "isBuiltIn": False}
                )
                assignment = {
                    "id": fixture_id(key, f"{user}:{role_id}"),
                    "principalId": user,
                    "roleDefinitionId": role_id,
                }
                lists[name].append({**assignment, "directoryScopeId": "/"})
    return {"roleDefinitions": list(definitions.values()), **lists}


def role_id_of(name: str) -> str:
    """Return the id of a role with a name or an id."""
    folded = name.casefold()
    role_id = builtin_role_ids().get(folded)
    return role_id or (folded if GUID.fullmatch(folded) else fixture_id("role", folded))


def conditional_access_policies(
    items: Sequence[Mapping[str, Any]], users: Mapping[str, str], group_id: Callable[[str], str]
) -> list[dict[str, Any]]:
    """Return the Conditional Access policies of a test in Graph's format.

    `users` maps lower-case sign-in names and ids to ids; `group_id` returns the id of a group by name or id.
    """
    return [
        {
            "id": fixture_id("conditionalAccess", str(number)),
            "displayName": item.get("displayName", f"Conditional Access policy {number}"),
            "state": item.get("state", "enabled"),
            "conditions": {
                "userRiskLevels": ["high"] if item.get("risk") else [],
                "signInRiskLevels": [],
                "users": {
                    name: value
                    for side in ("include", "exclude")
                    for name, value in _side(side, item.get(side, ()), users, group_id).items()
                },
            },
        }
        for number, item in enumerate(items, 1)
    ]


def _side(side: str, names: Iterable[str], users: Mapping[str, str], group_id: Callable[[str], str]) -> dict[str, Any]:
    lists: dict[str, list[str]] = {"Users": [], "Groups": [], "Roles": []}
    kinds: list[str] = []
    for name in names:
        prefix, colon, rest = name.partition(":")
        match prefix if colon else "":
            case "group":
                lists["Groups"].append(group_id(rest.strip()))
            case "role":
                lists["Roles"].append(role_id_of(rest.strip()))
            case "guests":
                kinds.append(rest.strip())
            case _:
                lists["Users"].append(users.get(name.lower(), name))
    conditions: dict[str, Any] = {f"{side}{kind}": values for kind, values in lists.items()}
    if kinds:
        conditions[f"{side}GuestsOrExternalUsers"] = {"guestOrExternalUserTypes": ",".join(kinds)}
    return conditions
