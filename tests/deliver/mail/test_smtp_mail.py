"""Tests SMTP through a real server: encryption, passwords, addresses, refusals and missing responses."""

import gc
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.deliver.mail.mail_message import MailMessage
from auditor.deliver.mail.smtp_mail import open_relay, send
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.domain.errors import SettingsError
from auditor.domain.settings import SmtpMail, StartTls
from tests.builders.service.mail_messages import attachment, mail_message
from tests.builders.service.mail_relay import PASSWORD, USER, Running, free_port, relay, silent

ENVIRON = {"RELAY_USER": USER, "RELAY_PASSWORD": PASSWORD}


def settings(running: Running, **options: object) -> SmtpMail:
    defaults = SmtpMail(host=running.host, port=running.port, ca=str(running.ca))
    return replace(defaults, **options)


def sent(smtp: SmtpMail, message: MailMessage | None = None, *, timeout: float = 10) -> SendAttempt:
    return send(open_relay(smtp, ENVIRON), message or mail_message(), timeout=timeout)


@pytest.mark.slow
def test_mail_is_delivered_encrypted_with_all_parts(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        attempt = sent(
            settings(running), mail_message(subject="Lisanslar: 2 kritik ığüşöç", attachment=attachment(200_000))
        )
    assert attempt == SendAttempt(status=SendStatus.ACCEPTED)
    assert running.box.encrypted == [True]
    ((sender, recipients, mail),) = running.box.mails
    assert (sender, recipients) == ("audit@contoso.example", ["ann@contoso.example"])
    assert mail["subject"] == "Lisanslar: 2 kritik ığüşöç"
    assert mail["auto-submitted"] == "auto-generated"
    assert mail["content-language"] == "en"
    (file,) = mail.iter_attachments()
    assert file.get_content() == attachment(200_000).body
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/zip",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("greets", [True, False])
def test_connection_with_implicit_encryption_is_closed(
    greets: bool,  # noqa: FBT001
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An open socket raises a ResourceWarning, which fails the test."""
    with relay(tmp_path, implicit=True) as running:
        running.box.greets = greets
        monkeypatch.setattr("auditor.deliver.mail.smtp_mail.IMPLICIT_TLS_PORT", running.port)
        attempt = sent(settings(running))
        gc.collect()
    assert attempt.status is (SendStatus.ACCEPTED if greets else SendStatus.REFUSED)
    assert len(running.box.mails) == greets


def test_sign_in_happens_after_encryption(tmp_path: Path) -> None:
    with relay(tmp_path, auth=True) as running:
        attempt = sent(settings(running, username_env="RELAY_USER", password_env="RELAY_PASSWORD"))
    assert attempt.status is SendStatus.ACCEPTED
    assert running.box.logins == [USER]


def test_error_for_a_wrong_password_does_not_contain_it(tmp_path: Path) -> None:
    wrong = {"RELAY_USER": USER, "RELAY_PASSWORD": "hunter2"}
    with relay(tmp_path, auth=True) as running:
        smtp = settings(running, username_env="RELAY_USER", password_env="RELAY_PASSWORD")
        attempt = send(open_relay(smtp, wrong), mail_message(), timeout=10)
    assert attempt.status is SendStatus.REFUSED
    assert "refused the sign-in (535)" in attempt.message
    assert "hunter2" not in f"{attempt}"
    assert "hunter2" not in repr(open_relay(smtp, wrong))
    assert not running.box.mails


def test_missing_environment_variable_is_named(tmp_path: Path) -> None:
    with relay(tmp_path) as running, pytest.raises(SettingsError, match="RELAY_PASSWORD"):
        open_relay(settings(running, username_env="RELAY_USER", password_env="RELAY_PASSWORD"), {"RELAY_USER": USER})


def test_mail_is_refused_if_the_server_does_not_offer_starttls(tmp_path: Path) -> None:
    with relay(tmp_path, starttls=False) as running:
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.REFUSED
    assert "does not offer STARTTLS" in attempt.message
    assert not running.box.mails


@pytest.mark.parametrize("mode", [StartTls.OPTIONAL, StartTls.NONE])
def test_mail_is_sent_without_encryption_if_that_is_configured(mode: StartTls, tmp_path: Path) -> None:
    with relay(tmp_path, starttls=False) as running:
        attempt = sent(settings(running, starttls=mode))
    assert attempt.status is SendStatus.ACCEPTED
    assert running.box.encrypted == [False]


@pytest.mark.slow
def test_optional_starttls_encrypts_if_offered_and_checks_the_certificate(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        assert sent(settings(running, starttls=StartTls.OPTIONAL)).status is SendStatus.ACCEPTED
        assert sent(settings(running, starttls=StartTls.OPTIONAL, ca=None)).status is SendStatus.REFUSED
    assert running.box.encrypted == [True]


def test_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    with relay(tmp_path, name="other.example") as running:
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.REFUSED
    assert "certificate" in attempt.message
    assert attempt.hint == "write the name that is in the certificate in mail.smtp.host"
    assert not running.box.mails


def test_mail_is_sent_to_an_ipv6_address(tmp_path: Path) -> None:
    with relay(tmp_path, host="::1") as running:
        assert sent(settings(running)).status is SendStatus.ACCEPTED
        assert sent(settings(running, host="[::1]")).status is SendStatus.ACCEPTED
    assert len(running.box.mails) == 2


def test_refused_recipient_is_reported_as_refused(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        running.box.refuse["ann@contoso.example"] = "550 5.1.1 no such user \x1b[31m"
        attempt = sent(settings(running))
        assert sent(settings(running), mail_message(recipient="bo@contoso.example")).status is SendStatus.ACCEPTED
    assert attempt.status is SendStatus.REFUSED
    assert "the recipient ann@contoso.example: 550" in attempt.message
    assert "\x1b" not in attempt.message


@pytest.mark.parametrize("response", ["451 4.7.1 greylisted", "554 5.7.1 content refused"])
def test_refusal_after_data_is_reported_as_refused(response: str, tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        running.box.after_data = response
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.REFUSED
    assert response[:3] in attempt.message


def test_outcome_is_unknown_if_the_connection_ends_after_data(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        running.box.hang_up = True
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.UNKNOWN
    assert mail_message().message_id in str(attempt.hint)


def test_non_ascii_local_part_needs_a_relay_with_smtputf8(tmp_path: Path) -> None:
    message = mail_message(recipient="çağla@contoso.example")
    with relay(tmp_path) as running:
        assert sent(settings(running), message).status is SendStatus.ACCEPTED
    ((_, recipients, mail),) = running.box.mails
    assert recipients == ["çağla@contoso.example"]
    assert str(mail["to"]) == "çağla@contoso.example"
    with relay(tmp_path, utf8=False) as running:
        attempt = sent(settings(running), message)
    assert attempt.status is SendStatus.REFUSED
    assert "SMTPUTF8" in attempt.message


def test_non_ascii_domain_is_sent_in_punycode(tmp_path: Path) -> None:
    with relay(tmp_path, utf8=False) as running:
        assert sent(settings(running), mail_message(recipient="ann@müller.example")).status is SendStatus.ACCEPTED
    assert running.box.mails[0][1] == ["ann@xn--mller-kva.example"]


def test_mail_above_the_size_limit_of_the_server_is_refused(tmp_path: Path) -> None:
    with relay(tmp_path, size=100_000) as running:
        attempt = sent(settings(running), mail_message(attachment=attachment(300_000)))
    assert attempt.status is SendStatus.REFUSED
    assert not running.box.mails


@pytest.mark.slow
def test_mail_is_refused_if_the_server_is_unreachable_or_silent() -> None:
    unreachable = SmtpMail(host="127.0.0.1", port=free_port("127.0.0.1"))
    assert sent(unreachable).status is SendStatus.REFUSED
    with silent() as port:
        attempt = sent(SmtpMail(host="127.0.0.1", port=port), timeout=0.3)
    assert attempt.status is SendStatus.REFUSED
    assert "timed out" in attempt.message


@pytest.mark.parametrize("name", ["AUDITOR_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_relay_is_trusted_by_the_variables_that_other_connections_use(name: str, tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        smtp = settings(running, ca=None)
        environ = {**ENVIRON, "AUDITOR_CA_BUNDLE": "", name: str(running.ca)}
        assert send(open_relay(smtp, environ), mail_message(), timeout=10).status is SendStatus.ACCEPTED
