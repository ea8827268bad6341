"""SMTP through a real server: encryption, passwords, addresses, refusals, and the answer that never comes."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.deliver.mail.letter import MailMessage
from auditor.deliver.mail.smtp_mail import open_relay, send
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.domain.errors import SettingsError
from auditor.domain.tenant import SmtpMail, StartTls
from tests.builders.service.letters import attachment, letter
from tests.builders.service.mail_relay import PASSWORD, USER, Running, free_port, relay, silent

ENVIRON = {"RELAY_USER": USER, "RELAY_PASSWORD": PASSWORD}


def settings(running: Running, **more: object) -> SmtpMail:
    made = SmtpMail(host=running.host, port=running.port, ca=str(running.ca))
    return replace(made, **more)


def sent(to: SmtpMail, what: MailMessage | None = None, *, timeout: float = 10) -> SendAttempt:
    return send(open_relay(to, ENVIRON), what or letter(), timeout=timeout)


def test_a_mail_arrives_encrypted_and_whole(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        attempt = sent(settings(running), letter(subject="Lisanslar: 2 kritik ığüşöç", attachment=attachment(200_000)))
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


def test_a_password_is_given_after_encryption(tmp_path: Path) -> None:
    with relay(tmp_path, auth=True) as running:
        attempt = sent(settings(running, username_env="RELAY_USER", password_env="RELAY_PASSWORD"))
    assert attempt.status is SendStatus.ACCEPTED
    assert running.box.logins == [USER]


def test_a_wrong_password_is_reported_without_it(tmp_path: Path) -> None:
    wrong = {"RELAY_USER": USER, "RELAY_PASSWORD": "hunter2"}
    with relay(tmp_path, auth=True) as running:
        to = settings(running, username_env="RELAY_USER", password_env="RELAY_PASSWORD")
        attempt = send(open_relay(to, wrong), letter(), timeout=10)
    assert attempt.status is SendStatus.REFUSED
    assert "refused the sign-in (535)" in attempt.message
    assert "hunter2" not in f"{attempt}"
    assert "hunter2" not in repr(open_relay(to, wrong))
    assert not running.box.mails


def test_a_missing_variable_is_named(tmp_path: Path) -> None:
    with relay(tmp_path) as running, pytest.raises(SettingsError, match="RELAY_PASSWORD"):
        open_relay(settings(running, username_env="RELAY_USER", password_env="RELAY_PASSWORD"), {"RELAY_USER": USER})


def test_no_encryption_offered_means_no_mail(tmp_path: Path) -> None:
    with relay(tmp_path, starttls=False) as running:
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.REFUSED
    assert "does not offer STARTTLS" in attempt.message
    assert not running.box.mails


@pytest.mark.parametrize("mode", [StartTls.OPTIONAL, StartTls.NONE])
def test_it_goes_in_the_clear_only_where_that_is_configured(mode: StartTls, tmp_path: Path) -> None:
    with relay(tmp_path, starttls=False) as running:
        attempt = sent(settings(running, starttls=mode))
    assert attempt.status is SendStatus.ACCEPTED
    assert running.box.encrypted == [False]


def test_optional_encrypts_where_it_is_offered_and_checks_the_certificate(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        assert sent(settings(running, starttls=StartTls.OPTIONAL)).status is SendStatus.ACCEPTED
        assert sent(settings(running, starttls=StartTls.OPTIONAL, ca=None)).status is SendStatus.REFUSED
    assert running.box.encrypted == [True]


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    with relay(tmp_path, name="other.example") as running:
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.REFUSED
    assert "certificate" in attempt.message
    assert attempt.hint == "write the name that is in the certificate in mail.smtp.host"
    assert not running.box.mails


def test_ipv6(tmp_path: Path) -> None:
    with relay(tmp_path, host="::1") as running:
        assert sent(settings(running)).status is SendStatus.ACCEPTED
        assert sent(settings(running, host="[::1]")).status is SendStatus.ACCEPTED
    assert len(running.box.mails) == 2


def test_a_refused_recipient_is_certainly_not_sent_to(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        running.box.refuse["ann@contoso.example"] = "550 5.1.1 no such user \x1b[31m"
        attempt = sent(settings(running))
        assert sent(settings(running), letter(recipient="bo@contoso.example")).status is SendStatus.ACCEPTED
    assert attempt.status is SendStatus.REFUSED
    assert "the recipient ann@contoso.example: 550" in attempt.message
    assert "\x1b" not in attempt.message


@pytest.mark.parametrize("answer", ["451 4.7.1 greylisted", "554 5.7.1 content refused"])
def test_a_refused_text_is_certainly_not_sent(answer: str, tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        running.box.after_data = answer
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.REFUSED
    assert answer[:3] in attempt.message


def test_a_connection_that_ends_after_the_text_leaves_it_unknown(tmp_path: Path) -> None:
    with relay(tmp_path) as running:
        running.box.hang_up = True
        attempt = sent(settings(running))
    assert attempt.status is SendStatus.UNKNOWN
    assert letter().message_id in str(attempt.hint)


def test_an_address_with_its_own_letters_needs_a_relay_that_takes_them(tmp_path: Path) -> None:
    wide = letter(recipient="çağla@contoso.example")
    with relay(tmp_path) as running:
        assert sent(settings(running), wide).status is SendStatus.ACCEPTED
    ((_, recipients, mail),) = running.box.mails
    assert recipients == ["çağla@contoso.example"]
    assert str(mail["to"]) == "çağla@contoso.example"
    with relay(tmp_path, utf8=False) as running:
        attempt = sent(settings(running), wide)
    assert attempt.status is SendStatus.REFUSED
    assert "SMTPUTF8" in attempt.message


def test_a_domain_with_its_own_letters_goes_as_dns_has_it(tmp_path: Path) -> None:
    with relay(tmp_path, utf8=False) as running:
        assert sent(settings(running), letter(recipient="ann@müller.example")).status is SendStatus.ACCEPTED
    assert running.box.mails[0][1] == ["ann@xn--mller-kva.example"]


def test_a_mail_that_is_too_large_is_refused_by_size(tmp_path: Path) -> None:
    with relay(tmp_path, size=100_000) as running:
        attempt = sent(settings(running), letter(attachment=attachment(300_000)))
    assert attempt.status is SendStatus.REFUSED
    assert not running.box.mails


def test_nobody_at_home() -> None:
    nowhere = SmtpMail(host="127.0.0.1", port=free_port("127.0.0.1"))
    assert sent(nowhere).status is SendStatus.REFUSED
    with silent() as port:
        attempt = sent(SmtpMail(host="127.0.0.1", port=port), timeout=0.3)
    assert attempt.status is SendStatus.REFUSED
    assert "timed out" in attempt.message
