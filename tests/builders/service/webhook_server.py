"""A web server over TLS that records the requests and returns the configured answers."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from tests.builders.service.mail_relay import authority
from tests.builders.service.web_server import web_server

HANG_UP = 0
"""The status of an answer that closes the connection instead."""


class Posted(Struct, frozen=True, kw_only=True):
    """A request that was received."""

    method: str
    path: str
    headers: dict[str, str]
    """Values by lower-case name."""
    body: bytes


class Answer(Struct, frozen=True, kw_only=True):
    """The answer to one request."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"


class WebhookServer(Struct, kw_only=True):
    """A running server; without configured answers, every answer is 200."""

    port: int
    ca: Path
    posted: list[Posted] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """The next answers; the last one is repeated."""

    def url(self, path: str = "/services/T000/B000/s3cr3t-part-of-the-url") -> str:
        return f"https://localhost:{self.port}{path}"


def _handler(server: WebhookServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the library
            del format, args

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.posted.append(Posted(method=self.command, path=self.path, headers=headers, body=body))
            answers = server.answers
            answer = Answer() if not answers else answers[0] if len(answers) == 1 else answers.pop(0)
            if answer.status == HANG_UP:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

    return Handler


@contextmanager
def webhook_server(folder: Path, *, name: str = "localhost") -> Iterator[WebhookServer]:
    """Serve until the end of the block, with a certificate for `name` from a new certificate authority."""
    ca, path = authority(folder)
    running = WebhookServer(port=0, ca=path)
    with web_server(_handler(running), ca, name=name) as running.port:
        yield running
