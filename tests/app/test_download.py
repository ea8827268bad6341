"""Downloads are limited in time and size, however slowly a server sends them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from threading import Event, Thread

import pytest

from auditor.app import download
from auditor.domain.errors import AuditorError
from auditor.graph.transport.ca_bundle import VARIABLES
from tests.builders.service.mail_relay import authority
from tests.builders.service.web_server import Request, Response, web_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"


@contextmanager
def serve(pieces: Iterator[bytes], *, pause: float) -> Iterator[tuple[str, Event]]:
    """Answer one request with pieces and a pause after each; the event is set once all are sent."""
    finished, stop = Event(), Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    for piece in pieces:
                        connection.sendall(piece)
                        if stop.wait(pause):
                            return
                except OSError:
                    return
                finished.set()

        thread = Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/table.csv?key=1", finished
        finally:
            stop.set()
            thread.join()


def _long_response(first: bytes, repeated: bytes) -> Iterator[bytes]:
    yield first
    yield from repeat(repeated, 300)


@pytest.mark.slow
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(lambda: repeat(b"H", 300), id="status line"),
        pytest.param(lambda: _long_response(HEAD + b"X-Long: ", b"x"), id="header"),
        pytest.param(lambda: _long_response(HEAD, b"X-One: 1\r\n"), id="headers"),
        pytest.param(lambda: _long_response(HEAD + b"\r\n", b"x"), id="body"),
        pytest.param(lambda: _long_response(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), id="chunk size"),
    ],
)
def test_slow_download_is_aborted_at_the_deadline(
    pieces: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "DEADLINE", 0.4)
    with serve(pieces(), pause=0.02) as (address, finished), pytest.raises(AuditorError) as caught:
        download.fetch(address)
    assert not finished.is_set()
    assert (caught.value.slug, "not complete after" in caught.value.message) == ("products-download", True)
    assert "key=1" not in caught.value.message


def test_endless_download_is_aborted_at_the_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LIMIT", 1 << 20)
    pieces = _long_response(HEAD + b"\r\n", b"x" * 65_536)
    with serve(pieces, pause=0) as (address, finished), pytest.raises(AuditorError) as caught:
        download.fetch(address)
    assert not finished.is_set()
    assert "is larger than 1 MB" in caught.value.message


def test_download_within_the_limits_is_read_completely() -> None:
    body = b"a,b\r\n" * 1000
    pieces = iter([HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode(), body[:7], body[7:]])
    with serve(pieces, pause=0.01) as (address, _):
        assert download.fetch(address).content == body


def table(request: Request) -> Response:
    """Answer with a table; `/moved` redirects to it."""
    if request.path == "/moved":
        return Response(status=302, headers={"Location": "/table.csv"}, body=b"")
    return Response(body=b"a,b\r\n")


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["AUDITOR_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_download_trusts_the_configured_authorities_only(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    ca, bundle = authority(tmp_path)
    with web_server(table, ca) as port:
        with pytest.raises(AuditorError) as caught:
            download.fetch(f"https://localhost:{port}/table.csv")
        assert (caught.value.slug, "AUDITOR_CA_BUNDLE" in str(caught.value.hint)) == ("products-download", True)
        monkeypatch.setenv(variable, str(bundle))
        assert download.fetch(f"https://localhost:{port}/moved").content == b"a,b\r\n"
