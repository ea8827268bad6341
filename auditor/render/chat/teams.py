"""Renders an Adaptive Card as a message that Power Automate workflows post to a Teams channel."""

import json
from collections.abc import Iterator
from typing import Any, Final

from auditor.render.chat.view import ChatEntry, ChatView

MAX_SIZE: Final = 28 * 1024
"""Maximum size of a message to Teams, in bytes."""
VERSION: Final = "1.4"
"""The schema version of the card; Teams supports versions up to 1.5."""


def card_message(view: ChatView) -> bytes:
    """Return the message as JSON.

    All texts are TextRuns, which do not interpret Markdown, mentions or links.
    """
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": VERSION,
        "lang": view.language,
        "msteams": {"width": "Full"},
        "body": list(_body(view)),
    }
    if view.link is not None:
        label, address = view.link
        card["actions"] = [{"type": "Action.OpenUrl", "title": label, "url": address}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return json.dumps({"type": "message", "attachments": [attachment]}, ensure_ascii=False).encode("utf-8", "replace")


def _body(view: ChatView) -> Iterator[dict[str, Any]]:
    yield _block(_run(view.title, size="large", weight="bolder"))
    for sentence in view.sentences:
        yield _block(_run(sentence), spacing="small")
    for part in view.parts:
        yield _block(_run(part.title, weight="bolder", size="medium"), spacing="medium", separator=True)
        for line in part.lines:
            yield _block(*_inlines(line), spacing="small")
    yield _block(_run(view.foot, size="small", isSubtle=True), spacing="medium", separator=True)


def _inlines(line: ChatEntry) -> Iterator[dict[str, Any]]:
    lead: dict[str, Any] = {"weight": "bolder"}
    if line.href:
        lead["selectAction"] = {"type": "Action.OpenUrl", "url": line.href}
    if line.lead:
        yield _run(f"• {line.lead}", **lead)
        yield _run(f" – {line.text}" if line.text else " ")
    else:
        yield _run(f"• {line.text}")


def _run(text: str, **style: object) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **style}


def _block(*inlines: dict[str, Any], **style: object) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(inlines), **style}
