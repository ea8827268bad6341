"""Builds the usage data of policy tests in the format of Microsoft's reports."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from auditor.domain.enums import Source
from auditor.policy.nodes import bytes_of
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, REPORT_COLUMNS, SERVICE_COLUMNS, app_bits


def usage_columns(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a user from `lastActivity`, `copilot`, `apps`, `mailbox` and `agent`.

    A user without `lastActivity` or `copilot` has no row in that report; services that are not listed are empty.
    """
    columns: dict[str, Any] = {}
    missing: list[str] = []
    if "lastActivity" in item:
        for service, column in SERVICE_COLUMNS.items():
            columns[column] = _day(item["lastActivity"].get(service))
    else:
        missing.append(Source.USAGE.value)
    if "copilot" in item:
        columns[ACTIVITY_COLUMNS["copilot"]] = _day(item["copilot"])
    else:
        missing.append(Source.COPILOT_USAGE.value)
    if "apps" in item:
        used = sum(app_bits((app,), platforms) for app, platforms in item["apps"].items())
        columns.update(dict.fromkeys(APP_USAGE_COLUMNS.values(), used))
    mailbox = item.get("mailbox", {})
    if "size" in mailbox:
        columns["mailboxStorageUsed"] = bytes_of(str(mailbox["size"]))
    if "archive" in mailbox:
        columns["mailboxHasArchive"] = mailbox["archive"]
    if item.get("agent") is not None:
        columns["agent"] = item["agent"]
    return {**columns, "notCollected": missing}


def report_rows(as_of: datetime) -> list[dict[str, Any]]:
    """Return the reports of a test, each with activity up to the day of the audit."""
    return [
        {"source": source.value, "period": "D180", "refreshDate": as_of.date(), "rows": None}
        for source in REPORT_COLUMNS
    ]


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
