"""Tenant text into text that shows what it holds: no control character acts, none hides; addresses that are links."""

from functools import lru_cache
from re import compile as pattern
from typing import Final
from urllib.parse import urlsplit

_ACTING: Final = pattern(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of reading
    "\u2028\u2029"  # line breaks that are none in a file
    "\ud800-\udfff\ufeff\ufffe\uffff"  # halves of pairs, and what is no character
    "]"
)
_SURROGATE: Final = pattern("[\ud800-\udfff]")
LONG: Final = 300
"""Characters of a name that a page shows; the other files hold the whole of it."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Return `text` with controls and direction marks written out, as `\x1b` or `\u202e`; those in `keep` stay."""
    if text.isprintable() or _ACTING.search(text) is None:  # nothing that acts is printable
        return text
    return _ACTING.sub(lambda match: match[0] if match[0] in keep else _written(ord(match[0])), text)


def without_surrogates(text: str) -> str:
    """Return `text` with halves of surrogate pairs, which have no UTF-8, written out as `visible` does."""
    return _SURROGATE.sub(lambda match: _written(ord(match[0])), text)


def shortened(text: str) -> str:
    """Return a text that fits a cell."""
    return text if len(text) <= LONG else f"{text[:LONG]}…"


@lru_cache(maxsize=1024)
def is_https(address: str) -> bool:
    """Return whether an address may become a link: https, with a host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _written(point: int) -> str:
    return f"\\x{point:02x}" if point <= 0xFF else f"\\u{point:04x}"
