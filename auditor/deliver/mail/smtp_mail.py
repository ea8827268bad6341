"""Sends a mail through an SMTP relay, encrypted unless configured otherwise; passwords are never sent unencrypted."""

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from auditor.deliver.https_connection import connection_error
from auditor.deliver.mail.mail_message import MailMessage, mailbox, mime_message, needs_smtputf8, split_address
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.domain.errors import SettingsError, printable
from auditor.domain.message import Message, joined
from auditor.domain.settings import SmtpMail, StartTls
from auditor.domain.syntax.environment_variable import is_missing
from auditor.files import input as files
from auditor.graph.request_guard import LOOPBACK
from auditor.graph.transport.ca_bundle import authorities

TIMEOUT: Final = 60.0
"""Seconds for each answer of the relay."""
IMPLICIT_TLS_PORT: Final = 465
"""The port with implicit TLS (RFC 8314)."""
_HOSTNAME_MISMATCH: Final = frozenset({62, 64})
"""OpenSSL's error codes for a certificate that does not match the host name or IP address."""
_MAX_QUOTED: Final = 300


class _RefusedError(Exception):
    """Raised if the mail was certainly not sent."""

    def __init__(self, message: Message, hint: Message | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """The connection data of a relay."""

    settings: SmtpMail
    trusted: ssl.SSLContext
    password: tuple[str, str] | None = field(default=None, repr=False)
    """User name and password."""

    @property
    def host_and_port(self) -> str:
        """Host and port, for messages."""
        return f"{self.settings.host}:{self.settings.port}"


def open_relay(settings: SmtpMail, environ: Mapping[str, str]) -> Relay:
    """Return the relay with secrets from the environment. Raises SettingsError for a missing variable or file."""
    return Relay(settings=settings, trusted=_trusted(settings, environ), password=_password(settings, environ))


def send(relay: Relay, mail: MailMessage, *, timeout: float = TIMEOUT) -> SendAttempt:
    """Send a mail once. A refused mail was certainly not sent; one with an unknown outcome may have been."""
    try:
        server = _connected(relay, mail, timeout)
        try:
            _sign_in(server, relay)
            return _deliver(server, mail)
        finally:
            # The outcome is known before QUIT, so errors of QUIT are ignored.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
            server.close()
    except _RefusedError as error:
        return SendAttempt(status=SendStatus.REFUSED, message=error.message, hint=error.hint)
    except ssl.SSLCertVerificationError as error:
        return _refused(
            relay,
            connection_error(error),
            Message("write the name that is in the certificate in mail.smtp.host")
            if error.verify_code in _HOSTNAME_MISMATCH
            else Message("specify its CA certificate in mail.smtp.ca"),
        )
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        # Raised before DATA, so nothing was sent.
        return _refused(relay, _error_text(error), Message("check host, port and the network"))


def _password(relay: SmtpMail, environ: Mapping[str, str]) -> tuple[str, str] | None:
    if relay.username_env is None or relay.password_env is None:
        return None
    values = []
    for name in (relay.username_env, relay.password_env):
        value = environ.get(name, "")
        if not value:
            raise SettingsError(
                "mail-variable",
                is_missing(name, relay.written_at),
                hint=Message("mail.smtp in the tenants file names it"),
            )
        values.append(value)
    return values[0], values[1]


def _trusted(relay: SmtpMail, environ: Mapping[str, str]) -> ssl.SSLContext:
    path = relay.ca
    if path is None:
        return ssl.create_default_context(cafile=authorities(environ))
    try:
        files.check_regular(Path(path), max_bytes=files.CERTIFICATES)
        return ssl.create_default_context(cafile=str(Path(path)))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            "mail-ca",
            Message(
                "{path} is not a file of PEM certificates: {strerror}", path=path, strerror=error.strerror or error
            ),
            hint=Message("see mail.smtp.ca"),
        ) from error


def _connected(relay: Relay, mail: MailMessage, timeout: float) -> smtplib.SMTP:
    """Connect, send EHLO with the sender's domain (never this machine's name), and encrypt."""
    settings = relay.settings
    host = _host(settings)
    name = split_address(mail.sender)[1]
    implicit = settings.port == IMPLICIT_TLS_PORT
    server: smtplib.SMTP = (
        smtplib.SMTP_SSL(host, settings.port, local_hostname=name, timeout=timeout, context=relay.trusted)
        if implicit
        else smtplib.SMTP(host, settings.port, local_hostname=name, timeout=timeout)
    )
    try:
        server.ehlo_or_helo_if_needed()
        if not implicit and settings.starttls is not StartTls.NONE:
            _encrypt(server, relay)
    except BaseException:
        server.close()
        raise
    return server


