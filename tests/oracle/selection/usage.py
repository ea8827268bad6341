"""Selectors by use, from the reports that were read: `reports` of the tenant, and the user's rows in them.

A report has its `refreshDate` and the facts that it has no column for (`missing`). A user's rows are `lastActivity`
(service -> date or nothing), `copilot` (date or nothing), `apps` (period -> app -> platforms) and `mailbox` (`size`,
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
EVERY = ["exchange", "onedrive", "sharepoint", "yammer", "teams"]
APPS = ["outlook", "word", "excel", "powerpoint", "onenote", "teams"]
PLATFORMS = ["windows", "mac", "mobile", "web"]
UNITS = {"kB": 1, "MB": 2, "GB": 3, "TB": 4}


def by_use(world: World, key: str, wanted: Any, user: User) -> Truth:
    match key:
        case "inactiveIn":
            services = EVERY if wanted["services"] == "*" else wanted["services"]
            limit = int(wanted["for"].removesuffix("d"))
            return conj(_inactive(world, service, limit, user) for service in services)
        case "appsUnused":
            return _unused(world, wanted, user)
        case "mailboxUsage":
            return conj(_mailbox(world, name, wanted[name], user) for name in wanted)
        case _:
            return None if "agent" in (world.tenant.get("notCollected") or []) else bool(user.get("agent")) is wanted


def _report(world: World, source: str, fact: str) -> Document | None:
    """The report, if it was read, is not stale, and has a column for the fact."""
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


def _unused(world: World, wanted: Document, user: User) -> Truth:
    period = wanted["for"]
    if _report(world, "appUsage", period) is None or period not in user.get("apps", {}):
        return None
    used = user["apps"][period]
    return not any(
        platform in used.get(app, []) for app in wanted.get("apps", APPS) for platform in wanted.get("on", PLATFORMS)
    )


def _mailbox(world: World, name: str, wanted: Any, user: User) -> Truth:
    fact = "size" if name == "largerThan" else "archive"
    if _report(world, "mailboxUsage", fact) is None or fact not in user.get("mailbox", {}):
        return None
    known = user["mailbox"][fact]
    if fact == "archive":
        return bool(known is wanted)
    # Tenths, so that nothing is rounded.
    tenths = round(float(wanted[:-2]) * 10)
    return bool(known * 10 > tenths * 1024 ** UNITS[wanted[-2:]])
