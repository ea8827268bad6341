"""What a finding's evidence says of use, in words: services, apps, mailbox."""

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from auditor.domain.translation import N_
from auditor.render.text.facts import titled
from auditor.render.text.labels import Labels

USAGE: Final = frozenset({"usage", "copilotUsage", "appUsage", "mailboxUsage", "agent", "smallerProduct"})
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
    "copilot": "Copilot",
}
_TRANSLATED: Final[Mapping[str, str]] = {
    "mobile": N_("mobile devices"),
    "web": N_("web browser"),
    "desktopApps": N_("desktop apps"),
    "mailboxSize": N_("size of the mailbox"),
    "archive": N_("archive mailbox"),
}
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
    yield from _smaller_product(_mapping(facts.get("smallerProduct")), words)


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
    used = words.joined(f"{_name(app)} ({words.joined(_parts(platforms, words))})" for app, platforms in apps.items())
    told = words.gettext("no apps used in {days} days (report of {day})")
    if used:
        told = words.gettext("apps used in {days} days: {apps} (report of {day})").replace("{apps}", used)
    return told.replace("{days}", days)


def _smaller_product(told: Mapping[str, Any], words: Labels) -> Iterator[str]:
    """Yield what would do in place of a suite, what it would take away, and what is not known."""
    if not told:
        return
    text = words.gettext("{product} may do in place of {held} (saves {money} a month)")
    for name in ("product", "held"):
        text = text.replace(f"{{{name}}}", titled(str(told.get(name))))
    yield text.replace("{money}", _money(told, words))
    lost = list(_parts(told.get("lost"), words))
    more = told.get("otherServicePlans")
    if type(more) is int and more:
        lost.append(words.ngettext("{count} other service plan", "{count} other service plans", more))
    for parts, written in (
        (_parts(told.get("used"), words), words.gettext("used: {parts}")),
        (_parts(told.get("unused"), words), words.gettext("not used, would be lost: {parts}")),
        (lost, words.gettext("use not judged, would be lost: {parts}")),
        (_parts(told.get("unknown"), words), words.gettext("not known: {parts}")),
    ):
        if parts:
            yield written.replace("{parts}", words.joined(parts))


def _money(told: Mapping[str, Any], words: Labels) -> str:
    try:
        return words.money(Decimal(str(told.get("savesPerMonth"))), str(told.get("currency")))
    except InvalidOperation:
        return str(told.get("savesPerMonth"))


def _parts(names: Any, words: Labels) -> list[str]:
    listed = names if isinstance(names, list | tuple) else [] if names is None else [names]
    return [words.gettext(_TRANSLATED[name]) if name in _TRANSLATED else _name(name) for name in map(str, listed)]


def _name(name: Any) -> str:
    return _NAMES.get(name, str(name)) if isinstance(name, str) else str(name)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
