"""From a result to a channel: routing, languages, pseudonyms, and each message once; the URL is told nowhere."""

import argparse
import base64
import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.commands import send as command
from auditor.domain.errors import AuditorError, InputError, SettingsError
from auditor.history import compare
from auditor.render import render
from tests.builders.result.results import night_before, result
from tests.builders.service.command_line import placed
from tests.builders.service.webhook_server import HANG_UP, Answer, WebhookServer, webhook_server

ID = "11111111-2222-3333-4444-555555555555"
URL_SECRET = "s3cr3t-part-of-the-url"
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    with webhook_server(tmp_path_factory.mktemp("webhook")) as running:
        yield running


@pytest.fixture(scope="module")
def saved() -> bytes:
    return b"".join(render(compare(result(), night_before()), "json", locale="en").chunks())


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder with a result and a tenants file, and a server for what is posted."""

    folder: Path
    server: WebhookServer

    def tenants(self, recipients: str, *, more: str = "", other: str = "[]") -> None:
        text = (
            f"version: 1\ntenants:\n  - {{name: contoso, tenantId: {ID}, locale: en, recipients: {recipients}}}\n"
            f"  - {{name: fabrikam, tenantId: {ID.replace('1', '2')}, recipients: {other}}}\n"
            f"webhooks: {{hosts: [localhost]}}\n{more}"
        )
        (self.folder / "tenants.yaml").write_text(text, encoding="utf-8")

    def send(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run the command; 2 and 3 for what it raises, as the program has it."""
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        environ = {
            "TEAMS": self.server.url("/teams/" + URL_SECRET), "SLACK": self.server.url("/slack/" + URL_SECRET),
            "HOOK": self.server.url("/hook/" + URL_SECRET), "HOOK_SECRET": SECRET,
            "AUDITOR_CA_BUNDLE": str(self.server.ca), "XDG_STATE_HOME": str(self.folder / "state"), **environment,
        }  # fmt: skip
        err = io.StringIO()
        with placed(self.folder, environ), contextlib.redirect_stderr(err):
            try:
                code = command.run(parser.parse_args(["result.json", *arguments]))
            except (SettingsError, InputError) as error:
                code = 2
                err.write(f"{error.message} {error.hint}")
            except AuditorError as error:
                code = 3
                err.write(error.message)
        told = err.getvalue()
        kept = "".join(path.read_text(encoding="utf-8") for path in self.folder.rglob("*.json*") if path.is_file())
        assert URL_SECRET not in told + kept
        assert SECRET not in told + kept
        return code, told

    def posted(self, name: str) -> list[Any]:
        return [json.loads(each.body) for each in self.server.posted if each.path.startswith(f"/{name}/")]


@pytest.fixture
def place(tmp_path: Path, shared: WebhookServer, saved: bytes) -> Place:
    (tmp_path / "result.json").write_bytes(saved)
    shared.posted.clear()
    shared.answers.clear()
    return Place(folder=tmp_path, server=shared)


def text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


@pytest.mark.slow
def test_every_channel_gets_its_part_once(place: Place) -> None:
    place.tenants(
        "[{address: teams:TEAMS, severities: [critical], locale: en}, {address: slack:SLACK}]",
        other="[{address: webhook:HOOK}]",
        more="mail: {from: a@contoso.example, smtp: {host: 127.0.0.1}, send: always}\n",
    )
    code, said = place.send()
    assert code == 0, said
    assert "message to teams:TEAMS: accepted" in said
    ((teams,), (slack,), (event,)) = (place.posted(name) for name in ("teams", "slack", "hook"))
    assert teams["attachments"][0]["content"]["lang"] == "en"
    assert "Contoso" not in text(event)
    assert [tenant["name"] for tenant in event["data"]["tenants"]] == ["fabrikam"]
    assert event["data"]["redacted"] is True
    assert "Fabrikam" not in text(slack)
    code, said = place.send()
    assert (code, len(place.server.posted)) == (0, 3)
    assert "message to slack:SLACK: already sent" in said, "pseudonyms of another process are the same message"


