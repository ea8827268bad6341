"""Plain values into JSON text that is the same on every machine: exact numbers, two spaces, one line feed."""

from collections.abc import Collection, Mapping
from decimal import ROUND_HALF_UP, Decimal
from json.encoder import encode_basestring
from math import isfinite
from re import compile as pattern
from typing import Any, Final

_SURROGATE: Final = pattern("[\ud800-\udfff]")
_CENT: Final = Decimal("0.01")


def amount(value: Decimal) -> Decimal:
    """Return an amount with at most two decimals, half a cent away from zero."""
    return value.quantize(_CENT, rounding=ROUND_HALF_UP)


def document(value: Any) -> bytes:
    """Return a whole JSON file, indented by two spaces and ended by a line feed."""
    pieces: list[str] = []
    _write(value, "\n", pieces)
    pieces.append("\n")
    return _bytes("".join(pieces))


def line(value: Any) -> bytes:
    """Return one line of newline-delimited JSON."""
    pieces: list[str] = []
    _write(value, None, pieces)
    pieces.append("\n")
    return _bytes("".join(pieces))


def ordered(value: Any) -> Any:
    """Return the value with the keys of every mapping in code point order."""
    if isinstance(value, dict | Mapping):
        return {key: ordered(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [ordered(item) for item in value]
    return value


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which a directory may hold, has no UTF-8; JSON can escape it.
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _write(value: Any, margin: str | None, pieces: list[str]) -> None:
    """Append the text of a value; `margin` is the line break and indentation it stands on, None for one line.

    Plain checks in the order of their frequency: a result holds millions of values.
    """
    if isinstance(value, str):
        pieces.append(encode_basestring(value))
    elif value is None:
        pieces.append("null")
    elif isinstance(value, dict | Mapping):
        _write_items(value.items(), "{}", margin, pieces, keyed=True)
    elif isinstance(value, list | tuple):
        _write_items([("", item) for item in value], "[]", margin, pieces, keyed=False)
    else:
        pieces.append(_scalar(value))


def _write_items(
    items: Collection[tuple[str, Any]], brackets: str, margin: str | None, pieces: list[str], *, keyed: bool
) -> None:
    if not items:
        pieces.append(brackets)
        return
    inner = None if margin is None else f"{margin}  "
    between = ", " if inner is None else f",{inner}"
    lead = brackets[0] if inner is None else f"{brackets[0]}{inner}"
    for key, item in items:
        pieces.append(f"{lead}{encode_basestring(str(key))}: " if keyed else lead)
        _write(item, inner, pieces)
        lead = between
    pieces.append(brackets[1] if margin is None else f"{margin}{brackets[1]}")


def _scalar(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return int.__repr__(value)
        case float() if isfinite(value):
            return float.__repr__(value)
        case Decimal() if value.is_finite():
            # Neither an exponent nor binary noise: 71.40 is 71.4, and 1E+2 is 100.
            text = f"{value:f}"
            text = text.rstrip("0").rstrip(".") if "." in text else text
            return "0" if text == "-0" else text
        case _:
            raise TypeError(f"{value!r} is no JSON value")
