"""Turns mailbox and report requests into mailbox settings and into links to CSV files on another host."""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.emulator.directory import Tenant
from tests.emulator.graph import Call, find_user, route
from tests.emulator.people import selected
from tests.emulator.query import USER_DEFAULTS, USER_NAMES
from tests.emulator.wire import Answer, GraphError, answer

MAILBOX_COLUMNS = (
    "Report Refresh Date", "User Principal Name", "Display Name", "Is Deleted", "Deleted Date", "Created Date",
    "Last Activity Date", "Item Count", "Storage Used (Byte)", "Issue Warning Quota (Byte)",
    "Prohibit Send Quota (Byte)", "Prohibit Send/Receive Quota (Byte)", "Deleted Item Count",
    "Deleted Item Size (Byte)", "Deleted Item Quota (Byte)", "Has Archive", "Recipient Type", "Report Period",
)  # fmt: skip
SERVICES = ("Exchange", "OneDrive", "SharePoint", "Skype For Business", "Yammer", "Teams")
ACTIVE_COLUMNS = (
    "Report Refresh Date", "User Principal Name", "Display Name", "Is Deleted", "Deleted Date",
    *(f"Has {name} License" for name in SERVICES), *(f"{name} Last Activity Date" for name in SERVICES),
    *(f"{name} License Assign Date" for name in SERVICES), "Assigned Products",
)  # fmt: skip
PERIODS = frozenset({"D7", "D30", "D90", "D180"})


def purpose(tenant: Tenant, position: int) -> str | None:
    """The mailbox's userPurpose; None where the user has no mailbox in the cloud."""
    identifier = str(tenant.people.value(position, "id")).lower()
    settings = tenant.mailboxes.get(identifier)
    if settings is not None:
        return str(settings["userPurpose"]) if settings.get("userPurpose") else None
    if re.fullmatch(r"[0-9a-f]{8}-e5e5-4e5e-8e5e-[0-9a-f]{12}", identifier) and position % 20 == 18:
        return ("shared", "room", "equipment")[position // 20 % 3]
    return "user" if tenant.people.value(position, "assignedLicenses") else None


def mailbox_settings(call: Call) -> Answer:
    found = purpose(call.tenant, find_user(call))
    if found is None:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", message)
    head = f"{call.request.root}/$metadata#users('{call.key}')/mailboxSettings"
    if call.request.path.endswith("/userPurpose"):
        return answer({"@odata.context": f"{head}/userPurpose", "value": found})
    document = {
        "archiveFolder": None,
        "timeZone": "UTC",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": found,
    }
    text = call.request.parameter("$select")
    names = text.split(",") if text else list(document)
    return answer({"@odata.context": head} | {name: document.get(name) for name in names})


def report_settings(call: Call) -> Answer:
    head = {"@odata.context": f"{call.request.root}/$metadata#admin/reportSettings/$entity"}
    return answer(head | call.tenant.report_settings)


def report(call: Call) -> Answer:
    """302 to a pre-authenticated CSV that must be fetched without a token."""
    matched = re.search(r"/(\w+)\((?:period='(\w+)'|date=[\d-]+)\)$", call.request.path)
    assert matched is not None
    if matched.group(2) is not None and matched.group(2) not in PERIODS:
        raise GraphError(400, "InvalidArgument", f"Invalid period value specified: {matched.group(2)}.")
    location = (
        f"{call.request.elsewhere}/reports/{call.tenant.tenant_id}/{matched.group(1)}/data.csv?token=preauthenticated"
    )
    return Answer(status=302, headers={"Location": location, "Content-Type": "text/plain"})


def csv_file(tenant: Tenant, name: str) -> bytes:
    """The file behind a report's link, with a byte order mark as the real one has; concealed when the tenant says so."""
    columns = MAILBOX_COLUMNS if name == "getMailboxUsageDetail" else ACTIVE_COLUMNS
    rows = _mailbox_rows(tenant) if name == "getMailboxUsageDetail" else _active_rows(tenant)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        if tenant.report_settings.get("displayConcealedNames"):
            for column in ("User Principal Name", "Display Name"):
                row[column] = hashlib.sha256(row[column].encode()).hexdigest()[:32].upper()
        writer.writerow(row)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _person(tenant: Tenant, position: int) -> dict[str, str]:
    principal, name = (str(tenant.people.value(position, key)) for key in ("userPrincipalName", "displayName"))
    today = datetime.now(UTC).date().isoformat()
    return {"Report Refresh Date": today, "User Principal Name": principal, "Display Name": name, "Is Deleted": "False"}


def _mailbox_rows(tenant: Tenant) -> Iterator[dict[str, str]]:
    kinds = {"user": "User", "shared": "Shared", "room": "Room", "equipment": "Equipment"}
    for position in range(len(tenant.people)):
        found = purpose(tenant, position)
        if found is not None:
            kind = kinds.get(found, "Other")
            yield _person(tenant, position) | {"Item Count": "12", "Recipient Type": kind, "Report Period": "7"}


def _active_rows(tenant: Tenant) -> Iterator[dict[str, str]]:
    parts = {str(row["skuId"]).lower(): str(row["skuPartNumber"]) for row in tenant.skus}
    for position in range(len(tenant.people)):
        held = [str(row["skuId"]).lower() for row in tenant.people.value(position, "assignedLicenses")]
        if held:
            products = "+".join(parts.get(sku_id, sku_id) for sku_id in held)
            yield _person(tenant, position) | {"Assigned Products": products, "Has Exchange License": "True"}


def get_by_ids(call: Call) -> Answer:
    """The objects behind up to 1000 ids; unknown ones are left out, as Graph does."""
    document = call.request.document()
    ids = document.get("ids")
    if not isinstance(ids, list) or len(ids) > 1000:
        raise GraphError(400, "Request_BadRequest", "Invalid number of ids; at most 1000 are allowed.")
    wanted = {str(name).lower() for name in document.get("types") or ()}
    text = call.request.parameter("$select")
    names = [name for name in (text.split(",") if text else USER_DEFAULTS) if name in USER_NAMES]
    rows = []
    for identifier in dict.fromkeys(str(entry) for entry in ids):
        kind, found = call.tenant.member(identifier) or ("", {})
        if not kind or (wanted and kind.lower() not in wanted and "directoryobject" not in wanted):
            continue
        shown = (
            call.tenant.people.document(found, names)
            if isinstance(found, int)
            else selected(found.get, _own(found, text))
        )
        rows.append({"@odata.type": f"#microsoft.graph.{kind}"} | shown)
    return answer({"@odata.context": f"{call.request.root}/$metadata#directoryObjects", "value": rows})


def _own(document: dict[str, object], text: str | None) -> list[str]:
    names = text.split(",") if text else list(document)
    return [
        name
        for name in names
        if name in document and not name.startswith("@") and name != "hasMembersWithLicenseErrors"
    ]


ROUTES = (
    route("GET", "/users/{key}/mailboxSettings", "mailbox", mailbox_settings),
    route("GET", "/users/{key}/mailboxSettings/userPurpose", "mailbox", mailbox_settings),
    route("GET", "/admin/reportSettings", "reportSettings", report_settings),
    route("GET", "/reports/getMailboxUsageDetail(period='{key}')", "reports", report),
    route("GET", "/reports/getOffice365ActiveUserDetail(period='{key}')", "reports", report),
    route("GET", "/reports/getOffice365ActiveUserDetail(date={key})", "reports", report),
    route("POST", "/directoryObjects/getByIds", "getByIds", get_by_ids, cost=3),
)
