"""Tests the download of usage reports: permitted hosts, requests without credentials, and errors."""

import logging
import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Cloud, Source
from auditor.domain.policy.data_needs import Needs
from auditor.graph.errors import FaultError
from auditor.graph.report_files import checked_address
from auditor.graph.request_guard import root_of
from tests.builders.service.listeners import listening
from tests.builders.tenant.collection import Collected, Ticking, collect, configured
from tests.emulator.endpoints.reports import TOKEN
from tests.emulator.fixtures import shared_emulator, small_tenant
from tests.emulator.journal import Host
from tests.emulator.server import Emulator

GRAPH, LOOPBACK = root_of("https://graph.microsoft.com/v1.0"), root_of("http://127.0.0.1:8080/v1.0")
NEEDS = Needs(sources=frozenset({Source.MAILBOX_USAGE}))
REPORT = "/reports/getMailboxUsageDetail*"
DOWNLOAD = "/reports/*/getMailboxUsageDetail/*"


_running = shared_emulator(small_tenant)


@pytest.fixture
def emulator(_running: Emulator) -> Iterator[Emulator]:
    _running.reset()
    yield _running
    assert not _running.journal.leaks()
    assert all("cookie" not in record.headers for record in _running.journal.of(host=Host.ELSEWHERE))


def downloads(emulator: Emulator) -> int:
    return len(emulator.journal.of(host=Host.ELSEWHERE))


def status(snapshot: Collected) -> tuple[str, str]:
    assert TOKEN not in snapshot.reason(Source.MAILBOX_USAGE)
    return snapshot.status(Source.MAILBOX_USAGE), snapshot.reason(Source.MAILBOX_USAGE)


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("https://reports.office.com/data/download/x?t=1", "https://reports.office.com/data/download/x?t=1"),
        ("HTTPS://ReportsNCU.Office.com:443/data?token=A%2Fb#c", "https://reportsncu.office.com/data?token=A%2Fb"),
        ("https://reports.office365.com?t=1", "https://reports.office365.com/?t=1"),
        ("/data/v1.0/download?token=x", "https://reportsweu.office.com/data/v1.0/download?token=x"),
    ],
)
def test_redirects_to_report_hosts_are_accepted(location: str, address: str) -> None:
    assert checked_address(location, "https://reportsweu.office.com/data?token=y", GRAPH, "GET /r") == address


REFUSED = [
    ("", "?"),
    ("http://reports.office.com/data?token=secret", "http://reports.office.com"),
    ("https://user:secret@reports.office.com/data", "https://reports.office.com"),
    ("https://reports.office.com@evil.example/?token=secret", "https://evil.example"),
    ("https://reports.office.com:8443/secret", "https://reports.office.com:8443"),
    ("https://reports.office.com.evil.example/secret", "https://reports.office.com.evil.example"),
    ("https://reports2.office.com/secret", "https://reports2.office.com"),
    ("https://reports.office.com./secret", "https://reports.office.com."),
    ("https://evilreports.office.com/secret", "https://evilreports.office.com"),
    ("https://reportsncu.office365.com/secret", "https://reportsncu.office365.com"),
    ("https://reports\u212a.office.com/secret", "https://reportsk.office.com"),
    ("https://reports.office.com\\@evil.example/secret", "https://evil.example"),
    ("https://evil.example\\.reports.office.com/secret", "https://evil.example"),
    ("https://reports.office.com/sec ret", "https://reports.office.com"),
    ("https://reports.office.com\n.evil.example/secret", "https://reports.office.com.evil.example"),
    ("https://[::1/secret", "?"),
    ("//graph.microsoft.com/v1.0/secret", "https://graph.microsoft.com"),
    ("file:///etc/secret", "?"),
    ("https://127.0.0.1/secret", "https://127.0.0.1"),
]


