"""Selectors `hasRole` and `coveredBy`: directory roles and Conditional Access, in three-valued logic."""

from collections.abc import Mapping
from typing import Any

from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.words import is_guid, same
from tests.oracle.world import UNKNOWN, World

User = Mapping[str, Any]
BUILT_IN = {
    "62e90394-69f5-4237-9190-012177145e10": ("Global Administrator", True),
    "194ae4cb-b126-40b2-bd5b-6091b380977d": ("Security Administrator", True),
    "b0f54661-2d74-4c50-afa3-1ec803f12efe": ("Billing Administrator", False),
}
LISTS: dict[str, tuple[str, ...]] = {"active": ("roleAssignments",), "eligible": ("roleEligibilityScheduleInstances",)}
LISTS["any"] = LISTS["active"] + LISTS["eligible"]


def has_role(world: World, operand: Any, user: User) -> Truth:
    options = operand if isinstance(operand, dict) else {"roles": operand}
    names = options.get("roles", "*")
    lists = LISTS[options.get("assigned", "active")]
    privileged = options.get("privileged", False)
    names = names if isinstance(names, list) else [names]
    answers = [_assigned(world, row, user, _is_role(world, row["roleDefinitionId"], names, privileged=privileged))
               for name in lists for row in world.tenant.get(name, [])]  # fmt: skip
    return disj([*answers, False if all(_read(world, name) for name in lists) else None])


def _read(world: World, name: str) -> bool:
    return name in world.tenant.get("lists", [])


def _assigned(world: World, row: Mapping[str, Any], user: User, role_matches: Truth) -> Truth:
    """Whether a role assignment, whose role is selected (`role_matches`), applies to the user."""
    return conj(
        [role_matches, disj([same(row["principalId"], user["id"]), member(world, row["principalId"], user, "members")])]
    )


def member(world: World, group_id: str, user: User, kind: str) -> Truth:
    """Whether the user is in a group; a deleted group has no members."""
    for group in world.tenant.get("groups", []):
        if same(group["id"], group_id):
            if any(same(member_id, user["id"]) for member_id in group.get(kind, [])):
                return True
            return False if group.get(f"{kind}Status", "complete") == "complete" else None
    return False


def _is_role(world: World, role: str, names: list[str], *, privileged: bool) -> Truth:
    built_in = BUILT_IN.get(role.lower())
    if privileged and not (built_in and built_in[1]):
        return False
    if "*" in names:
        return True
    definitions = [row for row in world.tenant.get("roleDefinitions", []) if same(row["id"], role)]
    role_names = [role, *(row["displayName"] for row in definitions), *([built_in[0]] if built_in else [])]
    if any(same(name, role_name) for name in names for role_name in role_names):
        return True
    if definitions or built_in or _read(world, "roleDefinitions") or all(map(is_guid, names)):
        return False
    return None


def covered(world: World, operand: Any, user: User) -> Truth:
    risk = isinstance(operand, dict) and operand["conditionalAccess"] == "risk"
    answers: list[Truth] = [False if _read(world, "policies") else None]
    for policy in world.tenant.get("conditionalAccessPolicies", []):
        conditions = policy["conditions"]
        if risk and not conditions.get("userRiskLevels") and not conditions.get("signInRiskLevels"):
            continue
        if policy["state"] == "enabled":
            people = conditions["users"]
            answers.append(
                conj(
                    [
                        _condition_names(world, people, "include", user),
                        neg(_condition_names(world, people, "exclude", user)),
                    ]
                )
            )
    return disj(answers)


def _condition_names(world: World, people: Mapping[str, Any], side: str, user: User) -> Truth:
    answers: list[Truth] = []
    for user_ref in people.get(f"{side}Users", []):
        if user_ref == "GuestsOrExternalUsers":
            answers.append(_guest(world, user))
        else:
            answers.append(user_ref == "All" or same(user_ref, user["id"]))
    answers += [member(world, group, user, "transitiveMembers") for group in people.get(f"{side}Groups", [])]
    for role in people.get(f"{side}Roles", []):
        answers.append(has_role(world, role, user))
    guests = people.get(f"{side}GuestsOrExternalUsers")
    if guests:
        any_kind = guests.get("externalTenants", {}).get("membershipKind", "all") == "all"
        for kind in guests["guestOrExternalUserTypes"].split(","):
            answers.append(conj([_guest(world, user), _kind(world, kind, user) if any_kind else None]))
    return disj(answers)


def _guest(world: World, user: User) -> Truth:
    user_type = world.fact(user, "userType")
    return None if user_type is UNKNOWN else same(user_type, "Guest")


def _kind(world: World, kind: str, user: User) -> Truth:
    if kind not in ("internalGuest", "b2bCollaborationGuest"):
        return None
    name = world.fact(user, "userPrincipalName")
    if name is UNKNOWN:
        return None
    return ("#ext#" in (name or "").lower()) is (kind == "b2bCollaborationGuest")
