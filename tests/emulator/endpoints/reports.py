"""Mailbox settings, usage reports and getByIds (Graph: Get user mailbox settings, directoryObject: getByIds).

Reports are redirects to CSV files on another host.
"""

import re
from collections.abc import Callable

from tests.emulator.endpoints.graph import Call, find_user, route
from tests.emulator.faults.model import Fault, Kind
from tests.emulator.odata.query import USER_DEFAULTS, USER_NAMES
from tests.emulator.tenant import usage
from tests.emulator.tenant.directory import Tenant
from tests.emulator.tenant.people import selected
from tests.emulator.wire import Answer, Body, GraphError, Request, answer

TOKEN = "preauthenticated-7f3a91"


def user_purpose(tenant: Tenant, position: int) -> str | None:
    """Return the mailbox's userPurpose; None if the user has no mailbox in the cloud."""
    identifier = str(tenant.people.value(position, "id")).lower()
    settings = tenant.mailboxes.get(identifier)
    if settings is not None:
        return str(settings["userPurpose"]) if settings.get("userPurpose") else None
    if re.fullmatch(r"[0-9a-f]{8}-e5e5-4e5e-8e5e-[0-9a-f]{12}", identifier) and position % 20 == 18:
        return ("shared", "room", "equipment")[position // 20 % 3]
    return "user" if tenant.people.value(position, "assignedLicenses") else None


def mailbox_settings(call: Call) -> Answer:
    """Get the mailbox settings of a user; GraphError 404 without a mailbox."""
    purpose = user_purpose(call.tenant, find_user(call))
    if purpose is None:
        message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", message)
    context = f"{call.request.root}/$metadata#users('{call.key}')/mailboxSettings"
    document = {
        "archiveFolder": None,
        "timeZone": "UTC",
        "dateFormat": "yyyy-MM-dd",
        "timeFormat": "HH:mm",
        "userPurpose": purpose,
    }
    text = call.request.parameter("$select")
    names = text.split(",") if text else list(document)
    return answer({"@odata.context": context} | {name: document.get(name) for name in names})


def report(call: Call) -> Answer:
    """Redirect (302) to a pre-authenticated CSV file that must be fetched without a token."""
    match = re.search(r"/(\w+)\(period='(\w+)'\)$", call.request.path)
    assert match is not None
    name, period = match.groups()
    if period not in usage.PERIODS[name]:
        raise GraphError(400, "InvalidArgument", f"Invalid period value specified: {period}.")
    return _redirect(f"{call.request.elsewhere}/reports/{call.tenant.tenant_id}/{name}/{period}?token={TOKEN}")


def _redirect(location: str) -> Answer:
    return Answer(status=302, headers={"Location": location, "Content-Type": "text/plain"})


def alter_report(fault: Fault, response: Answer, request: Request, tenant: Tenant) -> Answer:
    """Return the report itself instead of a redirect, or a redirect to another address (README.md: `value`)."""
    location = response.headers.get("Location", "")
    if response.status != 302:
        return response
    if fault.kind is Kind.REPORT_INLINE:
        *_, name, period = location.partition("?")[0].split("/")
        return _file(tenant, name, period)
    match fault.value:
        case "missing":
            return Answer(status=302, headers={"Content-Type": "text/plain"})
        case "relative":
            return _redirect(location.removeprefix(request.elsewhere))
        case text if text.startswith("hops:"):
            return _redirect(location.replace("/reports/", f"/hops/{text.removeprefix('hops:')}/reports/", 1))
        case text:
            return _redirect(text.replace("{token}", TOKEN))


def file(request: Request, tenants: Callable[[str], Tenant | None]) -> Answer:
    """Answer /reports/{tenant}/{report}/{period} and /hops/{n}/reports/… on the host of the downloads."""
    parts = request.path.strip("/").split("/")
    if "authorization" in request.headers or "cookie" in request.headers:
        return Answer(status=400, body=Body(b"<Error><Code>InvalidAuthenticationInfo</Code></Error>"))
    if parts[0] == "hops":
        remaining = int(parts[1])
        prefix = f"/hops/{remaining - 1}/" if remaining > 1 else "/"
        return _redirect(f"{prefix}{'/'.join(parts[2:])}?token={TOKEN}")
    tenant = tenants(parts[1])
    if tenant is None or len(parts) != 4 or request.parameter("token") != TOKEN:
        return Answer(status=403, body=Body(b"<Error><Code>AuthenticationFailed</Code></Error>"))
    return _file(tenant, parts[2], parts[3])


def _file(tenant: Tenant, name: str, period: str) -> Answer:
    body = Body(usage.csv_file(tenant, name, period))
    return Answer(body=body, headers={"Content-Type": "application/octet-stream"})


def get_by_ids(call: Call) -> Answer:
    """Return the objects of up to 1000 ids; unknown ids are left out, as Graph does."""
    document = call.request.document()
    ids = document.get("ids")
    if not isinstance(ids, list) or len(ids) > 1000:
        raise GraphError(400, "Request_BadRequest", "Invalid number of ids; at most 1000 are allowed.")
    types = {str(name).lower() for name in document.get("types") or ()}
    text = call.request.parameter("$select")
    names = [name for name in (text.split(",") if text else USER_DEFAULTS) if name in USER_NAMES]
    rows = []
    for identifier in dict.fromkeys(str(entry) for entry in ids):
        kind, content = call.tenant.member(identifier) or ("", {})
        if not kind or (types and kind.lower() not in types and "directoryobject" not in types):
            continue
        properties = (
            call.tenant.people.document(content, names)
            if isinstance(content, int)
            else selected(content.get, _property_names(content, text))
        )
        rows.append({"@odata.type": f"#microsoft.graph.{kind}"} | properties)
    return answer({"@odata.context": f"{call.request.root}/$metadata#directoryObjects", "value": rows})


def _property_names(document: dict[str, object], text: str | None) -> list[str]:
    """Return the names in $select that the document has, or all its names without $select."""
    names = text.split(",") if text else list(document)
    return [
        name
        for name in names
        if name in document and not name.startswith("@") and name != "hasMembersWithLicenseErrors"
    ]


ROUTES = (
    route("GET", "/users/{key}/mailboxSettings", "mailbox", mailbox_settings),
    route("GET", "/reports/getMailboxUsageDetail(period='{key}')", "reports", report),
    route("GET", "/reports/getM365AppUserDetail(period='{key}')", "reports", report),
    route("GET", "/reports/getOffice365ActiveUserDetail(period='{key}')", "reports", report),
    route("GET", "/copilot/reports/getMicrosoft365CopilotUsageUserDetail(period='{key}')", "reports", report),
    route("POST", "/directoryObjects/getByIds", "getByIds", get_by_ids, cost=3),
)