def _host(settings: SmtpMail) -> str:
    return settings.host.removeprefix("[").removesuffix("]")


def _encrypt(server: smtplib.SMTP, relay: Relay) -> None:
    if not server.has_extn("starttls"):
        if relay.settings.starttls is StartTls.OPTIONAL:
            return
        raise _RefusedError(
            Message(
                "{location} does not offer STARTTLS, and the report would go over the network unencrypted",
                location=relay.host_and_port,
            ),
            Message(
                "use another port, or set `mail.smtp.starttls` to `optional` or `none` "
                "if the connection to the relay is protected in another way"
            ),
        )
    server.starttls(context=relay.trusted)
    server.ehlo_or_helo_if_needed()


def _sign_in(server: smtplib.SMTP, relay: Relay) -> None:
    if relay.password is None:
        return
    if not isinstance(server.sock, ssl.SSLSocket) and _host(relay.settings) not in LOOPBACK:
        raise _RefusedError(
            Message("{location} is not encrypted, so the password was not sent", location=relay.host_and_port),
            Message("set `mail.smtp.starttls` to `required`, or leave usernameEnv and passwordEnv out"),
        )
    try:
        server.login(*relay.password)
    except smtplib.SMTPAuthenticationError as error:
        raise _RefusedError(
            Message(
                "{location} refused the sign-in ({smtp_code})", location=relay.host_and_port, smtp_code=error.smtp_code
            ),
            Message(
                "check the variables {username_env} and {password_env}",
                username_env=relay.settings.username_env,
                password_env=relay.settings.password_env,
            ),
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise _RefusedError(
            Message("{location} does not support sign-in", location=relay.host_and_port),
            Message("leave usernameEnv and passwordEnv out of mail.smtp"),
        ) from None


def _deliver(server: smtplib.SMTP, mail: MailMessage) -> SendAttempt:
    smtputf8 = needs_smtputf8(mail)
    if smtputf8 and not server.has_extn("smtputf8"):
        raise _RefusedError(
            Message(
                "the relay does not accept addresses such as {recipient} (it offers no SMTPUTF8)",
                recipient=mail.recipient,
            ),
            Message("use an address of Latin letters before the @, or another relay"),
        )
    body = mime_message(mail).as_bytes()
    options = ["SMTPUTF8", "BODY=8BITMIME"] if smtputf8 else []
    if server.has_extn("size"):
        options.append(f"SIZE={len(body)}")
    _check(*server.mail(mailbox(mail.sender), options), Message("the sender {sender}", sender=mail.sender))
    _check(*server.rcpt(mailbox(mail.recipient)), Message("the recipient {recipient}", recipient=mail.recipient))
    try:
        code, answer = server.data(body)
    except smtplib.SMTPDataError as error:
        code, answer = error.smtp_code, _bytes(error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return SendAttempt(
            status=SendStatus.UNKNOWN,
            message=Message("the connection ended while the mail was sent: {error}", error=_error_text(error)),
            hint=Message("check the log of the relay for {message_id}", message_id=mail.message_id),
        )
    _check(code, answer, Message("the mail"))
    return SendAttempt(status=SendStatus.ACCEPTED)


def _check(code: int, reply: bytes, what: str) -> None:
    if 200 <= code < 300:
        return
    answer = f"{code} {_printable(reply)}"
    if 400 <= code < 500:
        raise _RefusedError(Message("the relay temporarily refused {what}: {answer}", what=what, answer=answer))
    raise _RefusedError(Message("the relay refused {what}: {answer}", what=what, answer=answer))


def _bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode()


def _printable(reply: bytes) -> str:
    return printable(" ".join(reply.decode("utf-8", "replace").split()))[:_MAX_QUOTED]


def _refused(relay: Relay, message: Message, hint: Message) -> SendAttempt:
    return SendAttempt(status=SendStatus.REFUSED, message=joined(": ", (relay.host_and_port, message)), hint=hint)


def _error_text(error: Exception) -> Message:
    if isinstance(error, smtplib.SMTPResponseException):
        return Message(f"{error.smtp_code} {_printable(_bytes(error.smtp_error))}")
    if isinstance(error, socket.gaierror | TimeoutError) or getattr(error, "strerror", None):
        return connection_error(error)
    return Message(printable(str(error) or type(error).__name__)[:_MAX_QUOTED])
