"""`auditor send` to Teams, Slack and webhooks: routing, pseudonyms, each message once, and no secret in any output."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared
from tests.builders.service.mail_place import sent, write_tenants
from tests.builders.service.web_server import HANG_UP, Response
from tests.builders.service.webhook_server import WebhookServer, webhook_server

pytestmark = pytest.mark.slow
URL_SECRET = "s3cr3t-part-of-the-url"
SECRET = "whsec_" + base64.b64encode(bytes(32)).decode()


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    with webhook_server(tmp_path_factory.mktemp("webhook")) as server:
        yield server


@pytest.fixture(scope="module")
def result_body() -> bytes:
    return rendered_bytes(compared(), "json")


class Place(Struct, frozen=True, kw_only=True):
    """A folder with a result and a tenants file, and a server that records posted messages."""

    folder: Path
    server: WebhookServer

    def tenants(self, recipients: str, *, more: str = "", other: str = "[]") -> None:
        write_tenants(self.folder, recipients, other, f"webhooks: {{hosts: [localhost]}}\n{more}")

    def send(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run the command and return exit code and messages."""
        environ = {
            "TEAMS": self.server.url("/teams/" + URL_SECRET), "SLACK": self.server.url("/slack/" + URL_SECRET),
            "HOOK": self.server.url("/hook/" + URL_SECRET), "HOOK_SECRET": SECRET,
            "AUDITOR_CA_BUNDLE": str(self.server.ca), **environment,
        }  # fmt: skip
        code, messages = sent(self.folder, *arguments, **environ)
        files = "".join(path.read_text(encoding="utf-8") for path in self.folder.rglob("*.json*") if path.is_file())
        assert URL_SECRET not in messages + files
        assert SECRET not in messages + files
        return code, messages

    def posted(self, name: str) -> list[Any]:
        return [json.loads(request.body) for request in self.server.posted if request.path.startswith(f"/{name}/")]


@pytest.fixture
def sending(tmp_path: Path, webhook: WebhookServer, result_body: bytes) -> Place:
    (tmp_path / "result.json").write_bytes(result_body)
    webhook.posted.clear()
    webhook.answers.clear()
    return Place(folder=tmp_path, server=webhook)


def text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False)


@pytest.mark.parametrize("prefix", ["", "slack:", "webhook:"])
def test_url_in_the_to_option_is_an_error_that_does_not_quote_it(sending: Place, prefix: str) -> None:
    sending.tenants("[{address: slack:SLACK}]")
    code, messages = sending.send("--to", prefix + sending.server.url("/slack/" + URL_SECRET))
    assert code == 2
    assert "slack:NAME" in messages or f"write {prefix}{prefix[:-1].upper()}_URL" in messages


def test_each_channel_gets_its_findings_once(sending: Place) -> None:
    sending.tenants(
        "[{address: teams:TEAMS, severities: [critical], locale: en}, {address: slack:SLACK}]",
        other="[{address: webhook:HOOK}]",
        more="mail: {from: a@contoso.example, smtp: {host: 127.0.0.1}, send: always}\n",
    )
    code, output = sending.send()
    assert code == 0, output
    assert "message to teams:TEAMS: accepted\n" in output
    assert "message to webhook:HOOK: accepted\n" in output
    ((teams,), (slack,), (event,)) = (sending.posted(name) for name in ("teams", "slack", "hook"))
    assert teams["attachments"][0]["content"]["lang"] == "en"
    assert "Contoso" not in text(event)
    assert [tenant["name"] for tenant in event["data"]["tenants"]] == ["fabrikam"]
    assert event["data"]["redacted"] is True
    assert "Fabrikam" not in text(slack)
    code, output = sending.send()
    assert (code, len(sending.server.posted)) == (0, 3)
    assert "message to slack:SLACK: already sent" in output, "other pseudonyms do not make it another message"


def test_no_message_is_posted_if_there_is_nothing_to_report(sending: Place) -> None:
    sending.tenants("[]", other="[{address: teams:TEAMS}]")
    code, output = sending.send()
    assert (code, sending.server.posted) == (0, [])
    assert "message to teams:TEAMS: nothing to report" in output


