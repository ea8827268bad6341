"""A part of a result: its costs are those of its findings, and amounts of actions count all findings of the actions."""

import json
from decimal import Decimal

import pytest

from auditor.app.recipients.envelopes import Envelope
from auditor.app.recipients.portion import portion
from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.domain.settings import Channel, Recipient
from auditor.render.chat.message import render_message
from auditor.render.mail.message import render_mail
from auditor.render.mail.view import Reader
from auditor.result.aggregate import money
from tests.builders.result.actions import with_actions
from tests.builders.tenant.tenants import audited, bought, policy_set, tenant, user

RULES = """policies:
- {id: hr, severity: high, users: {department: HR}, assignments: {deny: [SPE_E3]}}
- {id: it, severity: low, users: {department: IT}, assignments: {deny: [SPE_E3]}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 30}}
"""
SENTENCE = "Amounts of actions also count findings that you do not receive."


def part_of(*severities: Severity) -> Result:
    people = (user(name, "SPE_E3", department=name.upper()) for name in ("hr", "it"))
    result = with_actions(audited(RULES, tenant(*people, subscribedSkus=[bought("SPE_E3", 2, 2)])), policy_set(RULES))
    recipient = Recipient(address="a@x.example", severities=severities or None)
    return portion(result, Envelope(address="a@x.example", locale="en", portions=(("contoso", recipient),)))


@pytest.mark.parametrize("severities", [(Severity.LOW,), (Severity.HIGH, Severity.LOW), ()])
def test_mail_and_channels_say_if_amounts_of_actions_count_more_than_the_part(severities: tuple[Severity, ...]) -> None:
    part, reader = part_of(*severities), Reader(locale="en", severities=severities)
    (action,) = part.tenants[0].actions
    assert action.money is not None
    assert action.money.per_month == 60
    assert action.shared == (len(severities) == 1)
    assert money(part) == {"EUR": Decimal(30 if action.shared else 60)}
    mail = render_mail(part, reader)
    texts = (mail.text, mail.html, json.dumps(json.loads(render_message(part, reader, Channel.TEAMS))))
    assert [SENTENCE in text for text in texts] == [action.shared] * 3
