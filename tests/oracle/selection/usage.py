"""Selectors by usage, evaluated on the tenant's `reports` and the user's rows in them.

A report has a `refreshDate` and the facts that it has no column for (`missing`). A user's rows are `lastActivity`
(service -> date or None), `copilot` (date or None), `apps` (period -> app -> platforms) and `mailbox` (`size`,
`archive`); a user without the key has no row.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.oracle.truth import Truth, conj
from tests.oracle.verdict import Document
from tests.oracle.words import DAY
from tests.oracle.world import World

User = Mapping[str, Any]
ALL_SERVICES = ["exchange", "onedrive", "sharepoint", "yammer", "teams"]
APPS = ["outlook", "word", "excel", "powerpoint", "onenote", "teams"]
PLATFORMS = ["windows", "mac", "mobile", "web"]
UNITS = {"kB": 1, "MB": 2, "GB": 3, "TB": 4}


def by_use(world: World, key: str, operand: Any, user: User) -> Truth:
    match key:
        case "inactiveIn":
            services = ALL_SERVICES if operand["services"] == "*" else operand["services"]
            limit = int(operand["for"].removesuffix("d"))
            return conj(_inactive(world, service, limit, user) for service in services)
        case "appsUnused":
            return _unused(world, operand, user)
        case "mailboxUsage":
            return conj(_mailbox(world, name, operand[name], user) for name in operand)
        case _:
            return None if "agent" in (world.tenant.get("notCollected") or []) else bool(user.get("agent")) is operand


def _report(world: World, source: str, fact: str) -> Document | None:
    """The report if it was read, is not stale and has a column for the fact, or None."""
    report: Document | None = (world.tenant.get("reports") or {}).get(source)
    if report is None or world.unread(source) or fact in report["missing"]:
        return None
    audited = world.now // DAY
    return report if audited - _ordinal(report["refreshDate"]) <= 10 else None


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _inactive(world: World, service: str, limit: int, user: User) -> Truth:
    source, row = ("copilotUsage", "copilot") if service == "copilot" else ("usage", "lastActivity")
    report = _report(world, source, service)
    if report is None or row not in user:
        return None
    last = user[row] if service == "copilot" else user[row].get(service)
    if last is None:
        return None if world.source(source) == "partial" else True
    return _ordinal(report["refreshDate"]) - _ordinal(last) > limit


def _unused(world: World, operand: Document, user: User) -> Truth:
    period = operand["for"]
    if _report(world, "appUsage", period) is None or period not in user.get("apps", {}):
        return None
    used = user["apps"][period]
    return not any(
        platform in used.get(app, []) for app in operand.get("apps", APPS) for platform in operand.get("on", PLATFORMS)
    )


def _mailbox(world: World, name: str, operand: Any, user: User) -> Truth:
    fact = "size" if name == "largerThan" else "archive"
    if _report(world, "mailboxUsage", fact) is None or fact not in user.get("mailbox", {}):
        return None
    value = user["mailbox"][fact]
    if fact == "archive":
        return bool(value is operand)
    # Compare in tenths of a unit, to avoid rounding.
    tenths = round(float(operand[:-2]) * 10)
    return bool(value * 10 > tenths * 1024 ** UNITS[operand[-2:]])