@pytest.mark.parametrize(("location", "host"), REFUSED, ids=[location[:40] or "none" for location, _ in REFUSED])
def test_redirects_to_other_hosts_are_refused_and_only_the_host_is_reported(location: str, host: str) -> None:
    with pytest.raises(FaultError) as caught:
        checked_address(location, GRAPH.url, GRAPH, "GET /r")
    message = str(caught.value.fault.message)
    assert "secret" not in message
    assert f"redirected to {host}" in message.replace("\u212a", "k")


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost:9", "[::1]:9", "127.8.8.8"])
def test_loopback_redirects_are_accepted_for_a_loopback_graph(host: str) -> None:
    assert checked_address(f"http://{host}/x?t", LOOPBACK.url, LOOPBACK, "GET /r") == f"http://{host}/x?t"
    for address in (f"http://u@{host}/x", f"http://{host}.evil.example/x", "http://10.0.0.1/x"):
        with pytest.raises(FaultError):
            checked_address(address, LOOPBACK.url, LOOPBACK, "GET /r")
    with pytest.raises(FaultError):
        checked_address(f"http://{host}/x", GRAPH.url, GRAPH, "GET /r")


@pytest.mark.slow
def test_download_address_is_neither_logged_nor_stored(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.faults.add("server-error", path=DOWNLOAD, status=500)
    snapshot = collect(emulator, NEEDS)
    assert status(snapshot)[0] == "complete"
    assert caplog.records
    assert TOKEN not in caplog.text
    assert TOKEN not in str(snapshot.manifest) + str([table.to_pylist() for table in snapshot.tables.values()])
    assert [record.authorized for record in emulator.journal.of(REPORT)] == [True, True]


@pytest.mark.slow
@pytest.mark.parametrize(("value", "expected_downloads"), [("hops:4", 5), ("hops:5", 5), ("missing", 0)])
def test_at_most_five_redirects_are_followed(emulator: Emulator, value: str, expected_downloads: int) -> None:
    emulator.faults.add("report-redirect", path=REPORT, value=value)
    source_status, reason = status(collect(emulator, NEEDS))
    assert downloads(emulator) == expected_downloads
    match value:
        case "hops:4":
            assert source_status == "complete"
        case "hops:5":
            assert (source_status, "redirected more than 5 times" in reason) == ("unavailable", True)
        case _:
            assert source_status == "unavailable"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("http://reports.office.com/data?token={token}", "http://reports.office.com"),
        ("https://reports.office.com.evil.example/data?token={token}", "https://reports.office.com.evil.example"),
        ("https://{token}@reports.office.com/data", "https://reports.office.com"),
    ],
)
def test_foreign_redirect_is_refused_and_its_host_reported(emulator: Emulator, location: str, host: str) -> None:
    emulator.faults.add("report-redirect", path=REPORT, value=location)
    source_status, reason = status(collect(emulator, NEEDS))
    assert source_status == "unavailable"
    assert f"redirected to {host}, which is not one of Microsoft's report hosts" in reason
    assert downloads(emulator) == 0
    assert len(emulator.journal.of(REPORT)) == 1


@pytest.mark.slow
def test_report_without_redirect_is_accepted(emulator: Emulator) -> None:
    emulator.faults.add("report-inline", path=REPORT)
    assert status(collect(emulator, NEEDS))[0] == "complete"
    assert downloads(emulator) == 0


