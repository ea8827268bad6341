"""Makes text of a tenant safe to show: control characters become visible, and only https addresses become links."""

from functools import lru_cache
from re import compile as pattern
from typing import Final
from urllib.parse import urlsplit

_CONTROL: Final = pattern(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0 and C1 controls
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that change the text direction
    "\u2028\u2029"  # line and paragraph separators
    "\ud800-\udfff\ufeff\ufffe\uffff"  # surrogates, byte order mark, noncharacters
    "]"
)
_SURROGATE: Final = pattern("[\ud800-\udfff]")
MAX_LENGTH: Final = 300
"""Characters of a name that a page shows; other files contain the full name."""
MAX_LINE: Final = 140
"""Characters of a text from the tenant in a line of a mail."""


def visible(text: str, *, keep: str = "") -> str:
    r"""Return `text` with control and direction characters escaped, as `\x1b` or `\u202e`; those in `keep` stay."""
    if text.isprintable() or _CONTROL.search(text) is None:  # fast path: these characters are not printable
        return text
    return _CONTROL.sub(lambda match: match[0] if match[0] in keep else _escape(ord(match[0])), text)


def without_surrogates(text: str) -> str:
    """Return `text` with surrogates, which UTF-8 cannot encode, escaped as in `visible`."""
    return _SURROGATE.sub(lambda match: _escape(ord(match[0])), text)


def shortened(text: str, limit: int = MAX_LENGTH) -> str:
    """Return `text`, cut to `limit` characters and an ellipsis if it is longer."""
    return text if len(text) <= limit else f"{text[:limit]}…"


def single_line(text: str, limit: int = MAX_LINE) -> str:
    """Return a text as one line, with control characters escaped, and cut to `limit` characters, after a word."""
    line = " ".join(visible(text, keep="\n\r\t").split())
    if len(line) <= limit:
        return line
    end = line.rfind(" ", limit // 2, limit)
    return f"{line[: limit - 1 if end < 0 else end].rstrip()}…"


@lru_cache(maxsize=1024)
def is_https(address: str) -> bool:
    """Return whether an address may become a link: it is https and has a host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _escape(code_point: int) -> str:
    return f"\\x{code_point:02x}" if code_point <= 0xFF else f"\\u{code_point:04x}"
