"""Parses JSON text, rejecting duplicate keys and deep nesting, and checks the types of its values."""

import json
from collections.abc import Iterable
from contextlib import suppress
from math import isinf
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
import orjson

from auditor.domain.message import Message
from auditor.domain.syntax.limits import LARGEST

Kind = TypeVar("Kind")
Whole = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""An integer that every JSON reader represents exactly."""

_MAX_DEPTH: Final = 100
"""Nesting levels of objects and lists."""
_CHUNK: Final = 1024
"""Elements of a long list that are re-encoded at once, to count their quotation marks."""


def decode(text: bytes) -> Any:
    """Parse a JSON text; integers of any size are exact, numbers with a fraction are floats.

    Raises ValueError for invalid JSON, duplicate keys in an object, a fraction beyond the range of a float, and too
    deep nesting.
    """
    # Fall back to the standard library for what msgspec rejects: it is slower, accepts lone surrogates and finds
    # duplicate keys.
    with suppress(msgspec.DecodeError, RecursionError, TypeError, UnicodeDecodeError):
        value = msgspec.json.decode(text)
        # msgspec drops duplicate keys; the value then has fewer quotation marks than the text.
        if _quotes(text) == _quotes_of(value, 0):
            return value
    try:
        value = json.loads(
            text.decode("utf-8-sig"),
            parse_float=_parse_float,
            parse_constant=_reject_constant,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    _check_depth(value)
    return value


def invalid(error: ValueError) -> Message:
    """Return the message about a text that `decode` rejected."""
    return Message("invalid JSON: {error}", error=error)


def checked(value: Any, kind: type[Kind]) -> Kind:
    """Convert a JSON value to a type that msgspec supports.

    Raises ValueError, with the path of the value, for a value of another type.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _quotes(text: bytes) -> int:
    """Count the quotation marks that do not follow a backslash.

    A text has as many as its re-encoded values, or more: if a duplicate key was dropped, and if a string ends with a
    backslash in another notation.
    """
    escaped = text.count(b'\\"') if b"\\" in text else 0  # searching for one byte is faster
    return text.count(b'"') - escaped


def _parse_float(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError(f"the number {text[:80]} is too large")
    return value


def _quotes_of(value: Any, depth: int) -> int:
    """Count the quotation marks of a value, re-encoding it part by part."""
    if isinstance(value, dict) and depth < 3:
        return _quotes_of_encoded([*value]) + sum(_quotes_of(item, depth + 1) for item in value.values())
    if isinstance(value, list) and len(value) > _CHUNK:
        return sum(_quotes_of_encoded(value[start : start + _CHUNK]) for start in range(0, len(value), _CHUNK))
    return _quotes_of_encoded(value)


def _quotes_of_encoded(value: Any) -> int:
    return _quotes(orjson.dumps(value))


def _unique_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise ValueError(f"an object has the key {key[:80]!r} twice")
        document[key] = value
    return document


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise ValueError("it is nested too deep")


def _children(value: Any) -> Iterable[Any]:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (item for item in items if isinstance(item, dict | list))


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
