"""Tests complete reports in every language: translated texts, dates, states and figures, equal data, and the terminal."""

import io
import re
from datetime import date
from functools import cache
from html import unescape
from html.parser import HTMLParser

import pytest
from rich.console import Console

from auditor.app.report.localization import localized_result
from auditor.cli.terminal.result import terminal
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.localization import localization
from auditor.render import FORMATS, render
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from auditor.render.view.content import PageContent
from auditor.settings.locales import checked_locale
from tests.builders.result.audited_demo import demo_result
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import contoso
from tests.localization.catalogue_messages import BOLD, LANGUAGES, wanted
from tests.localization.extract import DOMAINS

pytestmark = pytest.mark.slow
TRANSLATED_ATTRIBUTES = {"lang", "aria-label"}


@cache
def page(locale: str) -> str:
    chunks = render(demo_result(locale), "html", locale=locale)
    return b"".join(chunks).decode()


def visible_texts(html: str) -> list[str]:
    """Return the visible texts of a page without commands."""
    markup = re.sub(r"(?s)<(script|style|pre|code)\b.*?</\1>", "", html)
    return [text for piece in re.split(r"<[^>]+>", markup) if (text := unescape(piece).strip())]


@cache
def plain_messages() -> frozenset[str]:
    """Return the messages without placeholders and markup, except labels of the portal."""
    labels = {label for message in wanted("guidance") for label in BOLD.findall(str(message.id))}
    ids = {message.id for domain in DOMAINS for message in wanted(domain) if isinstance(message.id, str)}
    return frozenset(text for text in ids - labels if text and not re.search(r"[{%*`]", text))


def english_only(language: str) -> set[str]:
    """Return the messages whose translation differs from English."""
    l10n = localization(language)
    return {text for text in plain_messages() if l10n.gettext(text) != text}


class Elements(HTMLParser):
    """Parser that collects elements with attributes; for translated attributes, only if they are empty."""

    def __init__(self) -> None:
        super().__init__()
        self.collected: list[tuple[str, dict[str, str | bool | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.collected.append(
            (tag, {name: bool(value) if name in TRANSLATED_ATTRIBUTES else value for name, value in attrs})
        )


def elements(html: str) -> list[tuple[str, dict[str, str | bool | None]]]:
    parser = Elements()
    parser.feed(html)
    return parser.collected


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_no_english_text(language: str) -> None:
    assert f'lang="{language}"' in page(language)
    assert set(visible_texts(page(language))) & english_only(language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_has_the_same_elements_in_every_language(language: str) -> None:
    assert elements(page(language)) == elements(page("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_action_titles_and_steps_are_translated_but_requests_are_not(language: str) -> None:
    before = {action.id: action for tenant in demo_result().tenants for action in tenant.actions}
    after = {action.id: action for tenant in demo_result(language).tenants for action in tenant.actions}
    assert before.keys() == after.keys()
    assert before
    for name, action in after.items():
        original = before[name]
        assert action.title != original.title
        assert len(action.steps) == len(original.steps)
        assert all(step != english for step, english in zip(action.steps, original.steps, strict=True))
        assert (action.requests, action.findings, action.money) == (
            original.requests,
            original.findings,
            original.money,
        )
        assert [link.address for link in action.links] == [link.address for link in original.links]


@pytest.mark.parametrize("name", ["json", "csv", "ndjson"])
def test_machine_readable_formats_do_not_depend_on_the_language(name: str) -> None:
    assert not FORMATS[name].localized
    bodies = {rendered_bytes(demo_result(), name, locale=locale) for locale in ("en", "de", "tr")}
    assert len(bodies) == 1


def test_report_in_an_unavailable_language_is_english_with_a_note() -> None:
    html = page("fr-FR")
    assert 'lang="en"' in html
    assert "there is no translation for “fr-FR”" in unescape(html)
    assert localized_result(demo_result(), "fr-FR") is demo_result()


def test_unavailable_language_of_option_locale_raises_usage_error() -> None:
    assert checked_locale("nl-BE") == "nl-BE"
    with pytest.raises(UsageError) as raised:
        checked_locale("fr")
    assert raised.value.slug == "locale-unknown"
    assert raised.value.hint is not None
    assert "nl" in raised.value.hint


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_policy_text_for_a_product_is_never_truncated(language: str, width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=False)
    terminal(PageContent(demo_result(language), language), console, paths=())
    lines = out.getvalue().splitlines()
    start = next(number for number, line in enumerate(lines) if "Visio Plan 2" in line)
    table = lines[start : start + 10]
    assert max(map(len, lines)) <= width
    assert all(not line.rstrip().endswith("…") for line in table)
    assert all("11/10" in line for line in table[:1])


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
