"""Tests sendMail, upload sessions, mailbox settings and usage reports."""

import base64
import csv
from typing import Any

import httpx
import pytest

from tests.emulator.server import Emulator

MESSAGE = {
    "subject": "Report",
    "body": {"contentType": "Text", "content": "x"},
    "toRecipients": [{"emailAddress": {"address": "a@b.example"}}],
}
SENDER = "/users/ann@contoso.example"
MAIL = ["Mail.Send", "Mail.ReadWrite"]
MEGABYTE = 1024 * 1024


def test_send_mail_accepts_both_spellings(emulator: Emulator, client: Any) -> None:
    for body in ({"message": MESSAGE, "saveToSentItems": "false"}, {"Message": MESSAGE, "SaveToSentItems": False}):
        response = client(emulator, f"{SENDER}/sendMail", method="POST", json=body)
        assert (response.status_code, response.content) == (202, b"")
    mails = emulator.tenants["contoso"].sent
    assert [mail["from"] for mail in mails] == ["ann@contoso.example"] * 2
    assert mails[0]["message"]["subject"] == "Report"


def test_send_mail_accepts_mime(emulator: Emulator, client: Any) -> None:
    headers = {"Content-Type": "text/plain"}
    valid = base64.b64encode(b"Subject: hi\r\n\r\nthere")
    assert client(emulator, f"{SENDER}/sendMail", method="POST", content=valid, headers=headers).status_code == 202
    assert emulator.tenants["contoso"].sent[0]["message"]["mime"].startswith("Subject: hi")
    refused = client(emulator, f"{SENDER}/sendMail", method="POST", content=b"!!", headers=headers)
    assert refused.json()["error"]["code"] == "ErrorMimeContentInvalidBase64String"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"message": {**MESSAGE, "toRecipients": []}}, 400),
        ({"message": {**MESSAGE, "toRecipients": [{"emailAddress": {"address": "nobody"}}]}}, 400),
        ({}, 400),
        ({"message": {**MESSAGE, "attachments": [{"contentBytes": "A" * (4 * MEGABYTE)}]}}, 413),
    ],
)
def test_invalid_mails_are_refused(emulator: Emulator, client: Any, body: dict[str, Any], status: int) -> None:
    assert client(emulator, f"{SENDER}/sendMail", method="POST", json=body).status_code == status
    assert emulator.tenants["contoso"].sent == []


@pytest.mark.slow
def test_big_attachment_is_uploaded_in_ranges(emulator: Emulator, client: Any) -> None:
    draft = client(emulator, f"{SENDER}/messages", method="POST", roles=MAIL, json=MESSAGE).json()
    path = f"{SENDER}/messages/{draft['id']}"
    content = bytes(range(256)) * (4 * MEGABYTE * 5 // 4 // 256)
    item = {"AttachmentItem": {"attachmentType": "file", "name": "report.html", "size": len(content)}}
    session = client(emulator, f"{path}/attachments/createUploadSession", method="POST", roles=MAIL, json=item)
    assert session.status_code == 201
    url = session.json()["uploadUrl"]
    assert url.startswith(emulator.elsewhere)
    with httpx.Client(trust_env=False) as http:

        def put(first: int, last: int, **headers: str) -> httpx.Response:
            all_headers = {"Content-Range": f"bytes {first}-{last - 1}/{len(content)}"} | headers
            return http.put(url, content=content[first:last], headers=all_headers)

        assert put(0, 3 * MEGABYTE, Authorization="Bearer x").status_code == 401
        assert put(0, len(content)).status_code == 400, "too big a range"
        assert put(0, 3 * MEGABYTE).json()["nextExpectedRanges"] == [f"{3 * MEGABYTE}-"]
        assert put(0, 3 * MEGABYTE).status_code == 416, "out of order"
        assert put(3 * MEGABYTE, len(content)).status_code == 201
        assert http.put(f"{emulator.elsewhere}/uploads/unknown").status_code == 404
    assert client(emulator, f"{path}/send", method="POST", roles=MAIL).status_code == 202
    [mail] = emulator.tenants["contoso"].sent
    [attachment] = mail["message"]["attachments"]
    assert attachment["name"] == "report.html"
    assert base64.b64decode(attachment["contentBytes"]) == content
    assert client(emulator, f"{path}/send", method="POST", roles=MAIL).status_code == 404


@pytest.mark.parametrize("size", [10, 151 * MEGABYTE])
def test_upload_sessions_have_size_limits(emulator: Emulator, client: Any, size: int) -> None:
    draft = client(emulator, f"{SENDER}/messages", method="POST", roles=MAIL, json=MESSAGE).json()
    path = f"{SENDER}/messages/{draft['id']}/attachments/createUploadSession"
    item = {"AttachmentItem": {"attachmentType": "file", "name": "x", "size": size}}
    assert client(emulator, path, method="POST", roles=MAIL, json=item).status_code == 400


def test_mailbox_settings(shared: Emulator, client: Any) -> None:
    path = "/users/{}@contoso.example/mailboxSettings"
    assert client(shared, path.format("info")).json()["userPurpose"] == "shared"
    assert client(shared, path.format("ann") + "?$select=userPurpose").json()["userPurpose"] == "user"
    missing = client(shared, path.format("dora"))
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "MailboxNotEnabledForRESTAPI")
    denied = client(shared, path.format("ann"), roles=["User.Read.All"])
    assert (denied.status_code, denied.json()["error"]["code"]) == (403, "ErrorAccessDenied")


def report(emulator: Emulator, client: Any, call: str) -> list[dict[str, str]]:
    redirect = client(emulator, f"/reports/{call}")
    assert redirect.status_code == 302
    location = redirect.headers["location"]
    assert location.startswith(emulator.elsewhere)
    with httpx.Client(trust_env=False) as http:
        response = http.get(location)
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(response.content.decode("utf-8-sig").splitlines()))


@pytest.mark.slow
def test_reports_are_served_by_another_host_and_can_conceal_names(emulator: Emulator, client: Any) -> None:
    mailboxes = report(emulator, client, "getMailboxUsageDetail(period='D7')")
    assert {row["User Principal Name"]: row["Has Archive"] for row in mailboxes}["bram@contoso.example"] == "False"
    active = report(emulator, client, "getOffice365ActiveUserDetail(period='D7')")
    assert {row["User Principal Name"]: row["Assigned Products"] for row in active}[
        "bram@contoso.example"
    ] == "SPE_E3+FLOW_FREE"
    emulator.tenants["contoso"].report_settings["displayConcealedNames"] = True
    concealed = report(emulator, client, "getOffice365ActiveUserDetail(period='D30')")
    assert not any("@" in row["User Principal Name"] for row in concealed)
    assert client(emulator, "/reports/getMailboxUsageDetail(period='D8')").status_code == 400
    for call in ("/reports/getM365AppUserDetail", "/copilot/reports/getMicrosoft365CopilotUsageUserDetail"):
        redirect = client(emulator, f"{call}(period='D180')")
        with httpx.Client(trust_env=False) as http:
            assert http.get(redirect.headers["location"], headers={"Authorization": "Bearer x"}).status_code == 400
            assert http.get(redirect.headers["location"].partition("?")[0]).status_code == 403
    leaked = [record.path.split("/")[-2] for record in emulator.journal.leaks()]
    assert leaked == ["getM365AppUserDetail", "getMicrosoft365CopilotUsageUserDetail"], "those with a token above"
