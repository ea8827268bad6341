"""Selectors: whether a user belongs to a population, in three values."""

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
    """Whether the user is in the population; a string names one, None is everybody."""
    if selector is None:
        return True
    if isinstance(selector, str):
        return selects(world, world.book.populations[selector], user)
    return conj(_holds(world, selector, key, user) for key in selector)


def licensed(world: World, user: User) -> Truth:
    held = world.licenses(user)
    return None if held is None else bool(held)


def _holds(world: World, selector: Document, key: str, user: User) -> Truth:
    wanted = selector[key]
    match key:
        case "population":
            return selects(world, wanted, user)
        case "any":
            return disj(selects(world, each, user) for each in wanted)
        case "all":
            return conj(selects(world, each, user) for each in wanted)
        case "not":
            return neg(selects(world, wanted, user))
        case "holds":
            held = world.licenses(user)
            return None if held is None else disj(contains(world, wanted, sku) for sku in held)
        case "licensed":
            has = licensed(world, user)
            return None if has is None else has == wanted
        case "heldFor":
            held = world.licenses(user)
            if held is None:
                return None
            return disj(
                conj(
                    [contains(world, wanted.get("of", "*"), sku), _unchanged(world, user, sku, days(wanted["atLeast"]))]
                )
                for sku in held
            )
        case "managedDevice":
            return _device(world, wanted, user)
        case "licensedVia":
            if licensed(world, user) is False:
                return False
            rows = world.states(user)
            return (
                None
                if rows is None
                else any(
                    bool(row.get("assignedByGroup")) is (wanted == "group")
                    for row in rows
                    if row["state"] in ("Active", "ActiveWithError")
                )
            )
        case "memberOf":
            return _member(world, wanted, user, transitive=False)
        case "hasRole":
            return has_role(world, wanted, user)
        case "coveredBy":
            return covered(world, wanted, user)
        case "inactiveFor":
            return _inactive(world, days(wanted), selector.get("signal", "any"), user)
        case "inactiveIn" | "appsUnused" | "mailboxUsage" | "agent":
            return by_use(world, key, wanted, user)
        case "signal":
            return True
        case "neverSignedIn":
            return _never(world, days(wanted), user)
        case "createdWithin":
            created = world.fact(user, "createdDateTime")
            if created is UNKNOWN:
                return None
            stamp = instant(created)
            return stamp is not None and stamp >= world.now - days(wanted)
        case _:
            value = world.fact(user, key)
            if value is UNKNOWN:
                return None
            if key == "createdDateTime":
                # Equal instants are equal, however they are written; a date is midnight UTC.
                return _value(world, instant(value), _instants(wanted))
            return _value(world, value, wanted)


def _device(world: World, wanted: Any, user: User) -> Truth:
    """Whether the user has a managed device, seen within a time where that is asked."""
    if world.unread("devices"):
        return None
    seen = True
    if isinstance(wanted, dict):
        stamp = signed_in(user.get("managedDeviceLastSyncDateTime"))
        seen = stamp is not None and stamp >= world.now - days(wanted["seenWithin"])
    has: Truth = bool(user.get("managedDevices")) and seen
    if not has and world.source("devices") == "partial":
        has = None
    return neg(has) if wanted is False else has


def _unchanged(world: World, user: User, sku: str, ago: int) -> Truth:
    """Whether the active paths of a SKU all last changed so long ago; a SKU without one does not count."""
    paths = world.paths(user, sku)
    if paths is None:
        return None
    stamps = [signed_in(row.get("lastUpdatedDateTime")) for row in paths]
    return bool(stamps) and conj(None if stamp is None else stamp <= world.now - ago for stamp in stamps)


def _stamps(world: World, user: User, signal: str) -> list[int] | None:
    """The sign-in stamps of the signal; None = unknown."""
    source = world.source("signInActivity")
    if world.unread("signInActivity") or "signInActivity" in (user.get("unknown") or []):
        return None
    activity = user.get("signInActivity") or {}
    every = {name: signed_in(activity.get(name)) for name in SIGNALS["any"]}
    if source == "partial" and all(stamp is None for stamp in every.values()):
        return None
    chosen = [every[name] for name in SIGNALS[signal]]
    return [stamp for stamp in chosen if stamp is not None]


def _inactive(world: World, ago: int, signal: str, user: User) -> Truth:
    stamps = _stamps(world, user, signal)
    if stamps is None:
        return None
    return bool(stamps) and max(stamps) < world.now - ago


def _never(world: World, ago: int, user: User) -> Truth:
    stamps = _stamps(world, user, "any")
    if stamps is None:
        return None
    if stamps:
        return False
    created = world.fact(user, "createdDateTime")
    if created is UNKNOWN:
        return None
    stamp = instant(created)
    return stamp is None or stamp <= world.now - ago


def _member(world: World, wanted: Any, user: User, *, transitive: bool) -> Truth:
    if isinstance(wanted, list):
        return disj(_member(world, each, user, transitive=transitive) for each in wanted)
    if isinstance(wanted, dict):
        return _member(world, wanted["group"], user, transitive=wanted.get("transitive", False))
    if world.unread("groups") or world.unread("members"):
        return None
    group = _group(world, wanted)
    if group is None:
        return None
    listed = group.get("transitiveMembers" if transitive else "members") or []
    status = group.get("transitiveMembersStatus" if transitive else "membersStatus", "complete")
    if user["id"].lower() in [member.lower() for member in listed]:
        return True
    return False if status == "complete" else None


def _group(world: World, wanted: str) -> Document | None:
    """The one group of that id or name; None = there is none, or there are several."""
    groups = world.rows("groups")
    for group in groups:
        if same(group["id"], wanted):
            return group
    named = [group for group in groups if same(group.get("displayName") or "", wanted)]
    # A list read in part may hide a second bearer of the name.
    return named[0] if len(named) == 1 and world.source("groups") == "complete" else None


def _instants(wanted: Any) -> Any:
    """What a creation date is compared with, in instants; durations stay as they are."""
    if isinstance(wanted, list):
        return [_instants(each) for each in wanted]
    if isinstance(wanted, dict):
        return {
            name: each if name in ("exists", "before", "after") else _instants(each) for name, each in wanted.items()
        }
    return instant(wanted)


def _equal(value: Any, wanted: Any) -> bool:
    if wanted in (None, "") or value is None:
        return value is None and wanted in (None, "")
    if isinstance(value, str) and isinstance(wanted, str):
        return same(value, wanted)
    return value is wanted or bool(type(value) is int and value == wanted)


def one_of(value: Any, wanted: list[Any]) -> bool:
    return any(_equal(value, each) for each in wanted)


def _value(world: World, value: Any, wanted: Any) -> bool:
    """Whether a known value (None = absent or empty) is as wanted."""
    if isinstance(wanted, list):
        return one_of(value, wanted)
    if isinstance(wanted, dict):
        return all(_operator(world, value, name, operand) for name, operand in wanted.items())
    return _equal(value, wanted)


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
