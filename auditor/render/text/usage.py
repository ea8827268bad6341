"""What a finding's evidence says of use, in words: services, apps, mailbox."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from auditor.domain.translation import N_
from auditor.render.text.labels import Labels

USAGE: Final = frozenset({"usage", "copilotUsage", "appUsage", "mailboxUsage", "agent"})
"""The facts that this module tells."""
_NAMES: Final[Mapping[str, str]] = {
    "exchange": "Exchange",
    "onedrive": "OneDrive",
    "sharepoint": "SharePoint",
    "skype": "Skype for Business",
    "yammer": "Viva Engage",
    "teams": "Teams",
    "outlook": "Outlook",
    "word": "Word",
    "excel": "Excel",
    "powerpoint": "PowerPoint",
    "onenote": "OneNote",
    "windows": "Windows",
    "mac": "Mac",
}
_PLATFORMS: Final[Mapping[str, str]] = {"mobile": N_("mobile devices"), "web": N_("web browser")}
_MB: Final = 2**20


def usage_parts(facts: Mapping[str, Any], words: Labels) -> Iterator[str]:
    """Yield what the reports of usage say of a person; nothing where the evidence does not tell it."""
    if USAGE.isdisjoint(facts):
        return
    if facts.get("agent") is True:
        yield words.gettext("user of an agent")
    for name in ("usage", "copilotUsage", "appUsage", "mailboxUsage"):
        told = facts.get(name)
        if not isinstance(told, Mapping):
            continue
        day = words.written_day(told.get("refreshDate"))
        for text in _of_report(name, told, words):
            yield text.replace("{day}", day)


def _of_report(name: str, told: Mapping[str, Any], words: Labels) -> Iterator[str]:
    match name:
        case "usage":
            yield _services(_mapping(told.get("lastActivityDates")), words)
        case "copilotUsage":
            yield _services({"Copilot": told.get("lastActivityDate")}, words)
        case "appUsage":
            for period, apps in _mapping(told.get("used")).items():
                yield _apps(str(period), _mapping(apps), words)
        case _:
            if type(told.get("storageUsed")) is int:
                size = f"{words.number(-(-told['storageUsed'] // _MB))} MB"
                yield words.gettext("mailbox of {size} (report of {day})").replace("{size}", size)
            if told.get("hasArchive") is True:
                yield words.gettext("with an archive mailbox")


def _services(days: Mapping[str, Any], words: Labels) -> str:
    used = [f"{_name(service)} {words.written_day(day)}" for service, day in days.items() if day is not None]
    unused = [_name(service) for service, day in days.items() if day is None]
    if not used:
        return words.gettext("no activity in {services} (report of {day})").replace("{services}", words.joined(unused))
    told = words.gettext("last activity: {services} (report of {day})")
    if unused:
        told = words.gettext("last activity: {services}; none in {unused} (report of {day})")
    return told.replace("{services}", words.joined(used)).replace("{unused}", words.joined(unused))


def _apps(period: str, apps: Mapping[str, Any], words: Labels) -> str:
    days = words.number(int(period[1:])) if period[1:].isdigit() else period
    used = words.joined(f"{_name(app)} ({_platforms(platforms, words)})" for app, platforms in apps.items())
    told = words.gettext("no apps used in {days} days (report of {day})")
    if used:
        told = words.gettext("apps used in {days} days: {apps} (report of {day})").replace("{apps}", used)
    return told.replace("{days}", days)


def _platforms(platforms: Any, words: Labels) -> str:
    names = platforms if isinstance(platforms, list | tuple) else [platforms]
    return words.joined(words.gettext(_PLATFORMS[name]) if name in _PLATFORMS else _name(name) for name in names)


def _name(name: Any) -> str:
    return _NAMES.get(name, str(name)) if isinstance(name, str) else str(name)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
