"""Tests the rules of the client without a server: permitted requests, retries and rate limits."""

import asyncio
import json
import re
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.graph.attempt_outcome import Fail, Retry, SignInAgain, outcome_of, retry_after
from auditor.graph.errors import FaultError, FaultKind
from auditor.graph.rate_limit import IntervalLimiter, Quota, units_per_ten_seconds
from auditor.graph.request_guard import check_link, check_request, root_of
from tests.builders.tenant.collection import Ticking

ROOT = root_of("https://graph.microsoft.com/v1.0")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/users",
        "https://graph.microsoft.com.evil.example/v1.0/users",
        "https://graph.microsoft.com@evil.example/v1.0/users",
        "https://user:password@graph.microsoft.com/v1.0/users",
        "https://graph.microsoft.com\\@evil.example/v1.0/users",
        "https://graph.microsoft.com:8443/v1.0/users",
        "http://graph.microsoft.com/v1.0/users",
        "//evil.example/users",
        "/v1.0/users",
        "https://graph.microsoft.com",
        "https://gr\u0430ph.microsoft.com/v1.0/users",
        "https://graph.microsoft.\u212aom/",
        "https://graph.microsoft.com/v1.0/users\r\nHost: evil.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_next_link_to_another_host_is_refused(link: str) -> None:
    with pytest.raises(FaultError) as caught:
        check_link(link, ROOT)
    assert caught.value.fault.kind is FaultKind.FOREIGN


@pytest.mark.parametrize(
    "host", ["https://graph.microsoft.com", "HTTPS://GRAPH.microsoft.COM", "https://graph.microsoft.com:443"]
)
def test_next_link_to_the_same_root_keeps_its_query(host: str) -> None:
    assert (
        check_link(f"{host}/v1.0/users?$skiptoken=A%2fb", ROOT)
        == "https://graph.microsoft.com/v1.0/users?$skiptoken=A%2fb"
    )


@pytest.mark.parametrize(
    ("root", "link", "allowed"),
    [
        ("http://127.0.0.1:8080/v1.0", "http://localhost:8080/v1.0/users?$skiptoken=a", True),
        ("http://localhost:8080/v1.0", "http://127.0.0.1:8080/v1.0/users?$skiptoken=a", True),
        ("http://[::1]:8080/v1.0", "http://localhost:8080/v1.0/users?$skiptoken=a", True),
        ("http://127.0.0.1/v1.0", "http://localhost:80/v1.0/users?$skiptoken=a", True),
        ("https://graph.example:443/v1.0", "https://graph.example/v1.0/users?$skiptoken=a", True),
        ("https://graph.example/v1.0", "https://graph.example:443/v1.0/users?$skiptoken=a", True),
        ("https://graph.example:8443/v1.0", "https://graph.example/v1.0/users?$skiptoken=a", False),
        ("http://127.0.0.1:8080/v1.0", "http://localhost:8081/v1.0/users?$skiptoken=a", False),
        ("http://127.0.0.1:8080/v1.0", "http://localhost/v1.0/users?$skiptoken=a", False),
        ("http://127.0.0.1:8080/v1.0", "https://localhost:8080/v1.0/users?$skiptoken=a", False),
        ("https://graph.microsoft.com/v1.0", "https://localhost/v1.0/users?$skiptoken=a", False),
    ],
)
def test_next_link_may_use_another_loopback_name(root: str, link: str, allowed: bool) -> None:  # noqa: FBT001
    if allowed:
        assert check_link(link, root_of(root)) == root_of(root).origin + "/v1.0/users?$skiptoken=a"
    else:
        with pytest.raises(FaultError):
            check_link(link, root_of(root))


@given(st.sampled_from(["", "/"]), st.text(alphabet="abcght:/@.\\#?%[]GH\u212a -", max_size=40))
def test_accepted_next_links_lead_to_the_root(slash: str, text: str) -> None:
    try:
        link = check_link(f"https://graph.microsoft.com{slash}{text}", ROOT)
    except FaultError:
        return
    url = httpx.URL(link)
    assert (url.scheme, url.host, url.port, url.userinfo) == ("https", "graph.microsoft.com", None, b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/users", True),
        ("POST", "/$batch", True),
        ("POST", "/directoryObjects/getByIds", True),
        ("POST", "/directoryObjects/microsoft.graph.getByIds", True),
        ("POST", "/users/a/assignLicense", False),
        ("POST", "/users", False),
        ("PATCH", "/users/a", False),
        ("DELETE", "/users/a", False),
        ("PUT", "/$batch", False),
        ("POST", "/$batch/x", False),
        ("POST", "/users/a/sendMail", False),
    ],
)
def test_only_reading_requests_are_permitted(method: str, path: str, allowed: bool) -> None:  # noqa: FBT001
    request = httpx.Request(method, ROOT.url + path)
    if allowed:
        check_request(request, ROOT)
        return
    with pytest.raises(FaultError):
        check_request(request, ROOT)


@pytest.mark.parametrize(
    "endpoint",
    ["https://graph.example:443/v1.0", "http://localhost:80/v1.0", "http://[::1]:80/v1.0", "http://[::1]:8080/v1.0"],
)
def test_requests_to_an_endpoint_with_a_port_are_permitted(endpoint: str) -> None:
    root = root_of(endpoint)
    check_request(httpx.Request("GET", f"{root.url}/users"), root)
    with pytest.raises(FaultError):
        check_request(httpx.Request("GET", httpx.URL(f"{root.url}/users").copy_with(port=8081)), root)


