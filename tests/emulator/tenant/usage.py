"""Writes the CSV files of usage reports in Microsoft's format."""

import csv
import hashlib
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.emulator.tenant.directory import Tenant, Usage

SERVICES = {
    "exchange": "Exchange",
    "onedrive": "OneDrive",
    "sharepoint": "SharePoint",
    "skype": "Skype For Business",
    "yammer": "Yammer",
    "teams": "Teams",
}
APPS = ("Outlook", "Word", "Excel", "PowerPoint", "OneNote", "Teams")
PLATFORMS = ("Windows", "Mac", "Mobile", "Web")
COPILOT = (
    "Copilot Chat", "Microsoft Teams Copilot", "Word Copilot", "Excel Copilot", "PowerPoint Copilot", "Outlook Copilot",
    "OneNote Copilot", "Loop Copilot",
)  # fmt: skip
HEAD = ("Report Refresh Date", "User Principal Name")
COLUMNS = {
    "getOffice365ActiveUserDetail": (
        *HEAD, "Display Name", "Is Deleted", "Deleted Date", *(f"Has {name} License" for name in SERVICES.values()),
        *(f"{name} Last Activity Date" for name in SERVICES.values()),
        *(f"{name} License Assign Date" for name in SERVICES.values()), "Assigned Products",
    ),
    "getM365AppUserDetail": (
        *HEAD, "Last Activation Date", "Last Activity Date", "Report Period", *PLATFORMS, *APPS,
        *(f"{app} ({platform})" for platform in PLATFORMS for app in APPS),
    ),
    "getMicrosoft365CopilotUsageUserDetail": (
        *HEAD, "Display Name", "Last Activity Date", *(f"{name} Last Activity Date" for name in COPILOT),
        "Report Period",
    ),
    "getMailboxUsageDetail": (
        *HEAD, "Display Name", "Is Deleted", "Deleted Date", "Created Date", "Last Activity Date", "Item Count",
        "Storage Used (Byte)", "Issue Warning Quota (Byte)", "Prohibit Send Quota (Byte)",
        "Prohibit Send/Receive Quota (Byte)", "Deleted Item Count", "Deleted Item Size (Byte)",
        "Deleted Item Quota (Byte)", "Has Archive", "Report Period",
    ),
}  # fmt: skip
PERIODS = {name: frozenset({"D7", "D30", "D90", "D180"}) for name in COLUMNS}
PERIODS["getMicrosoft365CopilotUsageUserDetail"] |= {"ALL"}
CONCEALED = ("User Principal Name", "Display Name")


def csv_file(tenant: Tenant, name: str, period: str) -> bytes:
    """Return a report's CSV file: byte order mark, CRLF, names concealed if the tenant's settings require it."""
    usage = tenant.usage
    file = usage.files.get(name)
    if file is not None:
        return file
    concealed = bool(tenant.report_settings.get("displayConcealedNames"))
    key = (name, period, tenant.version, concealed)
    if key not in usage.cache:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS[name], restval="", extrasaction="ignore")
        writer.writeheader()
        for row in (*_rows(tenant, usage, name, period), *usage.rows.get(name, ())):
            if concealed:
                row |= {title: hashlib.md5(row.get(title, "").encode()).hexdigest().upper() for title in CONCEALED}
            writer.writerow(row)
        usage.cache[key] = b"\xef\xbb\xbf" + buffer.getvalue().encode()
    return usage.cache[key]


def _rows(tenant: Tenant, usage: Usage, name: str, period: str) -> Iterator[dict[str, str]]:
    refreshed = usage.refreshed or datetime.now(UTC).date() - timedelta(days=2)
    parts = {str(row["skuId"]).lower(): str(row["skuPartNumber"]) for row in tenant.skus}
    for position in range(len(tenant.people)):
        held = [str(row["skuId"]).lower() for row in tenant.people.value(position, "assignedLicenses")]
        principal = str(tenant.people.value(position, "userPrincipalName"))
        facts = usage.people.get(principal)
        if (
            (not held and facts is None)
            or (facts or {}).get("report") == "none"
            or name in (facts or {}).get("without", ())
        ):
            continue
        facts = _generated_facts(position, refreshed) if facts is None else facts
        row = {
            "Report Refresh Date": refreshed.isoformat(),
            "User Principal Name": principal,
            "Display Name": str(tenant.people.value(position, "displayName")),
            "Is Deleted": "False",
            "Assigned Products": "+".join(parts.get(sku_id, sku_id) for sku_id in held),
            "Report Period": period.removeprefix("D"),
        }
        yield row | ROWS[name](facts)


def _generated_facts(position: int, refreshed: date) -> dict[str, Any]:
    """Return facts that depend only on the position: last use up to 199 days ago, none for every eleventh person."""
    if position % 11 == 10:
        return {"mailbox": {"size": 0, "archive": False}}
    days = {name: position * factor % 200 for factor, name in enumerate((*SERVICES, "copilot"), 3)}
    platforms = [platform for number, platform in enumerate(PLATFORMS) if position >> number & 1]
    return {
        **{name: (refreshed - timedelta(days=ago)).isoformat() for name, ago in days.items() if name != "skype"},
        "apps": dict.fromkeys(APPS[: position % 7], platforms),
        "mailbox": {"size": position * 7_919_113 % (60 << 30), "archive": position % 9 == 0},
    }


def _active(facts: dict[str, Any]) -> dict[str, str]:
    row = {f"{title} Last Activity Date": facts.get(name) or "" for name, title in SERVICES.items()}
    return row | {f"Has {title} License": "True" for title in SERVICES.values()}


def _apps(facts: dict[str, Any]) -> dict[str, str]:
    used = {
        (app.lower(), platform.lower()) for app, platforms in facts.get("apps", {}).items() for platform in platforms
    }
    values = {f"{app} ({platform})": (app.lower(), platform.lower()) in used for platform in PLATFORMS for app in APPS}
    values |= {app: any(app.lower() == name for name, _ in used) for app in APPS}
    values |= {platform: any(platform.lower() == name for _, name in used) for platform in PLATFORMS}
    return {title: "Yes" if value else "No" for title, value in values.items()}


def _copilot(facts: dict[str, Any]) -> dict[str, str]:
    return {"Last Activity Date": facts.get("copilot") or "", "Word Copilot Last Activity Date": ""}


def _mailbox(facts: dict[str, Any]) -> dict[str, str]:
    mailbox = facts.get("mailbox", {"size": 0, "archive": False})
    return {"Item Count": "12", "Storage Used (Byte)": str(mailbox["size"]), "Has Archive": str(mailbox["archive"])}


ROWS = {
    "getOffice365ActiveUserDetail": _active,
    "getM365AppUserDetail": _apps,
    "getMicrosoft365CopilotUsageUserDetail": _copilot,
    "getMailboxUsageDetail": _mailbox,
}