def test_channel_in_the_to_option_needs_no_tenants_file(sending: Place) -> None:
    code, output = sending.send("--to", "slack:SLACK", AUDITOR_WEBHOOK_HOSTS="localhost")
    assert code == 0, output
    assert len(sending.posted("slack")) == 1
    code, output = sending.send("--to", "webhook:SLACK", AUDITOR_WEBHOOK_HOSTS="localhost")
    assert "webhook:SLACK: accepted, not signed; to sign messages, put a secret into SLACK_SECRET" in output
    code, output = sending.send("--to", "slack:SLACK")
    assert code == 2
    assert "host that is not allowed" in output


def test_mail_settings_are_required_only_for_mail_recipients(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}, {address: slack:SLACK}]")
    code, output = sending.send()
    assert (code, sending.server.posted) == (2, [])
    assert "has no settings for sending mail" in output
    assert sending.send("--to", "slack:SLACK")[0] == 0
    assert sending.send("--to", "mail")[0] == 2


def test_dry_run_writes_the_messages_and_posts_nothing(sending: Place) -> None:
    sending.tenants("[{address: teams:TEAMS}, {address: webhook:HOOK}]")
    code, output = sending.send("--dry-run")
    assert (code, sending.server.posted) == (0, []), output
    names = sorted(path.name for path in (sending.folder / "out" / "mail").iterdir())
    assert names == ["teams_TEAMS.json", "webhook_HOOK.json"]
    assert not (sending.folder / "state").exists()


@pytest.mark.parametrize(
    ("answer", "slug"),
    [(Response(status=404, body=URL_SECRET.encode()), "refused"), (Response(status=HANG_UP), "unknown")],
)
def test_failed_message_exits_with_3(sending: Place, answer: Response, slug: str) -> None:
    sending.tenants("[{address: slack:SLACK}]")
    sending.server.answers.append(answer)
    code, output = sending.send()
    assert code == 3
    assert f"error[webhook-{slug}]: message to slack:SLACK" in output
    sending.server.answers.clear()
    code, output = sending.send()
    # A refused message is sent in the next run; one that may have arrived is sent only with --resend.
    assert slug == "refused" or "check the channel" in output
    assert code == (0 if slug == "refused" else 3)
    assert sending.send("--resend")[0] == 0
    assert len(sending.posted("slack")) == (3 if slug == "refused" else 2)


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({"TEAMS": ""}, "the environment variable TEAMS is not set"),
        ({"TEAMS": f"https://teams.evil.example/{URL_SECRET}"}, "host that is not allowed"),
        ({"TEAMS": f"http://localhost.evil.example/{URL_SECRET}"}, "it must be https"),
        ({"AUDITOR_REDACT_KEY": "short"}, "a key needs at least"),
    ],
)
def test_invalid_variable_is_an_error_before_anything_is_posted(
    sending: Place, environment: dict[str, str], error: str
) -> None:
    sending.tenants("[{address: slack:SLACK}, {address: teams:TEAMS}]")
    code, output = sending.send(**environment)
    assert code in {2, 3}
    assert error in output
    assert not sending.server.posted


@pytest.mark.parametrize(
    ("recipient", "error"),
    [
        (f"{{address: 'https://hooks.slack.com/services/{URL_SECRET}'}}", "a mail address, or teams:"),
        (f"{{address: 'slack:https://hooks.slack.com/{URL_SECRET}'}}", "a mail address, or teams:"),
        ("{address: slack:SLACK, attach: csv}", "does not accept attachments"),
    ],
)
def test_url_in_the_tenants_file_is_an_error_that_does_not_quote_it(sending: Place, recipient: str, error: str) -> None:
    sending.tenants(f"[{recipient}]")
    code, output = sending.send()
    assert code == 2
    assert error in output


def test_messages_contain_pseudonyms_unless_the_names_option_is_given(sending: Place) -> None:
    sending.tenants("[{address: webhook:HOOK}]")
    assert sending.send("--names")[0] == 0
    assert sending.send("--resend")[0] == 0
    named, hidden = sending.posted("hook")
    assert (named["data"]["redacted"], hidden["data"]["redacted"]) == (False, True)
