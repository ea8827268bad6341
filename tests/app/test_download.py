"""Downloads end in time and in size, however a server spreads them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from threading import Event, Thread

import pytest

from auditor.app import download
from auditor.domain.errors import AuditorError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"


@contextmanager
def served(pieces: Iterator[bytes], *, every: float) -> Iterator[tuple[str, Event]]:
    """Answer one request with pieces, a pause after each; the event tells that all were sent."""
    over, stop = Event(), Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                try:
                    for piece in pieces:
                        connection.sendall(piece)
                        if stop.wait(every):
                            return
                except OSError:
                    return
                over.set()

        thread = Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/table.csv?key=1", over
        finally:
            stop.set()
            thread.join()


def _then(first: bytes, rest: bytes) -> Iterator[bytes]:
    yield first
    yield from repeat(rest, 300)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param(lambda: repeat(b"H", 300), id="status line"),
        pytest.param(lambda: _then(HEAD + b"X-Long: ", b"x"), id="header"),
        pytest.param(lambda: _then(HEAD, b"X-One: 1\r\n"), id="headers"),
        pytest.param(lambda: _then(HEAD + b"\r\n", b"x"), id="body"),
        pytest.param(lambda: _then(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"), id="chunk size"),
    ],
)
def test_a_download_that_never_falls_silent_is_given_up(
    pieces: Callable[[], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "DEADLINE", 0.4)
    with served(pieces(), every=0.02) as (address, over), pytest.raises(AuditorError) as caught:
        download.fetch(address)
    assert not over.is_set()
    assert (caught.value.slug, "not complete after" in caught.value.message) == ("products-download", True)
    assert "key=1" not in caught.value.message


def test_a_download_of_any_length_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LIMIT", 1 << 20)
    pieces = _then(HEAD + b"\r\n", b"x" * 65_536)
    with served(pieces, every=0) as (address, over), pytest.raises(AuditorError) as caught:
        download.fetch(address)
    assert not over.is_set()
    assert "is larger than 1 MB" in caught.value.message


def test_what_comes_in_time_is_read_whole() -> None:
    body = b"a,b\r\n" * 1000
    pieces = iter([HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode(), body[:7], body[7:]])
    with served(pieces, every=0.01) as (address, _):
        assert download.fetch(address).content == body
