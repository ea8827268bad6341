"""Renders the text and HTML parts of a mail; the HTML works in Gmail and in Outlook with its Word engine."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from jinja2 import Template

from auditor import resources
from auditor.domain.result.model import Result
from auditor.render.html.report import environment, visible_text
from auditor.render.mail.content import BAR_WIDTH, LineLimits, limited_views
from auditor.render.mail.view import MailParts, MailView, Reader
from auditor.render.text.guidance import plain
from auditor.render.text.labels import Labels
from auditor.render.view.curves import BAR_HEIGHT
from auditor.render.view.finding_index import FindingIndex
from auditor.render.view.page import page

MAX_SIZE: Final = 100_000
"""Maximum size of the HTML part in bytes; Gmail truncates mails at about 102 KB."""
_LIMITS: Final = (  # what to do first is shortened last
    LineLimits(),
    LineLimits(changed=5, seats=8, renewals=5, tenants=10, notices=2),
    LineLimits(changed=2, actions=3, seats=3, renewals=2, tenants=5, notices=1, trends=3),
    LineLimits(changed=2, actions=1, seats=3, renewals=2, tenants=5, notices=1, trends=3),
    LineLimits(gaps=0, changed=0, actions=0, seats=0, renewals=0, tenants=0, notices=0, trends=0),
)


def render_mail(result: Result, reader: Reader, indexes: Sequence[FindingIndex] | None = None) -> MailParts:
    """Render the mail; it names no person of the tenant, and equal results and readers give equal texts.

    `result` must contain only what this reader may see. If Gmail would truncate the HTML, lists are shortened in both
    parts. `indexes` is the return value of `finding_indexes` if already computed.
    """
    l10n = Labels(reader.locale)
    for view in mail_views(result, reader, l10n, indexes):
        html = _html(view, l10n)
        if len(html.encode()) < MAX_SIZE:
            break
    text = re.sub(r"\n{3,}", "\n\n", _text_template(l10n.locale).render(view=view)).strip() + "\n"
    return MailParts(subject=view.subject, text=text, html=html, language=view.page.language)


def mail_views(
    result: Result, reader: Reader, l10n: Labels, indexes: Sequence[FindingIndex] | None = None
) -> Iterator[MailView]:
    """Yield view models of a message to a reader, each with shorter lists than the one before."""
    return limited_views(page(result, l10n, indexes=indexes), result, reader, l10n, _LIMITS)


def _html(view: MailView, l10n: Labels) -> str:
    import css_inline  # noqa: PLC0415 - only mail needs it

    inline_style, head_style = _styles()
    text = (
        environment(l10n.locale)
        .get_template("mail.html.jinja")
        .render(view=view, bar_width=BAR_WIDTH, bar_height=BAR_HEIGHT)
    )
    inliner = css_inline.CSSInliner(
        keep_style_tags=False, keep_link_tags=False, load_remote_stylesheets=False, extra_css=inline_style
    )
    inlined = inliner.inline(text)
    # Rules that cannot be inlined, such as those for dark mode, are in the head; clients without support ignore them.
    return inlined.replace("</head>", f"<style>{head_style}</style></head>", 1)


@cache
def _text_template(language: str) -> Template:
    text_environment = environment(language).overlay(autoescape=False, finalize=visible_text)
    text_environment.filters["plain"] = plain
    return text_environment.get_template("mail.txt.jinja")


@cache
def _styles() -> tuple[str, str]:
    """Return the style that is inlined into the elements, and the style for the head."""
    inline_style, head_style = map(resources.report_text, ("styles/mail.css", "styles/mail-head.css"))
    return inline_style, " ".join(head_style.split())
