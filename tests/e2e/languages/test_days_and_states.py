"""Tests that dates and states within sentences are formatted in the reader's language."""

from datetime import date

import pytest

from auditor.domain.message import Message
from auditor.localization import localization
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from tests.builders.result.results import contoso


@pytest.mark.parametrize(
    ("language", "day"), [("de", "03.12.2026"), ("nl", "3 dec 2026"), ("da", "3. dec. 2026"), ("en", "3 Dec 2026")]
)
def test_date_in_a_notice_is_formatted_in_the_language(language: str, day: str) -> None:
    waiver = {"waiver": "W-1", "owner": "ann@contoso.example", "day": date(2026, 12, 3)}
    notice = Message("the waiver {waiver} ({owner}) applied until {day}: its findings are open again", **waiver)
    assert day in localization(language).translate(notice)


@pytest.mark.parametrize(
    ("language", "state"),
    [("en", "Expired"), ("nl", "Verlopen"), ("da", "Udløbet"), ("tr", "Süresi Doldu"), ("de", "Abgelaufen")],
)
def test_evidence_has_the_portal_s_name_of_a_subscription_state(language: str, state: str) -> None:
    renewal = next(finding for finding in contoso().findings if finding.policy == "renewals")
    text = evidence_text(renewal, Labels(language))
    assert state in text
    assert "Warning" not in text
