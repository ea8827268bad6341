"""Selectors: whether a user belongs to a population, in three-valued logic."""

from collections.abc import Mapping
from typing import Any

from tests.oracle.products import contains
from tests.oracle.selection.access import covered, has_role
from tests.oracle.selection.usage import by_use
from tests.oracle.truth import Truth, conj, disj, neg
from tests.oracle.verdict import Document
from tests.oracle.words import days, glob, instant, same, signed_in
from tests.oracle.world import UNKNOWN, World

User = Mapping[str, Any]
SIGNALS = {
    "any": ("lastSuccessfulSignInDateTime", "lastSignInDateTime", "lastNonInteractiveSignInDateTime"),
    "successful": ("lastSuccessfulSignInDateTime",),
    "interactive": ("lastSignInDateTime",),
}


def selects(world: World, selector: Any, user: User) -> Truth:
    """Whether the user is in the population: a selector, the name of a population, or None for everybody."""
    if selector is None:
        return True
    if isinstance(selector, str):
        return selects(world, world.book.populations[selector], user)
    return conj(_matches(world, selector, key, user) for key in selector)


def licensed(world: World, user: User) -> Truth:
    held = world.licenses(user)
    return None if held is None else bool(held)


def _matches(world: World, selector: Document, key: str, user: User) -> Truth:
    operand = selector[key]
    match key:
        case "population":
            return selects(world, operand, user)
        case "any":
            return disj(selects(world, selector_item, user) for selector_item in operand)
        case "all":
            return conj(selects(world, selector_item, user) for selector_item in operand)
        case "not":
            return neg(selects(world, operand, user))
        case "holds":
            held = world.licenses(user)
            return None if held is None else disj(contains(world, operand, sku) for sku in held)
        case "licensed":
            has = licensed(world, user)
            return None if has is None else has == operand
        case "heldFor":
            held = world.licenses(user)
            if held is None:
                return None
            return disj(
                conj(
                    [
                        contains(world, operand.get("of", "*"), sku),
                        _unchanged(world, user, sku, days(operand["atLeast"])),
                    ]
                )
                for sku in held
            )
        case "managedDevice":
            return _device(world, operand, user)
        case "licensedVia":
            if licensed(world, user) is False:
                return False
            rows = world.states(user)
            return (
                None
                if rows is None
                else any(
                    bool(row.get("assignedByGroup")) is (operand == "group")
                    for row in rows
                    if row["state"] in ("Active", "ActiveWithError")
                )
            )
        case "memberOf":
            return _member(world, operand, user, transitive=False)
        case "hasRole":
            return has_role(world, operand, user)
        case "coveredBy":
            return covered(world, operand, user)
        case "inactiveFor":
            return _inactive(world, days(operand), selector.get("signal", "any"), user)
        case "inactiveIn" | "appsUnused" | "mailboxUsage" | "agent":
            return by_use(world, key, operand, user)
        case "signal":
            return True
        case "neverSignedIn":
            return _never(world, days(operand), user)
        case "createdWithin":
            created = world.fact(user, "createdDateTime")
            if created is UNKNOWN:
                return None
            stamp = instant(created)
            return stamp is not None and stamp >= world.now - days(operand)
        case _:
            value = world.fact(user, key)
            if value is UNKNOWN:
                return None
            if key == "createdDateTime":
                # Equal instants are equal, however they are written; a date is midnight UTC.
                return _value(world, instant(value), _instants(operand))
            return _value(world, value, operand)


def _device(world: World, operand: Any, user: User) -> Truth:
    """Whether the user has a managed device, seen within a duration if the selector has one."""
    if world.unread("devices"):
        return None
    seen = True
    if isinstance(operand, dict):
        stamp = signed_in(user.get("managedDeviceLastSyncDateTime"))
        seen = stamp is not None and stamp >= world.now - days(operand["seenWithin"])
    managed: Truth = bool(user.get("managedDevices")) and seen
    if not managed and world.source("devices") == "partial":
        managed = None
    return neg(managed) if operand is False else managed


