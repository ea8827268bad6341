"""Writes sections of text as one small HTML page that loads nothing and runs nothing."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from markupsafe import Markup, escape

from auditor.render.text.sanitize import visible
from auditor.render.text.sections import Section

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "li,p,h1,h2,h3{overflow-wrap:anywhere}h2{border-top:1px solid #888;padding-top:1rem}"
)


def text_page(sections: Iterable[Section], *, title: str, language: str) -> bytes:
    """Return the page; no text of it is read as markup."""
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        f'<!doctype html>\n<html lang="{escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(visible(title))}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    body = "\n".join(part for section in sections for part in _section(section))
    return f"{head}{body}\n</main>\n</body>\n</html>\n".encode("utf-8", "replace")


def _section(section: Section) -> Iterable[Markup]:
    yield _tag(f"h{section.level}", section.title)
    yield from (_tag("p", paragraph) for paragraph in section.paragraphs)
    if section.items:
        items = Markup("\n").join(_tag("li", item) for item in section.items)
        yield Markup("<ul>\n{}\n</ul>").format(items)


def _tag(name: str, text: str) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(Markup(name), visible(text))  # noqa: S704 - names are ours
