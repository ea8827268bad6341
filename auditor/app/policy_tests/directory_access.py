"""Builds the directory roles and Conditional Access policies of policy tests from their short descriptions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from auditor.catalogue.directory_roles import builtin_role_ids, builtin_roles
from auditor.catalogue.model import GUID
from auditor.snapshot.schema import ROLE_ASSIGNMENT_LISTS

MakeId = Callable[[str, str], str]
"""Kind and name of something that a test names without its id → the id."""


def given_roles(users: Iterable[tuple[str, Mapping[str, Any]]], make_id: MakeId) -> dict[str, list[dict[str, Any]]]:
    """Return the role definitions and assignments of a test in Graph's shape; `users` are their ids and descriptions.

    A name that is not that of a built-in role is a custom role of the tenant.
    """
    definitions = {
        template: {"id": template, "templateId": template, "displayName": role.name, "isBuiltIn": True}
        for template, role in builtin_roles().items()
    }
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in ROLE_ASSIGNMENT_LISTS.values()}
    for user, item in users:
        for key, name in (("roles", ROLE_ASSIGNMENT_LISTS[False]), ("eligibleRoles", ROLE_ASSIGNMENT_LISTS[True])):
            for role in map(str, item.get(key, ())):
                role_id = role_id_of(role, make_id)
                definitions.setdefault(
                    role_id, {"id": role_id, "templateId": role_id, "displayName": role, "isBuiltIn": False}
                )
                assignment = {"id": make_id(key, f"{user}:{role_id}"), "principalId": user, "roleDefinitionId": role_id}
                lists[name].append({**assignment, "directoryScopeId": "/"})
    return {"roleDefinitions": list(definitions.values()), **lists}


def role_id_of(name: str, make_id: MakeId) -> str:
    """Return the id of a role by name or id."""
    folded = name.casefold()
    known = builtin_role_ids().get(folded)
    return known or (folded if GUID.fullmatch(folded) else make_id("role", folded))


def given_conditional_access(
    items: Sequence[Mapping[str, Any]], users: Mapping[str, str], group_id: Callable[[str], str], make_id: MakeId
) -> list[dict[str, Any]]:
    """Return the Conditional Access policies of a test in Graph's shape.

    `users` holds ids by lower-case sign-in name or id, `group_id` returns the id of a group by name or id.
    """
    return [
        {
            "id": make_id("conditionalAccess", str(number)),
            "displayName": item.get("displayName", f"Conditional Access policy {number}"),
            "state": item.get("state", "enabled"),
            "conditions": {
                "userRiskLevels": ["high"] if item.get("risk") else [],
                "signInRiskLevels": [],
                "users": {
                    name: value
                    for side in ("include", "exclude")
                    for name, value in _side(side, item.get(side, ()), users, group_id, make_id).items()
                },
            },
        }
        for number, item in enumerate(items, 1)
    ]


def _side(
    side: str, names: Iterable[str], users: Mapping[str, str], group_id: Callable[[str], str], make_id: MakeId
) -> dict[str, Any]:
    lists: dict[str, list[str]] = {"Users": [], "Groups": [], "Roles": []}
    kinds: list[str] = []
    for name in names:
        prefix, colon, rest = name.partition(":")
        match prefix if colon else "":
            case "group":
                lists["Groups"].append(group_id(rest.strip()))
            case "role":
                lists["Roles"].append(role_id_of(rest.strip(), make_id))
            case "guests":
                kinds.append(rest.strip())
            case _:
                lists["Users"].append(users.get(name.lower(), name))
    found: dict[str, Any] = {f"{side}{kind}": values for kind, values in lists.items()}
    if kinds:
        found[f"{side}GuestsOrExternalUsers"] = {"guestOrExternalUserTypes": ",".join(kinds)}
    return found
