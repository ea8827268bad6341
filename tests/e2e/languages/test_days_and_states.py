"""Tests that dates and states within sentences are formatted in the reader's language."""

import re
from datetime import date

import pytest

from auditor.domain.message import Message
from auditor.localization import localization
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from tests.builders.result.results import contoso
from tests.localization.catalogue_messages import LANGUAGES

ALL_LANGUAGES = ("en", *LANGUAGES)


def waiver_notice(day: date) -> Message:
    waiver = {"waiver": "W-1", "owner": "ann@contoso.example"}
    return Message("the waiver {waiver} ({owner}) applied until {day}: its findings are open again", day=day, **waiver)


@pytest.mark.parametrize("language", ALL_LANGUAGES)
def test_date_in_a_notice_is_formatted_in_the_language(language: str) -> None:
    l10n = localization(language)
    text = l10n.translate(waiver_notice(date(2026, 12, 3)))
    assert "W-1" in text
    assert not re.search(r"\d{4}-\d\d-\d\d", text)
    assert l10n.translate(waiver_notice(date(2026, 11, 28))) != text


@pytest.mark.parametrize(
    ("language", "day"), [("de", "03.12.2026"), ("nl", "3 dec 2026"), ("da", "3. dec. 2026"), ("en", "3 Dec 2026")]
)
def test_notice_contains_its_date(language: str, day: str) -> None:
    assert day in localization(language).translate(waiver_notice(date(2026, 12, 3)))


@pytest.mark.parametrize(
    ("language", "state"),
    [("en", "Expired"), ("nl", "Verlopen"), ("da", "Udløbet"), ("tr", "Süresi Doldu"), ("de", "Abgelaufen")],
)
def test_evidence_has_the_portal_s_name_of_a_subscription_state(language: str, state: str) -> None:
    renewal = next(finding for finding in contoso().findings if finding.policy == "renewals")
    text = evidence_text(renewal, Labels(language))
    assert state in text
    assert "Warning" not in text
