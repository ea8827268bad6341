"""Tests that hostile text of tenants, policies and saved results has no effect in mail, page and terminal."""

import re
from functools import cache
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from auditor.cli.terminal.result import terminal_text
from auditor.render.mail.message import MAX_SIZE, render_mail
from auditor.render.mail.view import Reader
from auditor.render.view.content import PageContent
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import result

pytestmark = pytest.mark.slow

CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
READER = Reader(locale="en", link="https://reports.example/r.html", anchors=True)

every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


class Tags(HTMLParser):
    """Parser that collects the elements of a page with their attributes, and the targets of its links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[tuple[str, ...]] = set()
        self.addresses: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add((tag, *sorted(name for name, _ in attrs if name not in {"hidden", "open"})))
        self.addresses |= {str(value).partition("#")[0] for name, value in attrs if name in {"href", "src"}}


MARKED = holding("a **bold** and `coded` text")
"""A result with all markup that is allowed in titles and steps."""


@cache
def normal_page() -> Tags:
    return Tags(rendered_text(MARKED, "html"))


@cache
def normal_mail() -> Tags:
    return Tags(render_mail(MARKED, READER).html)


@every_text
def test_hostile_text_adds_no_elements_or_links_to_a_mail(text: str) -> None:
    parts = render_mail(holding(text), replace(READER, owners=(text,), tags=(text,)))
    shown = Tags(parts.html)
    assert shown.elements <= normal_mail().elements
    assert shown.addresses <= normal_mail().addresses
    assert "javascript:" not in "".join(shown.addresses)
    assert len(parts.html.encode()) < MAX_SIZE
    assert not any(CONTROLS.search(part) for part in (parts.subject, parts.html, parts.text))
    assert len(parts.subject) <= 70
    assert "\n" not in parts.subject
    assert "\nBcc:" not in parts.text


@every_text
def test_hostile_text_adds_no_elements_or_links_to_a_page(text: str) -> None:
    page = rendered_text(holding(text), "html")
    shown = Tags(page)
    assert shown.elements <= normal_page().elements
    assert shown.addresses <= normal_page().addresses
    assert "javascript:" not in "".join(shown.addresses)
    assert not CONTROLS.search(page)


@every_text
def test_hostile_text_is_escaped_in_the_terminal(text: str) -> None:
    output = terminal_text(PageContent(holding(text), "en"), paths=(text,)).decode()
    assert not CONTROLS.search(output)
    normal = terminal_text(PageContent(result(), "en"), paths=()).decode()
    assert len(output.splitlines()) < 2 * len(normal.splitlines())
