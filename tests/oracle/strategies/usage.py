"""Strategies for selectors by usage, and generators of usage reports."""

from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]
SOURCES = ("usage", "copilotUsage", "appUsage", "mailboxUsage")
SERVICES = ("exchange", "onedrive", "sharepoint", "skype", "yammer", "teams")
APPS = ("outlook", "word", "excel", "powerpoint", "onenote", "teams")
PLATFORMS = ("windows", "mac", "mobile", "web")
PERIODS = ("7d", "30d", "90d", "180d")
SIZES = (0, 1023, 1024, 1025, 1126, 50 * 2**30, 50 * 2**30 + 1, 3 * 2**29 + 1)
_SILENCES = (0, 1, 2, 29, 30, 31, 90, 91, 180, 181, 400)
_AGES = (0, 2, 2, 3, 9, 10, 11, 12, -1)


@cache
def by_use() -> st.SearchStrategy[Row]:
    """One selector by usage."""
    services = st.lists(st.sampled_from((*SERVICES, "copilot")), min_size=1, max_size=3, unique=True)
    apps = st.lists(st.sampled_from(APPS), min_size=1, max_size=6, unique=True)
    platforms = st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=3, unique=True)
    sizes = st.sampled_from(("0kB", "1kB", "1.1kB", "50GB", "1.5GB", "0.1MB", "2TB"))
    return st.one_of(
        st.fixed_dictionaries(
            {"services": st.one_of(st.just("*"), services), "for": st.sampled_from(("1d", "30d", "90d", "180d"))}
        ).map(lambda value: {"inactiveIn": value}),
        st.fixed_dictionaries({"for": st.sampled_from(PERIODS)}, optional={"apps": apps, "on": platforms}).map(
            lambda value: {"appsUnused": value}
        ),
        st.fixed_dictionaries({}, optional={"largerThan": sizes, "archive": st.booleans()})
        .filter(bool)
        .map(lambda value: {"mailboxUsage": value}),
        st.booleans().map(lambda value: {"agent": value}),
    )


def reports(rng: Random, as_of: datetime, *, whole: bool) -> Row:
    """The usage reports of a tenant: their refresh dates, and the facts that they have no column for."""
    facts = {"usage": SERVICES, "copilotUsage": ("copilot",), "appUsage": PERIODS, "mailboxUsage": ("size", "archive")}
    return {
        source: {
            "refreshDate": _day(as_of, 2 if whole else rng.choice(_AGES)),
            "missing": [] if whole else [fact for fact in facts[source] if rng.random() < 0.1],
        }
        for source in SOURCES
        if whole or rng.random() < 0.9
    }


def use(rng: Random, as_of: datetime) -> Row:
    """The rows of a user in all reports; some reports have no row for the user."""

    def day() -> str | None:
        return None if rng.random() < 0.3 else _day(as_of, 2 + rng.choice(_SILENCES))

    row: Row = {"agent": rng.choice((True, False, None, None))}
    if rng.random() < 0.85:
        row["lastActivity"] = {service: day() for service in SERVICES if rng.random() < 0.8}
    if rng.random() < 0.7:
        row["copilot"] = day()
    if rng.random() < 0.85:
        row["apps"] = {period: _apps(rng) for period in PERIODS if rng.random() < 0.9}
    if rng.random() < 0.85:
        mailbox = {"size": rng.choice(SIZES), "archive": rng.random() < 0.5}
        row["mailbox"] = {name: value for name, value in mailbox.items() if rng.random() < 0.9}
    return row


def _apps(rng: Random) -> dict[str, list[str]]:
    return {app: rng.sample(PLATFORMS, rng.randint(1, 2)) for app in APPS if rng.random() < 0.3}


def _day(as_of: datetime, ago: int) -> str:
    return (as_of.date() - timedelta(days=ago)).isoformat()
