"""Plain values into JSON text that is the same on every machine: two spaces, one line feed, no noise in numbers."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
"""DEL and the C1 controls in UTF-8."""


def number(value: Decimal) -> int | float:
    """Return an amount as JSON has numbers; with at most two decimals a double holds it."""
    return int(value) if value == value.to_integral_value() else float(value)


def document(value: Any) -> bytes:
    """Return a whole JSON file, indented by two spaces and ended by a line feed."""
    return _text(value, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def line(value: Any) -> bytes:
    """Return one line of newline-delimited JSON."""
    return _text(value, orjson.OPT_APPEND_NEWLINE)


def _text(value: Any, options: int) -> bytes:
    return _shown(_written(value, options))


def _shown(text: bytes) -> bytes:
    """Escape the controls that JSON itself lets through: there are terminals that act on them."""
    if b"\x7f" not in text and b"\xc2" not in text:
        return text
    return _CONTROL.sub(lambda found: b"\\u%04x" % found[0][-1], text)


def _written(value: Any, options: int) -> bytes:
    try:
        return orjson.dumps(value, default=_plain, option=options)
    except TypeError:
        # Half of a surrogate pair, which a saved result may hold, has no UTF-8; JSON can escape it.
        indented = bool(options & orjson.OPT_INDENT_2)
        separators = (",", ": ") if indented else (",", ":")
        text = json.dumps(
            value, default=_plain, ensure_ascii=False, indent=2 if indented else None, separators=separators
        )
        return (_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n").encode()


def _plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does; money has at most two decimals, which a double holds."""
    match value:
        case Decimal():
            return number(value)
        case Mapping():
            return dict(value)
        case _:
            raise TypeError(f"a result holds no {type(value).__name__}")