@pytest.mark.slow
@pytest.mark.parametrize("path", [REPORT, DOWNLOAD], ids=["report", "download"])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("throttled", {"retry_after": "7"}),
        ("throttled", {}),
        ("server-error", {"status": 503, "retry_after": "7"}),
        ("server-error", {"status": 500}),
        ("reset", {}),
        ("truncated", {}),
        ("drip", {"seconds": 0.1}),
    ],
)
def test_transient_failure_is_retried(emulator: Emulator, path: str, kind: str, fields: dict[str, object]) -> None:
    if path == REPORT and kind == "truncated":
        emulator.faults.add("report-inline", path=REPORT)
    emulator.faults.add(kind, path=path, **fields)
    snapshot = collect(emulator, NEEDS)
    assert status(snapshot)[0] == "complete"
    if "retry_after" in fields:
        assert 7 in snapshot.time.slept


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "kind", "fields", "expected_status", "reason"),
    [
        (REPORT, "denied", {"code": "S2SUnauthorized"}, "denied", "grant the application Reports.Read.All"),
        (REPORT, "bad-request", {"code": "BadRequest", "value": "Resource not found for the segment 'x'."}, "unavailable", "global cloud only"),
        (REPORT, "server-error", {"status": 503}, "unavailable", "HTTP 503"),
        (DOWNLOAD, "server-error", {"status": 503}, "unavailable", "http://localhost"),
        (DOWNLOAD, "server-error", {"status": 403}, "unavailable", "localhost returned HTTP 403"),
        (DOWNLOAD, "throttled", {}, "unavailable", "localhost returned HTTP 429"),
        (DOWNLOAD, "reset", {}, "unavailable", "the download from localhost failed"),
        (DOWNLOAD, "truncated", {}, "unavailable", "the download from localhost failed"),
        (DOWNLOAD, "html", {"status": 200}, "unavailable", "it is not CSV"),
        (DOWNLOAD, "html", {"status": 404}, "unavailable", "localhost returned HTTP 404"),
    ],
)  # fmt: skip
def test_permanent_failure_is_reported_as_reason(
    emulator: Emulator, path: str, kind: str, fields: dict[str, object], expected_status: str, reason: str
) -> None:
    emulator.faults.add(kind, path=path, times=None, **fields)
    snapshot = collect(emulator, replace(NEEDS, sources=frozenset({Source.MAILBOX_USAGE, Source.USAGE})))
    assert status(snapshot)[0] == expected_status
    assert reason.removeprefix("http://") in status(snapshot)[1]
    assert snapshot.status(Source.USAGE) == "complete"
    assert len(emulator.journal.of(REPORT, host=Host.GRAPH)) <= 14, "Microsoft's limit for ten minutes"


@pytest.mark.slow
def test_refused_download_requests_a_new_address_twice(emulator: Emulator) -> None:
    emulator.faults.add("server-error", path=DOWNLOAD, status=403, times=2)
    assert status(collect(emulator, NEEDS))[0] == "complete"
    emulator.faults.add("server-error", path=DOWNLOAD, status=403, times=3)
    assert status(collect(emulator, NEEDS))[0] == "unavailable"


@pytest.mark.slow
@pytest.mark.parametrize("inline", [False, True])
def test_report_above_the_size_limit_is_unavailable(emulator: Emulator, *, inline: bool) -> None:
    usage = emulator.tenants["contoso"].usage
    usage.files["getMailboxUsageDetail"] = b"User Principal Name\r\n" + b"x@y\r\n" * 1_000_000
    if inline:
        emulator.faults.add("report-inline", path=REPORT)
    try:
        source_status, reason = status(
            collect(emulator, NEEDS, retry_policy=Ticking().retry_policy(report_bytes=1_000_000))
        )
    finally:
        usage.files.clear()
    assert (source_status, "is larger than 1,000,000 bytes" in reason) == ("unavailable", True)
    assert len(emulator.journal.of(REPORT, host=Host.GRAPH)) == 1


def test_content_length_above_the_size_limit_is_refused(emulator: Emulator) -> None:
    def talk(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx")
        connection.recv(1)

    with listening(talk) as host:
        emulator.faults.add("report-redirect", path=REPORT, value=f"http://{host}/data?token={{token}}")
        assert "larger than" in status(collect(emulator, NEEDS))[1]


@pytest.mark.slow
def test_slow_download_is_given_up_after_the_timeout(emulator: Emulator) -> None:
    emulator.faults.add("slow", path=DOWNLOAD, seconds=30, times=None)
    policy = Ticking().retry_policy(answer_timeout=0.3, failures=2)
    source_status, reason = status(collect(emulator, NEEDS, retry_policy=policy))
    assert (source_status, "not whole after" in reason or "TimeoutError" in reason) == ("unavailable", True), reason


def test_reports_are_not_requested_in_other_clouds(emulator: Emulator) -> None:
    tenant = emulator.tenants["contoso"]
    tenant.audience = "https://graph.microsoft.us"
    try:
        snapshot = collect(emulator, NEEDS, tenant=replace(configured(emulator), cloud=Cloud.USGOV))
    finally:
        tenant.audience = "https://graph.microsoft.com"
    assert status(snapshot)[0] == "unavailable"
    assert "global cloud only" in status(snapshot)[1]
    assert not emulator.journal.of(REPORT)
