"""A web server on a free port of this machine, with or without TLS, that answers with a function of the test."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import trustme
from msgspec import Struct, field

HANG_UP = 0
"""The status of a response that resets the connection instead."""


class Request(Struct, frozen=True, kw_only=True):
    """A request that was received."""

    method: str
    path: str
    """With the query."""
    headers: dict[str, str]
    """Values by lower-case name."""
    body: bytes


class Response(Struct, frozen=True, kw_only=True):
    """The response to one request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    """A Content-Length is added to them, unless they say how the body ends."""
    body: bytes = b"ok"
    endless: bool = False
    """Whether the body is repeated until the client closes the connection."""


Respond = Callable[[Request], Response]
_FRAMING = {"connection", "content-length", "transfer-encoding"}


@contextmanager
def web_server(
    respond: Respond, ca: trustme.CA | None = None, *, name: str = "localhost", protocol: str = "HTTP/1.1"
) -> Iterator[int]:
    """Serve until the end of the block, and yield the port; with a `ca`, over TLS with a certificate for `name`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(respond, protocol))
    server.daemon_threads = True
    if ca is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _handler(respond: Respond, protocol: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            response = respond(Request(method=self.command, path=self.path, headers=headers, body=body))
            if response.status == HANG_UP:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            self._send(response)

        def _send(self, response: Response) -> None:
            self.send_response_only(response.status)
            for key, value in response.headers.items():
                self.send_header(key, value)
            length = str(len(response.body))
            if not _FRAMING & {key.lower() for key in response.headers}:
                self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(response.body)
            while response.endless:
                self.wfile.write(response.body)
            self.close_connection |= response.headers.get("Content-Length", length) != length

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names in the library

        def handle(self) -> None:
            with suppress(OSError):  # the client is gone
                super().handle()

        def finish(self) -> None:
            with suppress(OSError):
                super().finish()

        def log_message(self, *_: object) -> None:
            """Write no log."""

    return Handler
