"""A mail server for tests: aiosmtpd with TLS, passwords, and configurable failures."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Struct, field

USER, PASSWORD = "auditor", "correct horse"


class Box(Struct):
    """The received mails, and the configured behaviour of the server."""

    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    """Recipient → the answer of the server."""
    after_data: str = "250 OK"
    hang_up: bool = False
    """Whether to close the connection without an answer after the complete text."""

    greets: bool = True
    """Whether to accept EHLO and HELO."""

    async def handle_EHLO(  # noqa: N802 - the names in aiosmtpd
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return responses if self.greets else ["554 no service"]

    async def handle_HELO(self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str) -> str:  # noqa: N802
        session.host_name = hostname
        return "250 relay.example" if self.greets else "554 no service"

    async def handle_RCPT(  # noqa: N802 - the names in aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append((str(envelope.mail_from), list(envelope.rcpt_tos), message))
        self.encrypted.append(session.ssl is not None)
        if self.hang_up:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return self.after_data

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


class Running(Struct, frozen=True, kw_only=True):
    """A running server."""

    host: str
    port: int
    box: Box
    ca: Path


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def authority(folder: Path) -> tuple[trustme.CA, Path]:
    ca = trustme.CA()
    path = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return ca, path


@contextmanager
def relay(
    folder: Path, *, host: str = "127.0.0.1", starttls: bool = True, implicit: bool = False, auth: bool = False,
    utf8: bool = True, size: int = 40_000_000, name: str = "",
) -> Iterator[Running]:  # fmt: skip
    """Run a server; with `starttls`, it offers encryption with a certificate for `name`, or its host.

    With `implicit`, connections are encrypted from the beginning.
    """
    ca, path = authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name or host).configure_cert(context)
    box = Box()
    options: dict[str, Any] = {"enable_SMTPUTF8": utf8, "data_size_limit": size, "server_hostname": "relay.example"}
    if implicit:
        options["ssl_context"] = context
    elif starttls:
        options["tls_context"] = context
    if auth:
        options |= {"authenticator": box.authenticate, "auth_required": True, "auth_require_tls": starttls}
    controller = Controller(box, hostname=host, port=free_port(host), **options)
    controller.start()
    try:
        yield Running(host=host, port=controller.port, box=box, ca=path)
    finally:
        controller.stop()


@contextmanager
def silent() -> Iterator[int]:
    """Run a server that accepts connections and never sends anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])
