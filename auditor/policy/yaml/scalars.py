"""Resolves YAML scalars with the core schema of YAML 1.2."""

import math
import re
from typing import Final

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS: Final = 15
"""Maximum number of digits of an integer that every JSON reader keeps exactly."""


class UnusableNumberError(ValueError):
    """Raised for a YAML number that is infinite, not a number, or too large to be exact."""


def plain(text: str) -> str | int | float | bool | None:
    """Return the value of an unquoted scalar; raises UnusableNumberError."""
    if text[:1] not in "0123456789+-.":
        return _WORDS.get(text, text)
    if not text:
        return None
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise UnusableNumberError(text)
        return number
    if _NOT_FINITE.fullmatch(text):
        raise UnusableNumberError(text)
    return text


def tagged(text: str, kind: str) -> str | int | float | bool | None:
    """Return the value of `text` with the tag `!!kind`; raises ValueError if it does not fit the tag."""
    if kind == "str":
        return text
    value = plain(text)
    match kind, value:
        case ("null", None) | ("bool", bool()):
            return value
        case ("int", int()) if not isinstance(value, bool):
            return value
        case ("float", int() | float()) if not isinstance(value, bool):
            return float(value)
        case _:
            raise ValueError(text)


def _integer(text: str) -> int:
    radix = {"0o": 8, "0x": 16}.get(text[:2], 10)
    digits = text[2:] if radix != 10 else text
    if len(digits.lstrip("+-").lstrip("0")) > _MAX_DIGITS:
        raise UnusableNumberError(text)
    return int(digits, radix)
