"""A folder with a result, a tenants file and a mail relay, for tests of `auditor send`."""

import argparse
import contextlib
import io
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from msgspec import Struct

from auditor.cli.commands.audits import send as command
from auditor.domain.errors import AuditorError, SettingsError
from auditor.render import render
from tests.builders.result.results import compared
from tests.builders.service.command_line import placed
from tests.builders.service.mail_relay import PASSWORD, USER, Running, relay

ID = "11111111-2222-3333-4444-555555555555"


class Place(Struct, frozen=True, kw_only=True):
    """A folder with a result and a tenants file, and the relay that the file names."""

    folder: Path
    running: Running

    def tenants(self, recipients: str, *, mail: str = "", other: str = "[]", locale: str = "en") -> None:
        text = (
            f"version: 1\ntenants:\n  - {{name: contoso, tenantId: {ID}, locale: {locale}, recipients: {recipients}}}\n"
            f"  - {{name: fabrikam, tenantId: {ID.replace('1', '2')}, recipients: {other}}}\n"
            f"mail:\n  from: audit@contoso.example\n  smtp: {{host: 127.0.0.1, port: {self.running.port}, "
            f"ca: {self.running.ca}, usernameEnv: U, passwordEnv: P}}\n{mail}"
        )
        (self.folder / "tenants.yaml").write_text(text, encoding="utf-8")

    def send(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run the command and return its exit code and output; exceptions become 2 and 3, as in the program."""
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        environ = {"U": USER, "P": PASSWORD, "XDG_STATE_HOME": str(self.folder / "state"), **environment}
        err = io.StringIO()
        with placed(self.folder, environ), contextlib.redirect_stderr(err):
            try:
                code = command.run(parser.parse_args(["result.json", *arguments]))
            except SettingsError as error:
                return 2, error.message
            except AuditorError as error:
                return 3, error.message
        return code, err.getvalue()

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
