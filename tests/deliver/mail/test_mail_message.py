"""Tests MIME messages: no header injection, valid line lengths, and identical bytes for identical input."""

# ruff: noqa: RUF001 - Turkish letters

from email import message_from_bytes
from email.policy import default

import pytest

from auditor.deliver.mail.mail_message import mime_message, split_address
from auditor.domain.errors import DeliveryError
from tests.builders.service.mail_messages import attachment, mail_message


def test_identical_letters_give_identical_bytes() -> None:
    mail = mail_message(attachment=attachment(1000))
    assert mime_message(mail).as_bytes() == mime_message(mail).as_bytes()
    assert mime_message(mail_message()).as_bytes() != mime_message(mail_message(text="Other.\n")).as_bytes()


def test_no_line_is_longer_than_78_bytes() -> None:
    mail = mail_message(
        subject="[Contoso Perakende Mağazacılık] Lisanslar: 2 kritik, 13 yeni — 20 Kas 2026",
        text="ş" * 5000,
        html="<p>" + "ş" * 5000,
    )
    raw = mime_message(mail).as_bytes()
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert raw.isascii()
    assert b"=?utf-8?" in head
    assert message_from_bytes(raw, policy=default)["subject"] == mail.subject


def test_encoded_words_of_a_long_subject_are_not_empty() -> None:
    raw = mime_message(
        mail_message(subject="[Contoso Retail] Licences: 1 critical, 11 new, 4 fixed — 21 Nov 2026")
    ).as_bytes()
    lines = raw.partition(b"\r\nDate:")[0].partition(b"Subject: ")[2].split(b"\r\n ")
    assert all(line.startswith(b"=?utf-8?") and len(line) > 20 and b"??=" not in line for line in lines)
    assert max(map(len, lines)) <= 76


@pytest.mark.parametrize("subject", ["a\r\nBcc: evil@evil.example", "a\nb", "a\rb"])
def test_subject_with_a_line_break_is_rejected(subject: str) -> None:
    with pytest.raises(ValueError, match="line"):
        mime_message(mail_message(subject=subject))


@pytest.mark.parametrize(
    "address",
    [
        "ann@contoso.example\r\nBcc: evil@evil.example", "ann@contoso.example, evil@evil.example", "a,b@contoso.example",
        "ann@contoso.example>", "<ann@contoso.example", "ann", "@contoso.example", "ann@", "ann@[127.0.0.1]",
        "ann@-contoso.example", "a b@contoso.example", '"a b"@contoso.example', "ann@contoso..example", "ann@\u202econtoso.example",
    ],
)  # fmt: skip
def test_invalid_address_raises_delivery_error(address: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        split_address(address)
    assert caught.value.slug == "mail-address"
    assert caught.value.message.isprintable()


def test_message_id_is_stable_and_has_the_domain_of_the_sender() -> None:
    mail = mail_message(sender="audit@münchen.example")
    assert mail.message_id == mail_message(sender="audit@münchen.example").message_id
    assert mail.message_id.endswith("@xn--mnchen-3ya.example>")
    assert [len(part) for part in mail.request_id.split("-")] == [8, 4, 4, 4, 12]
