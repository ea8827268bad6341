"""A Result and its reader into the two parts of a mail: text, and HTML as Outlook's Word engine and Gmail take it."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from jinja2 import Template

from auditor import resources
from auditor.domain.result.model import Result
from auditor.render.html.page import page
from auditor.render.html.report import environment
from auditor.render.mail.content import BAR_WIDTH, LineLimits, mail_view
from auditor.render.mail.view import MailParts, MailView, Reader
from auditor.render.text.earlier_run import BAR_HEIGHT
from auditor.render.text.guidance import plain
from auditor.render.text.labels import Labels

LARGEST: Final = 100_000
"""Bytes of the HTML part; Gmail cuts a mail off at about 102 KB."""
_LIMITS: Final = (
    LineLimits(),
    LineLimits(changed=5, acts=3, seats=8, renewals=5, tenants=10, notices=2),
    LineLimits(changed=2, acts=1, seats=3, renewals=2, tenants=5, notices=1, trends=3),
    LineLimits(changed=0, acts=0, seats=0, renewals=0, tenants=0, notices=0, trends=0),
)


def render_mail(result: Result, reader: Reader) -> MailParts:
    """Write the mail; the same result and reader give the same text, and no person of the tenant is named in it.

    `result` holds what this reader may see, and nothing else. Where the HTML would be cut off by Gmail, lists get
    shorter in both parts.
    """
    l10n = Labels(reader.locale)
    for view in mail_views(result, reader, l10n):
        html = _html(view, l10n)
        if len(html.encode()) < LARGEST:
            break
    return MailParts(subject=view.subject, text=_text(view, l10n), html=html, language=view.page.language)


def mail_views(result: Result, reader: Reader, l10n: Labels) -> Iterator[MailView]:
    """Yield what a message to a reader says, the fullest first, each later one with shorter lists."""
    shown = page(result, l10n)
    for limits in _LIMITS:
        yield mail_view(shown, result, reader, l10n, limits)


def _html(view: MailView, l10n: Labels) -> str:
    import css_inline  # noqa: PLC0415 - only mail needs it

    whole, dark = _styles()
    text = (
        environment(l10n).get_template("mail.html.jinja").render(view=view, bar_width=BAR_WIDTH, bar_height=BAR_HEIGHT)
    )
    inliner = css_inline.CSSInliner(
        keep_style_tags=False, keep_link_tags=False, load_remote_stylesheets=False, extra_css=whole
    )
    inlined = inliner.inline(text)
    # What cannot be inlined, and what clients without dark mode pass over, stands in the head.
    return inlined.replace("</head>", f"<style>{dark}</style></head>", 1)


def _text(view: MailView, l10n: Labels) -> str:
    text = _text_template(l10n.language).render(view=view)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _text_template(language: str) -> Template:
    text_environment = environment(Labels(language)).overlay(autoescape=False)
    text_environment.filters["plain"] = plain
    return text_environment.get_template("mail.txt.jinja")


@cache
def _styles() -> tuple[str, str]:
    """Return the style that goes into the elements, and that which stays in the head."""
    text = resources.report_text("styles/mail.css")
    whole, _, dark = text.partition("/* in the head */\n")
    return whole, " ".join(dark.split())
