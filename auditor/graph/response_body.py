"""Decodes the body of a response: an object, a page of a list, or a count."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from auditor.domain.message import Message
from auditor.graph.client import NotGraphError
from auditor.graph.paging import ObjectPage

Rows = list[dict[str, Any]]


def decode_list_page(body: bytes) -> ObjectPage[Rows]:
    """Decode one page of a list. Raises NotGraphError."""
    document = decode_object(body)
    rows = document.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotGraphError(Message("it has no list of objects named 'value'"))
    return ObjectPage(rows=rows, link=link_of(document))


def decode_object(body: bytes) -> dict[str, Any]:
    """Decode a body that is one object, replacing unpaired surrogates. Raises NotGraphError."""
    return document_of(body, _replace_surrogates)


def document_of(body: bytes, repair: Callable[[Any], Any] = lambda parsed: parsed) -> dict[str, Any]:
    """Decode a body that is one object. Raises NotGraphError.

    `repair` is applied to a document that only the standard library's parser accepts.
    """
    if not body.strip():
        raise NotGraphError(Message("it is empty"))
    try:
        try:
            document = orjson.loads(body)
        except ValueError:
            # The standard library accepts some documents that orjson rejects, such as those with unpaired surrogates.
            document = repair(json.loads(body))
    except RecursionError as error:
        raise NotGraphError(Message("it is nested more deeply than any response from Graph")) from error
    except ValueError as error:
        reason = Message("it is HTML") if body.lstrip()[:1] == b"<" else Message("it is not JSON, or it is truncated")
        raise NotGraphError(reason) from error
    if not isinstance(document, dict):
        raise NotGraphError(Message("it is not an object"))
    return document


def _replace_surrogates(parsed: Any) -> Any:
    """Replace unpaired surrogates, which cannot be written as UTF-8, by question marks."""
    return json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))


def decode_count(body: bytes) -> int:
    """Decode the body of a $count request. Raises NotGraphError."""
    text = body.decode("utf-8-sig", "replace").strip().strip('"')
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise NotGraphError(Message("it is not a number"))
    return int(text)


def link_of(document: dict[str, Any]) -> str | None:
    """Return the address of the next page; None on the last one."""
    link = document.get("@odata.nextLink")
    if link is not None and not isinstance(link, str):
        raise NotGraphError(Message("its nextLink is not text"))
    return link or None
