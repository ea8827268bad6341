"""A folder with a result, a tenants file and a mail relay, for tests of `auditor send`."""

import contextlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from msgspec import Struct

from auditor.render import render
from tests.builders.result.results import compared
from tests.builders.service.command_line import call
from tests.builders.service.mail_relay import PASSWORD, USER, Running, relay

ID = "11111111-2222-3333-4444-555555555555"


def write_tenants(folder: Path, recipients: str, other: str, channels: str, *, locale: str = "en") -> None:
    """Write tenants.yaml with the recipients of the two tenants of the result."""
    text = (
        f"version: 1\ntenants:\n  - {{name: contoso, tenantId: {ID}, locale: {locale}, recipients: {recipients}}}\n"
        f"  - {{name: fabrikam, tenantId: {ID.replace('1', '2')}, recipients: {other}}}\n{channels}"
    )
    (folder / "tenants.yaml").write_text(text, encoding="utf-8")


def sent(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run `auditor send` on the result in a folder; return its exit code and messages."""
    ran = call("send", "result.json", *arguments, cwd=folder, XDG_STATE_HOME=str(folder / "state"), **environment)
    return ran.code, ran.err


class Place(Struct, frozen=True, kw_only=True):
    """A folder with a result and a tenants file, and the relay that the file names."""

    folder: Path
    running: Running

    def tenants(self, recipients: str, *, mail: str = "", other: str = "[]", locale: str = "en") -> None:
        write_tenants(
            self.folder, recipients, other, f"mail:\n  from: audit@contoso.example\n  smtp: {{host: 127.0.0.1, "
            f"port: {self.running.port}, ca: {self.running.ca}, usernameEnv: U, passwordEnv: P}}\n{mail}", locale=locale,
        )  # fmt: skip

    def send(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run the command and return its exit code and messages."""
        return sent(self.folder, *arguments, **{"U": USER, "P": PASSWORD, **environment})

    def mails(self) -> list[EmailMessage]:
        return [mail for _, _, mail in self.running.box.mails]


@contextlib.contextmanager
def mail_place(folder: Path) -> Iterator[Place]:
    """Yield a folder with a saved result and a relay that requires a password."""
    saved = render(compared(), "json", locale="en")
    (folder / "result.json").write_bytes(b"".join(saved))
    with relay(folder, auth=True) as running:
        yield Place(folder=folder, running=running)


def body(mail: EmailMessage, kind: str = "plain") -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
