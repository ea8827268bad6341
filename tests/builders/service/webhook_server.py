"""A web server over TLS that records the requests and returns the configured answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from tests.builders.service.mail_relay import authority
from tests.builders.service.web_server import Request, Response, web_server


class WebhookServer(Struct, kw_only=True):
    """A running server; without configured answers, every answer is 200."""

    port: int
    ca: Path
    posted: list[Request] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    """The next answers; the last one is repeated."""

    def url(self, path: str = "/services/T000/B000/s3cr3t-part-of-the-url") -> str:
        return f"https://localhost:{self.port}{path}"

    def respond(self, request: Request) -> Response:
        self.posted.append(request)
        if not self.answers:
            return Response()
        return self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)


@contextmanager
def webhook_server(folder: Path, *, name: str = "localhost") -> Iterator[WebhookServer]:
    """Serve until the end of the block, with a certificate for `name` from a new certificate authority."""
    ca, path = authority(folder)
    running = WebhookServer(port=0, ca=path)
    with web_server(running.respond, ca, name=name) as running.port:
        yield running
