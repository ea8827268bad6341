"""Renders a message for an incoming webhook of Slack as rich text blocks."""

import json
from collections.abc import Iterator
from typing import Any, Final

from auditor.render.chat.view import ChatEntry, ChatView

MAX_BLOCKS: Final = 50
MAX_TEXT: Final = 3_000
"""Maximum characters of a block."""


def slack_message(view: ChatView) -> bytes:
    """Return the message as JSON.

    Rich text does not interpret mentions, channels or Markdown. The text for notifications is escaped as documented by
    Slack.
    """
    blocks = [block for block in _blocks(view) if block["elements"]]
    message = {
        "text": escaped(view.title),
        "blocks": blocks[:MAX_BLOCKS],
        "unfurl_links": False,
        "unfurl_media": False,
    }
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def fits(body: bytes) -> bool:
    """Return whether a message is within Slack's limits for the number of blocks and their characters."""
    blocks = json.loads(body)["blocks"]
    return len(blocks) < MAX_BLOCKS and all(_length(block) <= MAX_TEXT for block in blocks)


def escaped(text: str) -> str:
    """Escape text for a field in which Slack interprets mentions and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(view: ChatView) -> Iterator[dict[str, Any]]:
    sentences = (_text(f"\n{text}") for text in view.sentences)
    yield _rich({"type": "rich_text_section", "elements": [_text(view.title, bold=True), *sentences]})
    for part in view.parts:
        heading = {"type": "rich_text_section", "elements": [_text(part.title, bold=True)]}
        items = [{"type": "rich_text_section", "elements": list(_elements(line))} for line in part.lines]
        yield _rich(heading, {"type": "rich_text_list", "style": "bullet", "elements": items})
    foot: list[dict[str, Any]] = [] if view.link is None else [_link(view.link[1], f"{view.link[0]}\n")]
    yield _rich({"type": "rich_text_section", "elements": [*foot, _text(view.foot, italic=True)]})


def _elements(line: ChatEntry) -> Iterator[dict[str, Any]]:
    if line.lead:
        yield _link(line.href, line.lead) if line.href else _text(line.lead, bold=True)
        if line.text:
            yield _text(f" – {line.text}")
    else:
        yield _text(line.text)


def _rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": list(elements)}


def _text(text: str, **style: bool) -> dict[str, Any]:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _link(address: str, text: str) -> dict[str, Any]:
    return {"type": "link", "url": address, "text": text, "style": {"bold": True}}


def _length(element: Any) -> int:
    """Count the characters of all texts and addresses in a block."""
    match element:
        case dict():
            length = len(element.get("text") or "") + len(element.get("url") or "")
            return length + sum(map(_length, element.get("elements") or ()))
        case _:
            return 0
