"""Describes usage and access in the evidence of a finding about a person: services, apps, mailbox, roles, policies."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from auditor.domain.source_titles import SERVICE_NAMES
from auditor.domain.translation import N_
from auditor.findings.display_names import product_title
from auditor.render.text.labels import Labels

USAGE: Final = frozenset({"usage", "copilotUsage", "appUsage", "mailboxUsage", "agent", "smallerProduct"})
"""The facts about usage that this module describes."""
ACCESS: Final = frozenset({"directoryRoles", "conditionalAccess"})
"""Those about directory roles and Conditional Access."""
_NAMES: Final[Mapping[str, str]] = {
    **SERVICE_NAMES,
    "outlook": "Outlook",
    "word": "Word",
    "excel": "Excel",
    "powerpoint": "PowerPoint",
    "onenote": "OneNote",
    "windows": "Windows",
    "mac": "Mac",
}
_TRANSLATED: Final[Mapping[str, str]] = {
    "mobile": N_("mobile devices"),
    "web": N_("web browser"),
    "desktopApps": N_("desktop apps"),
    "mailboxSize": N_("mailbox size"),
    "archive": N_("archive mailbox"),
}
_MB: Final = 2**20
_GB: Final = 2**30


def usage_parts(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    """Yield the usage of a person according to the reports; nothing if the evidence has no such facts."""
    if USAGE.isdisjoint(facts):
        return
    if facts.get("agent") is True:
        yield l10n.gettext("agent user")
    for name in ("usage", "copilotUsage", "appUsage", "mailboxUsage"):
        report = facts.get(name)
        if not isinstance(report, Mapping):
            continue
        day = l10n.written_day(report.get("refreshDate"))
        yield from _report_parts(name, report, day, l10n)
    yield from _smaller_product(_mapping(facts.get("smallerProduct")), l10n)


def _report_parts(name: str, facts: Mapping[str, Any], day: str, l10n: Labels) -> Iterator[str]:
    match name:
        case "usage":
            yield _services(_mapping(facts.get("lastActivityDates")), day, l10n)
        case "copilotUsage":
            yield _services({"Copilot": facts.get("lastActivityDate")}, day, l10n)
        case "appUsage":
            for period, apps in _mapping(facts.get("used")).items():
                yield _apps(str(period), _mapping(apps), day, l10n)
        case _:
            if type(facts.get("storageUsed")) is int:
                size = _size(facts["storageUsed"], l10n)
                yield l10n.gettext("mailbox size {size} (report of {day})", size=size, day=day)
            if facts.get("hasArchive") is True:
                yield l10n.gettext("with an archive mailbox")


def _size(count: int, l10n: Labels) -> str:
    """Return a number of bytes in MB or tenths of GB, rounded up: a size above a limit must not look equal to it."""
    if count < _GB:
        return f"{l10n.number(-(-count // _MB))} MB"
    return f"{l10n.number(Decimal(-(-count * 10 // _GB)) / 10)} GB"


def _services(days: Mapping[str, Any], day: str, l10n: Labels) -> str:
    used = [f"{_name(service)} {l10n.written_day(last)}" for service, last in days.items() if last is not None]
    unused = [_name(service) for service, last in days.items() if last is None]
    if not used:
        return l10n.gettext("no activity in {services} (report of {day})", services=l10n.joined(unused), day=day)
    text = N_("last activity: {services} (report of {day})")
    if unused:
        text = N_("last activity: {services}; none in {unused} (report of {day})")
    return l10n.gettext(text, services=l10n.joined(used), unused=l10n.joined(unused), day=day)


def _apps(period: str, apps: Mapping[str, Any], day: str, l10n: Labels) -> str:
    days = l10n.number(int(period[1:])) if period[1:].isdigit() else period
    used = l10n.joined(f"{_name(app)} ({l10n.joined(_parts(platforms, l10n))})" for app, platforms in apps.items())
    text = N_("no apps used in {days} days (report of {day})")
    if used:
        text = N_("apps used in {days} days: {apps} (report of {day})")
    return l10n.gettext(text, days=days, apps=used, day=day)


def _smaller_product(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    """Yield the smaller product that may replace a suite, what would be lost with it, and what is not known."""
    if not facts:
        return
    yield l10n.gettext(
        "{product} may be enough instead of {held} (saving: {money} a month)",
        product=product_title(str(facts.get("product"))),
        held=product_title(str(facts.get("held"))),
        money=_money(facts, l10n),
    )
    lost = list(_parts(facts.get("lost"), l10n))
    more = facts.get("otherServicePlans")
    if type(more) is int and more:
        lost.append(l10n.plural("{count} other service plan", "{count} other service plans", more))
    for parts, text in (
        (_parts(facts.get("used"), l10n), N_("used: {parts}")),
        (_parts(facts.get("unused"), l10n), N_("not used, would be lost: {parts}")),
        (lost, N_("use not evaluated, would be lost: {parts}")),
        (_parts(facts.get("unknown"), l10n), N_("not known: {parts}")),
    ):
        if parts:
            yield l10n.gettext(text, parts=l10n.joined(parts))


def missing_seats(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    """Yield the number of missing seats, their product, and their cost."""
    product, count = _mapping(facts.get("missingProduct")), facts.get("adjust")
    if not product or type(count) is not int:
        return
    name = str(product.get("name") or product.get("skuPartNumber"))
    if product.get("costPerMonth") is None:
        yield l10n.plural(
            "{count} seat of {product} is missing", "{count} seats of {product} are missing", count, product=name
        )
    else:
        yield l10n.plural(
            "{count} seat of {product} is missing ({money} a month)",
            "{count} seats of {product} are missing ({money} a month)",
            count,
            product=name,
            money=_money(product, l10n, "costPerMonth"),
        )


def _money(facts: Mapping[str, Any], l10n: Labels, name: str = "savesPerMonth") -> str:
    try:
        return l10n.money(Decimal(str(facts.get(name))), str(facts.get("currency")))
    except InvalidOperation:
        return str(facts.get(name))


def _parts(names: Any, l10n: Labels) -> list[str]:
    items = names if isinstance(names, list | tuple) else [] if names is None else [names]
    return [l10n.gettext(_TRANSLATED[name]) if name in _TRANSLATED else _name(name) for name in map(str, items)]


def _name(name: Any) -> str:
    return _NAMES.get(name, str(name)) if isinstance(name, str) else str(name)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def access_parts(facts: Mapping[str, Any], l10n: Labels) -> Iterator[str]:
    """Yield the roles of a person and the policies that cover them; nothing if the evidence has no such facts."""
    if ACCESS.isdisjoint(facts):
        return
    roles = mappings(facts.get("directoryRoles"))
    active = [_role(role, l10n) for role in roles if role.get("assigned") != "eligible"]
    eligible = [_role(role, l10n) for role in roles if role.get("assigned") == "eligible"]
    policies = [str(policy.get("displayName") or "") for policy in mappings(facts.get("conditionalAccess"))]
    for names, text in (
        (active, N_("directory roles: {names}")),
        (eligible, N_("directory roles that can be activated: {names}")),
        (policies, N_("covered by Conditional Access policies: {names}")),
    ):
        if names:
            yield l10n.gettext(text, names=l10n.joined(names))


def _role(role: Mapping[str, Any], l10n: Labels) -> str:
    name, group = str(role.get("displayName") or ""), role.get("groupName") or role.get("assignedByGroup")
    if not group:
        return name
    return l10n.gettext("{role} (group {group})", role=name, group=str(group))


def mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    """Return the mappings in a list of a saved result; none if it is not a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