def test_send_mail_is_permitted_only_with_mail() -> None:
    request = httpx.Request("POST", f"{ROOT.url}/users/a@b.example/sendMail")
    check_request(request, ROOT, mail=True)
    with pytest.raises(FaultError):
        check_request(httpx.Request("POST", f"{ROOT.url}/users/a/assignLicense"), ROOT, mail=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("2.128", 2.128),
        ("0", 0.0),
        ("600", 600.0),
        ("Sat, 21 Nov 2026 12:00:05 GMT", 5.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e99", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, now=datetime(2026, 11, 21, 12, tzinfo=UTC)) == seconds


def test_retry_after_date_is_relative_to_the_date_header() -> None:
    headers = {"retry-after": "Sat, 21 Nov 2020 12:00:05 GMT", "date": "Sat, 21 Nov 2020 12:00:00 GMT"}
    assert retry_after(headers) == 5.0


@given(st.integers(100, 599), st.binary(max_size=60))
def test_classify_handles_every_answer(status: int, body: bytes) -> None:
    outcome = outcome_of(status, {}, body, request_name="GET /users")
    assert (outcome is None) == (200 <= status < 300)
    if outcome is not None:
        assert str(status) in outcome.fault.message


@pytest.mark.parametrize(
    ("status", "body", "kind", "outcome"),
    [
        (403, b'{"error":{"code":"Authorization_RequestDenied","message":"x"}}', FaultKind.DENIED, Fail),
        (403, b"\n<html>", FaultKind.NOT_GRAPH, Fail),
        (
            403,
            b'{"error":{"code":"Authentication_RequestFromNonPremiumTenantOrB2CTenant"}}',
            FaultKind.NO_PREMIUM,
            Retry,
        ),
        (400, b'{"error":{"code":"Directory_ExpiredPageToken"}}', FaultKind.PAGE_EXPIRED, Fail),
        (400, b'{"error":{"code":"DirectoryPageTokenNotFoundException"}}', FaultKind.PAGE_UNKNOWN, Fail),
        (410, b'{"error":{"code":"resyncRequired"}}', FaultKind.PAGE_EXPIRED, Fail),
        (400, b'{"value":"Cannot query data for more than 120 users at a time."}', FaultKind.TOO_LARGE, Fail),
        (404, b'{"error":{"code":"MailboxNotEnabledForRESTAPI"}}', FaultKind.NO_MAILBOX, Fail),
        (404, b'{"error":{"code":"Request_ResourceNotFound"}}', FaultKind.MISSING, Fail),
        (401, b"", FaultKind.SIGNED_OUT, SignInAgain),
        (429, b"", FaultKind.THROTTLED, Retry),
        (500, b'{"error":{"code":"InternalServerError","message":"Rate limit reached."}}', FaultKind.THROTTLED, Retry),
        (500, b'{"error":{"code":"InternalServerError","message":"x"}}', FaultKind.FAILING, Retry),
        (501, b'{"error":{"code":"NotImplemented"}}', FaultKind.UNSUPPORTED, Fail),
        (504, b'{"error":{"code":"UnknownError","message":""}}', FaultKind.FAILING, Retry),
        (302, b"", FaultKind.FOREIGN, Fail),
        (400, b'{"error":{"code":"brand-new-code","message":"\x1b[31m"}}', FaultKind.NOT_GRAPH, Fail),
        (400, b'{"error":{"code":"brand-new-code"}}', FaultKind.UNSUPPORTED, Fail),
    ],
)
def test_kind_and_outcome_of_an_error(status: int, body: bytes, kind: FaultKind, outcome: type) -> None:
    result = outcome_of(status, {}, body, request_name="GET /users")
    assert isinstance(result, outcome)
    assert result is not None
    assert result.fault.kind is kind


@given(st.lists(st.sampled_from([1, 2, 4, 60]), min_size=1, max_size=400), st.sampled_from([10, 100, 5000]))
def test_quota_limits_units_in_any_ten_seconds(costs: list[int], users: int) -> None:
    limit = units_per_ten_seconds(users)
    time = Ticking()

    async def spend() -> list[tuple[float, int]]:
        quota = Quota(quota=limit, sleep=time.sleep, clock=time.clock)
        spent = []
        for cost in costs * 20:
            await quota.take(cost)
            spent.append((time.now, cost))
        return spent

    spent = asyncio.run(spend())
    for start, _ in spent[:: max(1, len(spent) // 20)]:
        assert sum(cost for at, cost in spent if start <= at < start + 10) <= limit


def test_quota_pause_delays_requests() -> None:
    time = Ticking()

    async def ask() -> None:
        quota = Quota(sleep=time.sleep, clock=time.clock)
        quota.pause(30)
        await quota.take(1)

    asyncio.run(ask())
    assert time.now == 1030


def test_interval_limiter_slows_down_to_its_maximum() -> None:
    time = Ticking()

    async def wait() -> None:
        limiter = IntervalLimiter(sleep=time.sleep, clock=time.clock)
        for _ in range(3):
            await limiter.wait()
        assert time.now == 1000
        for _ in range(9):
            limiter.slow(minimum=0.5, maximum=2.0)
        for _ in range(3):
            await limiter.wait()

    asyncio.run(wait())
    assert time.now == 1004


@pytest.mark.parametrize(
    "secret",
    [
        "Bearer abcdefgh.ijklmnop",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.sig",
        "https://reports.example/x?token=abcdefgh",
        "https://u:abcdefgh@proxy.example",
        "https://blob.example/x?se=1&sig=abcdefgh%3D",
    ],
)
def test_errors_of_graph_are_quoted_without_secrets(secret: str) -> None:
    body = json.dumps({"error": {"code": "BadRequest", "message": f"refused {secret} today"}}).encode()
    outcome = outcome_of(400, {}, body, request_name="GET /users")
    assert isinstance(outcome, Fail)
    assert "[secret]" in outcome.fault.message
    assert not re.search("abcdefgh|eyJ", outcome.fault.message)
