"""Tests that each fault has the effect on a client that the table in README.md describes."""

import re
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.emulator.faults.model import Kind
from tests.emulator.journal import Host
from tests.emulator.server import Emulator

README = Path(__file__).parents[2] / "emulator" / "README.md"
SIGN_IN = "/users?$select=id,signInActivity&$top=100"


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_readme_lists_every_fault() -> None:
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == {kind.value for kind in Kind}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "throttled"}, (429, "TooManyRequests")),
        ({"kind": "server-error", "status": 500}, (500, "InternalServerError")),
        ({"kind": "server-error", "status": 502}, (502, "BadGateway")),
        ({"kind": "server-error", "status": 503}, (503, "serviceNotAvailable")),
        ({"kind": "server-error", "status": 504}, (504, "UnknownError")),
        ({"kind": "server-error", "status": 500, "code": "Novel"}, (500, "Novel")),
        ({"kind": "expired-page-token"}, (400, "Directory_ExpiredPageToken")),
        ({"kind": "lost-page-token"}, (400, "DirectoryPageTokenNotFoundException")),
        ({"kind": "denied"}, (403, "Authorization_RequestDenied")),
        ({"kind": "denied", "code": "ErrorAccessDenied"}, (403, "ErrorAccessDenied")),
        ({"kind": "non-premium"}, (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")),
        ({"kind": "resync"}, (410, "resyncRequired")),
    ],
)
def test_error_faults_apply_once(
    emulator: Emulator, client: Any, fields: dict[str, Any], expected: tuple[int, str]
) -> None:
    emulator.faults.add(**fields)
    assert code(client(emulator, "/users")) == expected
    assert client(emulator, "/users").status_code == 200


@pytest.mark.parametrize("text", ["2", "2.128", "600", None])
def test_retry_after_is_sent_unchanged(emulator: Emulator, client: Any, text: str | None) -> None:
    emulator.faults.add("throttled", retry_after=text)
    response = client(emulator, "/users")
    assert response.headers.get("retry-after") == text
    assert response.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert response.headers["x-ms-throttle-scope"].startswith("Tenant_Application/")


