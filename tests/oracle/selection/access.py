"""Directory roles and Conditional Access: who has a role, and whom an enabled policy covers, in three values."""

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


def has_role(world: World, wanted: Any, user: User) -> Truth:
    asked = wanted if isinstance(wanted, dict) else {"roles": wanted}
    names = asked.get("roles", "*")
    lists = LISTS[asked.get("assigned", "active")]
    privileged = asked.get("privileged", False)
    names = names if isinstance(names, list) else [names]
    answers = [_given(world, row, user, _is_meant(world, row["roleDefinitionId"], names, privileged=privileged))
               for name in lists for row in world.tenant.get(name, [])]  # fmt: skip
    return disj([*answers, False if all(_read(world, name) for name in lists) else None])


def _read(world: World, name: str) -> bool:
    return name in world.tenant.get("lists", [])


def _given(world: World, row: Mapping[str, Any], user: User, meant: Truth) -> Truth:
    """Whether an assignment gives the user a role that is meant."""
    return conj(
        [meant, disj([same(row["principalId"], user["id"]), member(world, row["principalId"], user, "members")])]
    )


def member(world: World, group_id: str, user: User, kind: str) -> Truth:
    """Whether the user is in a group; a group that is gone has nobody."""
    for group in world.tenant.get("groups", []):
        if same(group["id"], group_id):
            if any(same(each, user["id"]) for each in group.get(kind, [])):
                return True
            return False if group.get(f"{kind}Status", "complete") == "complete" else None
    return False


def _is_meant(world: World, role: str, names: list[str], *, privileged: bool) -> Truth:
    built_in = BUILT_IN.get(role.lower())
    if privileged and not (built_in and built_in[1]):
        return False
    if "*" in names:
        return True
    known = [row for row in world.tenant.get("roleDefinitions", []) if same(row["id"], role)]
    called = [role, *(row["displayName"] for row in known), *([built_in[0]] if built_in else [])]
    if any(same(name, each) for name in names for each in called):
        return True
    if known or built_in or _read(world, "roleDefinitions") or all(map(is_guid, names)):
        return False
    return None


def covered(world: World, wanted: Any, user: User) -> Truth:
    risk = isinstance(wanted, dict) and wanted["conditionalAccess"] == "risk"
    answers: list[Truth] = [False if _read(world, "policies") else None]
    for policy in world.tenant.get("conditionalAccessPolicies", []):
        conditions = policy["conditions"]
        if risk and not conditions.get("userRiskLevels") and not conditions.get("signInRiskLevels"):
            continue
        if policy["state"] == "enabled":
            people = conditions["users"]
            answers.append(conj([_named(world, people, "include", user), neg(_named(world, people, "exclude", user))]))
    return disj(answers)


def _named(world: World, people: Mapping[str, Any], side: str, user: User) -> Truth:
    answers: list[Truth] = []
    for each in people.get(f"{side}Users", []):
        if each == "GuestsOrExternalUsers":
            answers.append(_guest(world, user))
        else:
            answers.append(each == "All" or same(each, user["id"]))
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
    found = world.fact(user, "userType")
    return None if found is UNKNOWN else same(found, "Guest")


def _kind(world: World, kind: str, user: User) -> Truth:
    if kind not in ("internalGuest", "b2bCollaborationGuest"):
        return None
    name = world.fact(user, "userPrincipalName")
    if name is UNKNOWN:
        return None
    return ("#ext#" in (name or "").lower()) is (kind == "b2bCollaborationGuest")
