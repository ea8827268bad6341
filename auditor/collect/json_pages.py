"""The body of a page into a list of objects, for the sources that are small."""

import json
from collections.abc import Callable
from typing import Any

import orjson

from auditor.domain.message import Message
from auditor.graph.client import NotGraphError
from auditor.graph.paging import ObjectPage

Rows = list[dict[str, Any]]


def listing(body: bytes) -> ObjectPage[Rows]:
    """Decode one page of a collection. Raises NotGraphError."""
    document = whole(body)
    rows = document.get("value")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise NotGraphError(Message("it holds no list of objects named 'value'"))
    return ObjectPage(rows=rows, link=link_of(document))


def whole(body: bytes) -> dict[str, Any]:
    """Decode a body that is one object, with nothing in it that cannot be written as UTF-8. Raises NotGraphError."""
    return document_of(body, _mended)


def document_of(body: bytes, mended: Callable[[Any], Any] = lambda parsed: parsed) -> dict[str, Any]:
    """Decode a body that is one object; `mended` sees what only the patient parser took. Raises NotGraphError."""
    if not body.strip():
        raise NotGraphError(Message("it is empty"))
    try:
        document = _parsed(body, mended)
    except RecursionError as error:
        raise NotGraphError(Message("it is nested more deeply than anything of Graph's")) from error
    except ValueError as error:
        what = Message("it is HTML") if body.lstrip()[:1] == b"<" else Message("it is no JSON, or cut off")
        raise NotGraphError(what) from error
    if not isinstance(document, dict):
        raise NotGraphError(Message("it is no object"))
    return document


def _parsed(body: bytes, mended: Callable[[Any], Any]) -> Any:
    """Parse JSON; what the quick parser refuses (half a surrogate pair, say) may still be JSON to the other."""
    try:
        return orjson.loads(body)
    except ValueError:
        return mended(json.loads(body))


def _mended(parsed: Any) -> Any:
    """Put a question mark in place of each half of a surrogate pair, which no file could hold."""
    return json.loads(json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace"))


def number(body: bytes) -> int:
    """Decode the body of a $count. Raises NotGraphError."""
    text = body.decode("utf-8-sig", "replace").strip().strip('"')
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise NotGraphError(Message("it is no number"))
    return int(text)


def link_of(document: dict[str, Any]) -> str | None:
    """Return where a list goes on."""
    link = document.get("@odata.nextLink")
    if link is not None and not isinstance(link, str):
        raise NotGraphError(Message("its nextLink is no text"))
    return link or None
