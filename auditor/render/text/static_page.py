"""Renders small static HTML pages without external resources or scripts; all text is escaped."""

import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from typing import Final

from markupsafe import Markup, escape
from msgspec import Struct

from auditor import resources
from auditor.render.text.sanitize import visible

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "li,p,h1,h2,h3{overflow-wrap:anywhere}h2{border-top:1px solid #888;padding-top:1rem}"
)
_NO_HEADER: Final = Markup("")
_INDENT: Final = re.compile(r"^ +", re.MULTILINE)
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


def text_page(sections: Iterable[PageSection], *, title: str, language: str) -> bytes:
    """Return a page with headings, paragraphs and lists."""
    parts = (part for section in sections for part in _section(section))
    return page(parts, title=title, language=language, style=_STYLE)


def page(parts: Iterable[Markup], *, title: str, language: str, style: str, header: Markup = _NO_HEADER) -> bytes:
    """Return a page as UTF-8; `header` is the element before its main content."""
    head = (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{content_policy(style)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        '<meta name="robots" content="noindex">\n'
        f"<title>{escape(visible(title))}</title>\n<style>{style}</style>\n</head>\n<body>\n{header}<main>\n"
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


def content_policy(style: str) -> str:
    """Return a Content-Security-Policy that allows one inline style sheet and nothing else."""
    return f"default-src 'none'; style-src {hash_source(style)}; base-uri 'none'; form-action 'none'"


def hash_source(text: str) -> str:
    """Return the hash source that allows an inline style sheet or script in a Content-Security-Policy."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def tag(name: str, text: str) -> Markup:
    """Return an HTML element with an escaped text."""
    return Markup("<{0}>{1}</{0}>").format(Markup(name), visible(text))  # noqa: S704 - the names are constants


def _section(section: PageSection) -> Iterable[Markup]:
    yield tag(f"h{section.level}", section.title)
    yield from (tag("p", paragraph) for paragraph in section.paragraphs)
    if section.numbers:
        numbered = zip(section.numbers, section.items, strict=True)
        items = (Markup('<li value="{}">{}</li>').format(number, visible(item)) for number, item in numbered)
        yield Markup("<ol>\n{}\n</ol>").format(Markup("\n").join(items))
    elif section.items:
        items = (tag("li", item) for item in section.items)
        yield Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(items))
