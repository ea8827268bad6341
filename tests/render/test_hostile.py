"""What a tenant, a policy or a saved result holds is shown in a mail, a page and a terminal, and does nothing there."""

import re
from functools import cache
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from auditor.cli.terminal.result import terminal_text
from auditor.render import render
from auditor.render.html.content import PageContent
from auditor.render.mail.message import MAX_SIZE, render_mail
from auditor.render.mail.view import Reader
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.results import result

pytestmark = pytest.mark.slow

ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
READER = Reader(locale="en", link="https://reports.example/r.html", anchors=True)

every_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


class Tags(HTMLParser):
    """The elements of a page with their attributes, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.known: set[tuple[str, ...]] = set()
        self.addresses: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.known.add((tag, *sorted(name for name, _ in attrs if name not in {"hidden", "open"})))
        self.addresses |= {str(value).partition("#")[0] for name, value in attrs if name in {"href", "src"}}


MARKED = holding("a **bold** and `coded` text")
"""What titles and steps may mark, and nothing else."""


@cache
def calm_page() -> Tags:
    return Tags(b"".join(render(MARKED, "html", locale="en").chunks()).decode())


@cache
def calm_mail() -> Tags:
    return Tags(render_mail(MARKED, READER).html)


@every_text
def test_a_mail_shows_it(text: str) -> None:
    parts = render_mail(holding(text), replace(READER, owners=(text,), tags=(text,)))
    seen = Tags(parts.html)
    assert seen.known <= calm_mail().known
    assert seen.addresses <= calm_mail().addresses
    assert len(parts.html.encode()) < MAX_SIZE
    assert not any(ACTING.search(part) for part in (parts.subject, parts.html, parts.text))
    assert len(parts.subject) <= 70
    assert "\n" not in parts.subject
    assert "\nBcc:" not in parts.text


@every_text
def test_a_page_shows_it(text: str) -> None:
    page = b"".join(render(holding(text), "html", locale="en").chunks()).decode()
    seen = Tags(page)
    assert seen.known <= calm_page().known
    assert seen.addresses <= calm_page().addresses
    assert not ACTING.search(page)


@every_text
def test_a_terminal_shows_it(text: str) -> None:
    shown = terminal_text(PageContent(holding(text), "en"), paths=(text,)).decode()
    assert not ACTING.search(shown)
    calm = terminal_text(PageContent(result(), "en"), paths=()).decode()
    assert len(shown.splitlines()) < 2 * len(calm.splitlines())
