"""A letter as a message: headers that nobody can break out of, and the same bytes every time."""

# ruff: noqa: RUF001 - Turkish has its own letters

from email import message_from_bytes
from email.policy import default

import pytest

from auditor.deliver.mail.letter import message, split_address
from auditor.domain.errors import DeliveryError
from tests.builders.service.letters import attachment, letter


def test_the_same_letter_is_the_same_bytes() -> None:
    made = letter(attachment=attachment(1000))
    assert message(made).as_bytes() == message(made).as_bytes()
    assert message(letter()).as_bytes() != message(letter(text="Other.\n")).as_bytes()


def test_no_line_is_longer_than_mail_may_have() -> None:
    made = letter(
        subject="[Contoso Perakende Mağazacılık] Lisanslar: 2 kritik, 13 yeni — 20 Kas 2026",
        text="ş" * 5000,
        html="<p>" + "ş" * 5000,
    )
    raw = message(made).as_bytes()
    head, _, _ = raw.partition(b"\r\n\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert raw.isascii()
    assert b"=?utf-8?" in head
    assert message_from_bytes(raw, policy=default)["subject"] == made.subject


def test_no_encoded_word_is_empty() -> None:
    raw = message(letter(subject="[Contoso Retail] Licences: 1 critical, 11 new, 4 fixed — 21 Nov 2026")).as_bytes()
    lines = raw.partition(b"\r\nDate:")[0].partition(b"Subject: ")[2].split(b"\r\n ")
    assert all(line.startswith(b"=?utf-8?") and len(line) > 20 and b"??=" not in line for line in lines)
    assert max(map(len, lines)) <= 76


@pytest.mark.parametrize("subject", ["a\r\nBcc: evil@evil.example", "a\nb", "a\rb"])
def test_a_subject_with_a_line_break_is_no_subject(subject: str) -> None:
    with pytest.raises(ValueError, match="line"):
        message(letter(subject=subject))


@pytest.mark.parametrize(
    "address",
    [
        "ann@contoso.example\r\nBcc: evil@evil.example", "ann@contoso.example, evil@evil.example", "a,b@contoso.example",
        "ann@contoso.example>", "<ann@contoso.example", "ann", "@contoso.example", "ann@", "ann@[127.0.0.1]",
        "ann@-contoso.example", "a b@contoso.example", '"a b"@contoso.example', "ann@contoso..example", "ann@\u202econtoso.example",
    ],
)  # fmt: skip
def test_what_is_no_address_is_not_sent_to(address: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        split_address(address)
    assert caught.value.slug == "mail-address"
    assert caught.value.message.isprintable()


def test_the_message_id_is_the_sender_s_and_stable() -> None:
    made = letter(sender="audit@münchen.example")
    assert made.message_id == letter(sender="audit@münchen.example").message_id
    assert made.message_id.endswith("@xn--mnchen-3ya.example>")
    assert [len(part) for part in made.request_id.split("-")] == [8, 4, 4, 4, 12]
