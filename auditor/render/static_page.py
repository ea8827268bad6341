"""Renders small static HTML pages without external resources or scripts; all text is escaped."""

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from itertools import chain
from typing import Final

from markupsafe import Markup, escape
from msgspec import Struct

from auditor import resources
from auditor.localization import Localization
from auditor.render.text.sanitize import visible

_STYLES: Final = ("styles/report.css", "styles/page.css")
_INDENT: Final = re.compile(r"^ +", re.MULTILINE)
_MAX_LETTERS: Final = 3
"""Letters of a currency, such as `SEK`; cells with more are words."""
_COMMENT: Final = re.compile(r"^(?:/\*[^*]*\*/|//.*)\n", re.MULTILINE)


class PageSection(Struct, frozen=True, kw_only=True):
    """A section of a document; all texts are plain text in the reader's language."""

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    """The numbers of the first items, for a numbered list; empty for a list with bullets."""
    level: int = 2

    @property
    def lines(self) -> tuple[str, ...]:
        """The items, each preceded by its number."""
        numbered = (f"{number}. {item}" for number, item in zip(self.numbers, self.items, strict=False))
        return (*numbered, *self.items[len(self.numbers) :])


def text_page(sections: Sequence[PageSection], *, title: str, l10n: Localization) -> bytes:
    """Return a page with headings, paragraphs and lists; the title of the first section is the heading of the page."""
    parts = chain.from_iterable(map(_section, sections))
    return page(parts, title=title, heading=sections[0].title, l10n=l10n)


def page(parts: Iterable[Markup], *, title: str, heading: str, l10n: Localization) -> bytes:
    """Return a page as UTF-8."""
    style = embedded_text(*_STYLES)
    head = (
        f'<!doctype html>\n<html lang="{escape(l10n.locale)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{content_policy(style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(visible(title))}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<header class="top">\n<p class="kicker">{escape(l10n.gettext("Microsoft 365 licence audit"))}</p>\n'
        f'{tag("h1", heading)}\n</header>\n<main class="page">\n'
    )
    body = "\n".join(part for part in parts if part)
    return f"{head}{body}\n</main>\n</body>\n</html>\n".encode("utf-8", "replace")


@cache
def embedded_text(*paths: str) -> str:
    """Return style sheets or scripts without indentation and without lines that hold only a comment.

    The last declaration of a rule in a style sheet needs no semicolon.
    """
    texts = {path: _COMMENT.sub("", _INDENT.sub("", resources.report_text(path))) for path in paths}
    return "".join(text.replace("; }", "}") if path.endswith(".css") else text for path, text in texts.items())


def content_policy(style: str, script: str = "") -> str:
    """Return a Content-Security-Policy that allows this inline style sheet and script, and nothing else."""
    sources = [f"style-src {_hash_source(style)}", *([f"script-src {_hash_source(script)}"] if script else [])]
    return "; ".join(("default-src 'none'", *sources, "base-uri 'none'", "form-action 'none'"))


def _hash_source(text: str) -> str:
    """Return the hash source that allows an inline style sheet or script in a Content-Security-Policy."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def tag(name: str, text: str) -> Markup:
    """Return an HTML element with an escaped text."""
    return Markup("<{0}>{1}</{0}>").format(Markup(name), visible(text))  # noqa: S704 - the names are constants


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> Markup:
    """Return a table, below its title if it has one; nothing if there are no rows."""
    if not rows:
        return Markup("")
    classes = [
        Markup(' class="n"') if number and _has_figures(column) else Markup("")
        for number, column in enumerate(zip(*rows, strict=True))
    ]
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(*pair) for pair in zip(classes, titles, strict=True)
    )
    body = Markup("\n").join(Markup("<tr>{}</tr>").format(_cells(titles, classes, row)) for row in rows)
    grid = Markup("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>").format(head, body)
    return tag("h3", title) + Markup("\n") + grid if title else grid


def _has_figures(column: Sequence[str]) -> bool:
    """Return whether the cells are figures such as `27 → 28` or `−35.70 SEK`, which must not be wrapped."""
    words = any(isinstance(cell, Markup) or sum(map(str.isalpha, cell)) > _MAX_LETTERS for cell in column)
    return not words and any(map(str.isdigit, "".join(column)))


def _cells(titles: Sequence[str], classes: Sequence[Markup], row: Sequence[str]) -> Markup:
    """Return the cells of a row; on phones, where a row is a card, each cell shows the title of its column."""
    cells = [cell if isinstance(cell, Markup) else escape(visible(cell)) for cell in row]
    data_cells = (
        Markup('<td{} data-label="{}">{}</td>').format(*cell)
        for cell in zip(classes[1:], titles[1:], cells[1:], strict=True)
    )
    return Markup('<th scope="row">{}</th>').format(cells[0]) + Markup("").join(data_cells)


def _section(section: PageSection) -> Iterable[Markup]:
    if section.level > 1:
        yield tag(f"h{section.level}", section.title)
    yield from (tag("p", paragraph) for paragraph in section.paragraphs)
    if section.numbers:
        numbered = zip(section.numbers, section.items, strict=True)
        items = (Markup('<li value="{}">{}</li>').format(number, visible(item)) for number, item in numbered)
        yield Markup("<ol>\n{}\n</ol>").format(Markup("\n").join(items))
    elif section.items:
        items = (tag("li", item) for item in section.items)
        yield Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(items))
