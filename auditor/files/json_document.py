"""Parses JSON text; rejects duplicate keys and deep nesting."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

import orjson

_MAX_DEPTH: Final = 100
"""Nesting levels of objects and lists."""
_CHUNK: Final = 1024
"""Elements of a long list that are counted at once."""
_UNCOUNTED: Final = re.compile(rb'"[ \t\r\n]+:|\\\\":')
"""A blank before a colon, or a key that ends with a backslash: `_ends` does not count such keys."""


def decode(text: bytes, *, fraction: Callable[[str], Any] = float) -> Any:
    """Parse a JSON text; `fraction` converts numbers with a fraction.

    Raises ValueError for invalid JSON, duplicate keys in an object, and too deep nesting.
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
    """Parse a JSON text many times faster; numbers of more than 64 bits may lose digits. Raises as `decode` does."""
    value = orjson.loads(text)
    # A duplicate key is lost: then fewer keys were parsed than the text contains.
    try:
        sound = _UNCOUNTED.search(text) is None and _ends(text) == _count(value, 0)
    except TypeError as error:
        raise ValueError("it is nested too deep") from error
    if not sound:
        decode(text)
    return value


def _ends(text: bytes) -> int:
    """Count the ends of keys: an unescaped quotation mark before a colon, which no string contains."""
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