def test_nobody_is_told_that_nothing_changed(place: Place) -> None:
    place.tenants("[]", other="[{address: teams:TEAMS}]")
    code, said = place.send()
    assert (code, place.server.posted) == (0, [])
    assert "message to teams:TEAMS: nothing to report" in said


def test_a_channel_of_the_command_line_needs_no_file(place: Place) -> None:
    code, said = place.send("--to", "slack:SLACK", AUDITOR_WEBHOOK_HOSTS="localhost")
    assert code == 0, said
    assert len(place.posted("slack")) == 1
    code, said = place.send("--to", "slack:SLACK")
    assert code == 2
    assert "host that is not allowed" in said


def test_mail_is_what_needs_a_mail_block(place: Place) -> None:
    place.tenants("[{address: ann@contoso.example}, {address: slack:SLACK}]")
    code, said = place.send()
    assert (code, place.server.posted) == (2, [])
    assert "does not say how mail is sent" in said
    assert place.send("--to", "slack:SLACK")[0] == 0
    assert place.send("--to", "mail")[0] == 2


def test_a_dry_run_writes_what_would_be_posted(place: Place) -> None:
    place.tenants("[{address: teams:TEAMS}, {address: webhook:HOOK}]")
    code, said = place.send("--dry-run")
    assert (code, place.server.posted) == (0, []), said
    names = sorted(path.name for path in (place.folder / "out" / "mail").iterdir())
    assert names == ["teams_TEAMS.json", "webhook_HOOK.json"]
    assert not (place.folder / "state").exists()


@pytest.mark.parametrize(
    ("answer", "slug"), [(Answer(status=404, body=URL_SECRET.encode()), "refused"), (Answer(status=HANG_UP), "unknown")]
)
def test_a_message_that_fails_is_three(place: Place, answer: Answer, slug: str) -> None:
    place.tenants("[{address: slack:SLACK}]")
    place.server.answers.append(answer)
    code, said = place.send()
    assert code == 3
    assert f"error[webhook-{slug}]: message to slack:SLACK" in said
    place.server.answers.clear()
    code, said = place.send()
    # A refused message goes out the next time; one that may have arrived waits for a person.
    assert slug == "refused" or "look into the channel" in said
    assert code == (0 if slug == "refused" else 3)
    assert place.send("--resend")[0] == 0
    assert len(place.posted("slack")) == (3 if slug == "refused" else 2)


@pytest.mark.parametrize(
    ("environment", "wrong"),
    [
        ({"TEAMS": ""}, "the environment variable TEAMS is not set"),
        ({"TEAMS": f"https://teams.evil.example/{URL_SECRET}"}, "host that is not allowed"),
        ({"TEAMS": f"http://localhost.evil.example/{URL_SECRET}"}, "it must be https"),
        ({"AUDITOR_REDACT_KEY": "short"}, "a key needs at least"),
    ],
)
def test_what_is_missing_stops_before_anything(place: Place, environment: dict[str, str], wrong: str) -> None:
    place.tenants("[{address: slack:SLACK}, {address: teams:TEAMS}]")
    code, said = place.send(**environment)
    assert code in {2, 3}
    assert wrong in said
    assert not place.server.posted


@pytest.mark.parametrize(
    ("recipient", "wrong"),
    [
        (f"{{address: 'https://hooks.slack.com/services/{URL_SECRET}'}}", "a mail address, or teams:"),
        (f"{{address: 'slack:https://hooks.slack.com/{URL_SECRET}'}}", "a mail address, or teams:"),
        ("{address: slack:SLACK, attach: csv}", "takes no attachment"),
    ],
)
def test_a_url_in_the_file_is_refused_and_not_quoted(place: Place, recipient: str, wrong: str) -> None:
    place.tenants(f"[{recipient}]")
    code, said = place.send()
    assert code == 2
    assert wrong in said


def test_channels_hold_pseudonyms_unless_names_are_wanted(place: Place) -> None:
    place.tenants("[{address: webhook:HOOK}]")
    assert place.send("--names")[0] == 0
    assert place.send("--resend")[0] == 0
    named, hidden = place.posted("hook")
    assert (named["data"]["redacted"], hidden["data"]["redacted"]) == (False, True)
