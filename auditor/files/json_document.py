"""JSON text into values, each key of an object once."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import orjson

_DEEPEST: Final = 100
"""Levels of objects and lists within each other."""
_CHUNK: Final = 1024
"""Elements of a long list that are counted at once."""
_ODD: Final = re.compile(rb'"[ \t\r\n]+:|\\\\":')
"""A blank before a colon, or a key that ends with a backslash: counting keys by their ends does not see them."""


def decode(text: bytes, *, fraction: Callable[[str], Any] = float) -> Any:
    """Read a JSON text; `fraction` makes a value of a number that is not whole.

    Raises ValueError for text that is no JSON, for a key that stands twice in an object, and for values that lie too
    deep within each other.
    """
    try:
        value = json.loads(
            text.decode("utf-8-sig"), parse_float=fraction, parse_constant=_constant, object_pairs_hook=_once
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    _check_depth(value)
    return value


def quick(text: bytes) -> Any:
    """Read a JSON text many times faster; numbers of more than 64 bits may lose digits. Raises as `decode`."""
    value = orjson.loads(text)
    # Of a key that stands twice one is lost: then fewer keys were read than are written.
    try:
        sound = _ODD.search(text) is None and _ends(text) == _count(value, 0)
    except TypeError as error:
        raise ValueError("it is nested too deep") from error
    if not sound:
        decode(text)
    return value


def _ends(text: bytes) -> int:
    """Count the ends of keys: an unescaped quotation mark before a colon, which no string holds within."""
    return text.count(b'":') - text.count(b'\\":')


def _count(value: Any, depth: int) -> int:
    """Count the keys of all objects in a value."""
    if isinstance(value, dict) and depth < 3:
        return len(value) + sum(_count(item, depth + 1) for item in value.values())
    if isinstance(value, list) and len(value) > _CHUNK:
        return sum(_written(value[start : start + _CHUNK]) for start in range(0, len(value), _CHUNK))
    return _written(value) if isinstance(value, dict | list) else 0


def _written(value: Any) -> int:
    return _ends(orjson.dumps(value))


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} stands twice in an object")
        found[key] = value
    return found


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [item for each in level for item in _below(each)]
        if not level:
            return
    raise ValueError("it is nested too deep")


def _below(value: Any) -> Iterable[Any]:
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (item for item in below if isinstance(item, dict | list))


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")
