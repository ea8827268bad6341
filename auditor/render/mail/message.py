"""A Result and its reader into the two parts of a mail: text, and HTML as Outlook's Word engine and Gmail take it."""

import re
from functools import cache
from typing import Final

from auditor import resources
from auditor.domain.result import Result
from auditor.render.html.report import environment
from auditor.render.mail.content import BAR, Room, story
from auditor.render.mail.view import MailParts, MailView, Reader
from auditor.render.text.earlier_run import TALL
from auditor.render.text.labels import Labels

LARGEST: Final = 100_000
"""Bytes of the HTML part; Gmail cuts a mail off at about 102 KB."""
_ROOMS: Final = (
    Room(),
    Room(changed=5, acts=3, seats=8, renewals=5, tenants=10, notices=2),
    Room(changed=2, acts=1, seats=3, renewals=2, tenants=5, notices=1, trends=3),
    Room(changed=0, acts=0, seats=0, renewals=0, tenants=0, notices=0, trends=0),
)
_MARKS: Final = re.compile(r"\*\*([^*]+)\*\*|`([^`]+)`")


def render_mail(result: Result, reader: Reader) -> MailParts:
    """Write the mail; the same result and reader give the same text, and no person of the tenant is named in it.

    `result` holds what this reader may see, and nothing else. Where the HTML would be cut off by Gmail, lists get
    shorter in both parts.
    """
    words = Labels(reader.locale)
    for room in _ROOMS:
        view = story(result, reader, words, room)
        html = _html(view, words)
        if len(html.encode()) < LARGEST:
            break
    return MailParts(subject=view.subject, text=_text(view, words), html=html, language=view.language)


def plain(text: str) -> str:
    """Return guidance without its two marks, **bold** and `code`."""
    return _MARKS.sub(lambda found: found[1] or found[2], text)


def _html(view: MailView, words: Labels) -> str:
    import css_inline  # noqa: PLC0415 - only mail needs it

    whole, dark = _styles()
    text = environment(words).get_template("mail.html.jinja").render(view=view, bar=BAR, tall=TALL)
    inliner = css_inline.CSSInliner(
        keep_style_tags=False, keep_link_tags=False, load_remote_stylesheets=False, extra_css=whole
    )
    inlined = inliner.inline(text)
    # What cannot be inlined, and what clients without dark mode pass over, stands in the head.
    return inlined.replace("</head>", f"<style>{dark}</style></head>", 1)


def _text(view: MailView, words: Labels) -> str:
    made = environment(words).overlay(autoescape=False)
    made.filters["plain"] = plain
    text = made.get_template("mail.txt.jinja").render(view=view)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _styles() -> tuple[str, str]:
    """Return the style that goes into the elements, and that which stays in the head."""
    text = resources.reports().joinpath("styles/mail.css").read_text(encoding="utf-8").replace("\r\n", "\n")
    whole, _, dark = text.partition("/* in the head */\n")
    return whole, " ".join(dark.split())
