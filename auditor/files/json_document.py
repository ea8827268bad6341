"""Parses JSON text, rejecting duplicate keys and deep nesting, and checks the types of its values."""

import json
from collections.abc import Iterable
from contextlib import suppress
from math import isinf
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
import orjson

from auditor.domain.syntax.limits import LARGEST

Kind = TypeVar("Kind")
Whole = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
"""An integer that every JSON reader represents exactly."""

_MAX_DEPTH: Final = 100
"""Nesting levels of objects and lists."""
_CHUNK: Final = 1024
"""Elements of a long list that are counted at once."""


def decode(text: bytes) -> Any:
    """Parse a JSON text; integers of any size are exact, numbers with a fraction are floats.

    Raises ValueError for invalid JSON, duplicate keys in an object, a fraction beyond the range of a float, and too
    deep nesting.
    """
    # The standard library decodes what msgspec refuses: it is slower, accepts lone surrogates and names duplicate keys.
    with suppress(msgspec.DecodeError, RecursionError, TypeError, UnicodeDecodeError):
        value = msgspec.json.decode(text)
        # A duplicate key is lost: then the value has fewer quotation marks than the text.
        if _quotes(text) == _count(value, 0):
            return value
    try:
        value = json.loads(
            text.decode("utf-8-sig"), parse_float=_fraction, parse_constant=_constant, object_pairs_hook=_once
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    _check_depth(value)
    return value


def checked(value: Any, kind: type[Kind]) -> Kind:
    """Return a JSON value as a type that msgspec knows; raises ValueError with the path of a value of another type."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def _quotes(text: bytes) -> int:
    """Count quotation marks that do not follow a backslash.

    A text and its values encoded again have the same number, or the text has more: where a key was lost, and where a
    string ends with a backslash in another notation.
    """
    return text.count(b'"') - text.count(b'\\"')


def _fraction(text: str) -> float:
    value = float(text)
    if isinf(value):
        raise ValueError(f"the number {text[:80]} is too large")
    return value


def _count(value: Any, depth: int) -> int:
    """Count the quotation marks of a value, encoded part by part."""
    if isinstance(value, dict) and depth < 3:
        return _written([*value]) + sum(_count(item, depth + 1) for item in value.values())
    if isinstance(value, list) and len(value) > _CHUNK:
        return sum(_written(value[start : start + _CHUNK]) for start in range(0, len(value), _CHUNK))
    return _written(value)


def _written(value: Any) -> int:
    return _quotes(orjson.dumps(value))


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document:
            raise ValueError(f"the key {key[:80]!r} stands twice in an object")
        document[key] = value
    return document


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [item for each in level for item in _below(each)]
        if not level:
            return
    raise ValueError("it is nested too deep")


def _below(value: Any) -> Iterable[Any]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (item for item in below if isinstance(item, dict | list))


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