def _unchanged(world: World, user: User, sku: str, ago: int) -> Truth:
    """Whether all active paths of a SKU last changed at least `ago` earlier; False if it has no active path."""
    paths = world.paths(user, sku)
    if paths is None:
        return None
    stamps = [signed_in(row.get("lastUpdatedDateTime")) for row in paths]
    return bool(stamps) and conj(None if stamp is None else stamp <= world.now - ago for stamp in stamps)


def _stamps(world: World, user: User, signal: str) -> list[int] | None:
    """The sign-in times of the signal; None = unknown."""
    source = world.source("signInActivity")
    if world.unread("signInActivity") or "signInActivity" in (user.get("unknown") or []):
        return None
    activity = user.get("signInActivity") or {}
    stamps = {name: signed_in(activity.get(name)) for name in SIGNALS["any"]}
    if source == "partial" and all(stamp is None for stamp in stamps.values()):
        return None
    chosen = [stamps[name] for name in SIGNALS[signal]]
    return [stamp for stamp in chosen if stamp is not None]


def _inactive(world: World, ago: int, signal: str, user: User) -> Truth:
    stamps = _stamps(world, user, signal)
    if stamps is None:
        return None
    return bool(stamps) and max(stamps) < world.now - ago


def _never(world: World, ago: int, user: User) -> Truth:
    stamps = _stamps(world, user, "any")
    created = world.fact(user, "createdDateTime")
    old: Truth = None
    if created is not UNKNOWN:
        stamp = instant(created)
        old = stamp is None or stamp <= world.now - ago
    return conj([None if stamps is None else not stamps, old])


def _member(world: World, operand: Any, user: User, *, transitive: bool) -> Truth:
    if isinstance(operand, list):
        return disj(_member(world, item, user, transitive=transitive) for item in operand)
    if isinstance(operand, dict):
        return _member(world, operand["group"], user, transitive=operand.get("transitive", False))
    if world.unread("groups") or world.unread("members"):
        return None
    group = _group(world, operand)
    if group is None:
        return None
    listed = group.get("transitiveMembers" if transitive else "members") or []
    status = group.get("transitiveMembersStatus" if transitive else "membersStatus", "complete")
    if user["id"].lower() in [member.lower() for member in listed]:
        return True
    return False if status == "complete" else None


def _group(world: World, wanted: str) -> Document | None:
    """The group with that id or name; None = there is none, or the name is ambiguous."""
    groups = world.rows("groups")
    for group in groups:
        if same(group["id"], wanted):
            return group
    named = [group for group in groups if same(group.get("displayName") or "", wanted)]
    # If the list was read only in part, another group may have the same name.
    return named[0] if len(named) == 1 and world.source("groups") == "complete" else None


def _instants(operand: Any) -> Any:
    """The operand of a comparison with a creation date, with dates as instants; durations are unchanged."""
    if isinstance(operand, list):
        return [_instants(item) for item in operand]
    if isinstance(operand, dict):
        return {
            name: item if name in ("exists", "before", "after") else _instants(item) for name, item in operand.items()
        }
    return instant(operand)


def _equal(value: Any, operand: Any) -> bool:
    if operand in (None, "") or value is None:
        return value is None and operand in (None, "")
    if isinstance(value, str) and isinstance(operand, str):
        return same(value, operand)
    return value is operand or bool(type(value) is int and value == operand)


def one_of(value: Any, values: list[Any]) -> bool:
    return any(_equal(value, candidate) for candidate in values)


def _value(world: World, value: Any, expected: Any) -> bool:
    """Whether a known value (None = absent or empty) matches the operand."""
    if isinstance(expected, list):
        return one_of(value, expected)
    if isinstance(expected, dict):
        return all(_operator(world, value, name, argument) for name, argument in expected.items())
    return _equal(value, expected)


def _operator(world: World, value: Any, name: str, operand: Any) -> bool:
    match name:
        case "is":
            return _equal(value, operand)
        case "not":
            return not _equal(value, operand)
        case "in":
            return one_of(value, operand)
        case "notIn":
            return not one_of(value, operand)
        case "exists":
            return (value is not None) is operand
        case "matches":
            return value is not None and glob(operand, value)
        case "before" | "after":
            if value is None:
                return False
            limit = world.now - days(operand) if operand.endswith("d") else instant(operand)
            assert limit is not None
            return bool(value < limit if name == "before" else value > limit)
        case _:
            raise AssertionError(name)