def test_retry_after_as_a_date(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("throttled", retry_after="date:30")
    instant = parsedate_to_datetime(client(emulator, "/users").headers["retry-after"])
    assert 25 < (instant - datetime.now(UTC)).total_seconds() <= 30


def test_first_every_and_times_select_requests(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("server-error", path="/users", first=2, every=2, times=2)
    assert [client(emulator, "/users").status_code for _ in range(7)] == [200, 503, 200, 503, 200, 200, 200]
    assert client(emulator, "/groups").status_code == 200


def test_faults_are_limited_by_path_query_method_and_tenant(two_tenants: Emulator, client: Any) -> None:
    two_tenants.faults.add("denied", path="/groups/*", times=None)
    two_tenants.faults.add("denied", query="signInActivity", times=None)
    two_tenants.faults.add("denied", tenant="fabrikam", path="/organization", times=None)
    two_tenants.faults.add("denied", method="POST", times=None)
    group = next(iter(two_tenants.tenants["contoso"].groups))
    assert client(two_tenants, f"/groups/{group}/members").status_code == 403
    assert client(two_tenants, "/groups").status_code == 200
    assert client(two_tenants, SIGN_IN).status_code == 403
    assert client(two_tenants, "/organization", tenant="fabrikam").status_code == 403
    assert client(two_tenants, "/organization").status_code == 200
    assert client(two_tenants, "/directoryObjects/getByIds", method="POST", json={"ids": []}).status_code == 403
    two_tenants.faults.clear()
    assert client(two_tenants, SIGN_IN).status_code == 200


def test_faults_with_bodies_other_than_json(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("html", status=502)
    emulator.faults.add("empty-body", first=2)
    emulator.faults.add("too-many-users", first=3)
    html = client(emulator, "/users")
    assert (html.status_code, html.headers["content-type"]) == (502, "text/html")
    assert html.text.startswith("<html>")
    # Later faults also count a request that an earlier fault answered.
    empty = client(emulator, "/users")
    assert (empty.status_code, empty.content) == (200, b"")
    too_many = client(emulator, "/users")
    assert too_many.status_code == 400
    assert too_many.json()["value"] == "Cannot query data for more than 120 users at a time."


def test_reset_closes_the_connection(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("reset")
    with pytest.raises(httpx.ReadError):
        client(emulator, "/users")
    assert client(emulator, "/users").status_code == 200


def test_reset_sends_a_tcp_reset(emulator: Emulator) -> None:
    emulator.faults.add("reset")
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=60) as plain:
        token = emulator.bearer("contoso")
        plain.sendall(f"GET /v1.0/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            plain.recv(100)


def test_truncated_body_is_an_error(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("truncated")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client(emulator, "/users")


@pytest.mark.slow
def test_slow_and_drip_delay_the_answer(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("slow", seconds=0.3)
    emulator.faults.add("drip", first=2, seconds=0.3)
    for _ in range(2):
        started = time.monotonic()
        assert len(client(emulator, "/users").json()["value"]) == 5
        assert time.monotonic() - started >= 0.27
    client(emulator, "/users")
    assert [record.faults for record in emulator.journal.of("/users")] == [("slow",), ("drip",), ()]


def test_clock_skew_changes_the_date_header(emulator: Emulator, client: Any) -> None:
    emulator.faults.add("clock-skew", seconds=-3600)
    date = parsedate_to_datetime(client(emulator, "/organization").headers["date"])
    assert 3590 < (datetime.now(UTC) - date).total_seconds() < 3610


@pytest.mark.parametrize(
    ("kind", "text"), [("token-expired", "Lifetime validation failed"), ("claims-challenge", "Continuous access")]
)
def test_refused_token_stays_refused_and_a_new_one_is_accepted(emulator: Emulator, kind: str, text: str) -> None:
    emulator.faults.add(kind, first=2)
    old_headers = {"Authorization": f"Bearer {emulator.bearer('contoso')}"}
    with httpx.Client(trust_env=False) as http:
        responses = [http.get(f"{emulator.endpoint}/users", headers=old_headers) for _ in range(3)]
        assert [response.status_code for response in responses] == [200, 401, 401]
        assert text in responses[2].json()["error"]["message"]
        assert ('error="insufficient_claims", claims="' in responses[1].headers["www-authenticate"]) == (
            kind == "claims-challenge"
        )
        new_headers = {"Authorization": f"Bearer {emulator.bearer('contoso')}"}
        assert http.get(f"{emulator.endpoint}/users", headers=new_headers).status_code == 200


def test_page_tokens_of_retried_requests_are_refused(seeded_emulator: Emulator, client: Any) -> None:
    seeded_emulator.faults.add("retried-tokens", path="/users", times=None)
    seeded_emulator.faults.add("server-error", path="/users")
    assert client(seeded_emulator, "/users").status_code == 503
    marked_link = client(seeded_emulator, "/users").json()["@odata.nextLink"]
    assert code(client(seeded_emulator, marked_link)) == (400, "DirectoryPageTokenNotFoundException")
    valid_link = client(seeded_emulator, "/users").json()["@odata.nextLink"]
    assert client(seeded_emulator, valid_link).status_code == 200
    repeated_link = client(seeded_emulator, valid_link, headers={"Retry-Attempt": "1"}).json()["@odata.nextLink"]
    assert client(seeded_emulator, repeated_link).status_code == 400


def test_next_links_that_loop_or_are_missing(seeded_emulator: Emulator, client: Any) -> None:
    seeded_emulator.faults.add("next-link-loop", path="/users", query="$skiptoken", times=None)
    second_link = client(seeded_emulator, "/users").json()["@odata.nextLink"]
    page = client(seeded_emulator, second_link).json()
    assert client(seeded_emulator, page["@odata.nextLink"]).json() == page
    seeded_emulator.faults.clear()
    seeded_emulator.faults.add("next-link-missing")
    page_without_link = client(seeded_emulator, "/users").json()
    assert (len(page_without_link["value"]), "@odata.nextLink" in page_without_link) == (100, False)


@pytest.mark.parametrize(
    ("style", "is_expected"),
    [
        ("foreign", lambda link, at: link.startswith(at.elsewhere + "/v1.0/users?")),
        ("upper-case", lambda link, at: link.startswith(f"http://LOCALHOST:{at.port}/v1.0/users?")),
        (
            "userinfo",
            lambda link, at: httpx.URL(link).host == "localhost" and httpx.URL(link).port == at.elsewhere_port,
        ),
        ("look-alike", lambda link, _: "micr\u043esoft" in link),
        ("subdomain", lambda link, _: link.startswith("http://localhost.evil.example/")),
        ("http", lambda link, at: link.startswith(f"http://localhost:{at.elsewhere_port}/")),
        ("backslash", lambda link, _: "\\@" in link),
        ("relative", lambda link, _: link.startswith("/v1.0/users?")),
    ],
)
def test_next_links_to_foreign_hosts(
    seeded_emulator: Emulator, client: Any, style: str, is_expected: Callable[[str, Emulator], bool]
) -> None:
    seeded_emulator.faults.add("next-link-foreign", path="/users", value=style)
    local = seeded_emulator.endpoint.replace("127.0.0.1", "localhost")
    assert is_expected(client(seeded_emulator, f"{local}/users").json()["@odata.nextLink"], seeded_emulator)


def test_journal_records_a_token_sent_to_a_foreign_host(seeded_emulator: Emulator, client: Any) -> None:
    seeded_emulator.faults.add("next-link-foreign", path="/users")
    link = client(seeded_emulator, "/users").json()["@odata.nextLink"]
    page = client(seeded_emulator, link).json()
    assert page["value"][0]["userPrincipalName"] == "bait@evil.example"
    [leak] = seeded_emulator.journal.leaks()
    assert (leak.host, leak.path) == (Host.ELSEWHERE, "/v1.0/users")


def test_empty_page_links_to_the_requested_page(seeded_emulator: Emulator, client: Any) -> None:
    seeded_emulator.faults.add("empty-page", path="/users", times=2)
    empty = client(seeded_emulator, "/users?$top=100")
    links, rows, link = [], [], empty.json()["@odata.nextLink"]
    assert empty.json()["value"] == []
    while link:
        assert link not in links
        links.append(link)
        page = client(seeded_emulator, link).json()
        rows += page["value"]
        link = page.get("@odata.nextLink")
    assert len({row["id"] for row in rows}) == len(rows) == 250


def test_duplicates_and_moved_change_the_rows(seeded_emulator: Emulator, client: Any) -> None:
    expected = [row["id"] for row in client(seeded_emulator, "/users?$top=10").json()["value"]]
    seeded_emulator.faults.add("duplicates")
    seeded_emulator.faults.add("moved", first=2)
    assert [row["id"] for row in client(seeded_emulator, "/users?$top=10").json()["value"]] == [
        *expected,
        *expected[-3:],
    ]
    assert [row["id"] for row in client(seeded_emulator, "/users?$top=10").json()["value"]] == expected[1:]
    assert [row["id"] for row in client(seeded_emulator, "/users?$top=10").json()["value"]] == expected


def test_faults_change_sign_in_activity(seeded_emulator: Emulator, client: Any) -> None:
    def stamps() -> list[Any]:
        rows = client(seeded_emulator, SIGN_IN).json()["value"]
        return [
            row["signInActivity"]["lastSuccessfulSignInDateTime"] if "signInActivity" in row else None for row in rows
        ]

    unchanged = stamps()
    seeded_emulator.faults.add("sign-in-empty")
    assert set(stamps()) == {None}
    seeded_emulator.faults.add("sign-in-empty", value="2")
    assert stamps()[0::2] == [None] * 50
    seeded_emulator.faults.add("year-one")
    assert {stamp for stamp in stamps() if stamp} == {"0001-01-01T00:00:00Z"}
    seeded_emulator.faults.add("empty-dates")
    assert {stamp for stamp in stamps() if stamp is not None} == {""}
    assert stamps() == unchanged


def test_faults_send_values_that_differ_from_the_metadata(seeded_emulator: Emulator, client: Any) -> None:
    states = "/users?$select=id,licenseAssignmentStates&$top=3"
    seeded_emulator.faults.add("error-null", path="/users")
    rows = client(seeded_emulator, states).json()["value"]
    assert {state["error"] for row in rows for state in row["licenseAssignmentStates"]} == {None}
    rows = client(seeded_emulator, states).json()["value"]
    assert {state["error"] for row in rows for state in row["licenseAssignmentStates"]} == {"None"}
    for kind in ("no-locked-out", "unknown-enums", "nulls", "extra-keys", "upper-case-ids"):
        seeded_emulator.faults.add(kind, path="/subscribedSkus", first=1 + len(seeded_emulator.faults.entries) - 1)
    without_locked_out, unknown, nulls, extra, upper = (
        client(seeded_emulator, "/subscribedSkus").json()["value"][0] for _ in range(5)
    )
    assert "lockedOut" not in without_locked_out["prepaidUnits"]
    assert unknown["capabilityStatus"] == "unknownFutureValue"
    assert nulls["skuId"]
    assert nulls["prepaidUnits"] is None
    assert extra["servicePlans"][0]["servicePlanType"] == "SCO"
    assert extra["futureProperty"]
    assert upper["skuId"] == upper["skuId"].upper() != without_locked_out["skuId"]


def test_count_drift_changes_the_count(seeded_emulator: Emulator, client: Any) -> None:
    seeded_emulator.faults.add("count-drift", path="/users/$count", value="7")
    headers = {"ConsistencyLevel": "eventual"}
    assert [client(seeded_emulator, "/users/$count", headers=headers).text for _ in range(2)] == ["257", "250"]


def test_faults_do_not_change_cached_pages(seeded_emulator: Emulator, client: Any) -> None:
    before = client(seeded_emulator, "/users").content
    seeded_emulator.faults.add("nulls")
    assert client(seeded_emulator, "/users").content != before
    assert client(seeded_emulator, "/users").content == before


def test_faults_on_sign_in_and_github(emulator: Emulator) -> None:
    emulator.faults.add("server-error", path="/*/oauth2/v2.0/token", status=503, retry_after="1")
    emulator.faults.add("html", path="/github/idtoken", status=500)
    import ssl  # noqa: PLC0415

    with httpx.Client(verify=ssl.create_default_context(cafile=str(emulator.ca_path)), trust_env=False) as http:
        unavailable = http.post(f"{emulator.authority}/any/oauth2/v2.0/token")
        assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "1")
        assert http.get(emulator.id_token_url).headers["content-type"] == "text/html"
        assert http.get(emulator.id_token_url).status_code == 401


def test_control_over_http(emulator: Emulator, client: Any) -> None:
    control = f"http://127.0.0.1:{emulator.port}/emulator"
    fault = {"kind": "throttled", "path": "/users", "retry_after": "1"}
    assert client(emulator, f"{control}/faults", method="POST", json=fault).status_code == 201
    assert client(emulator, "/users").status_code == 429
    [registered] = client(emulator, f"{control}/faults").json()["value"]
    assert (registered["kind"], registered["hits"]) == ("throttled", 1)
    assert client(emulator, f"{control}/faults", method="DELETE").status_code == 204
    assert client(emulator, f"{control}/faults").json() == {"value": []}
    for wrong in ({"kind": "nonsense"}, {"kind": "throttled", "nonsense": 1}, {}):
        assert client(emulator, f"{control}/faults", method="POST", json=wrong).status_code == 400
    assert client(emulator, f"{control}/nonsense").status_code == 404
