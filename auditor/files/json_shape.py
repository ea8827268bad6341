"""Shapes of plain JSON values: the types that a document without a JSON Schema must have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from auditor.domain.message import Message
from auditor.domain.syntax.limits import LARGEST, count, run_instant

Shape = Callable[[Any], object]
"""Raises ValueError for a value of another shape."""


def whole(value: Any) -> object:
    """Accept an integer of at most 2^53 in magnitude."""
    return count(value)


def text(value: Any) -> object:
    """Accept a string."""
    return _typed(value, str, Message("a text"))


def flag(value: Any) -> object:
    """Accept true or false."""
    return _typed(value, bool, Message("true or false"))


def amount(value: Any) -> object:
    """Accept an amount of money, written as a string."""
    try:
        return checked_amount(Decimal(_typed(value, str, Message("an amount"))))
    except InvalidOperation as error:
        raise ValueError(f"{_shown(value)} stands in place of an amount") from error


def instant(value: Any) -> datetime:
    """Accept the instant of a run, with its time zone."""
    return run_instant(value)


def digits(value: Any) -> object:
    """Accept an integer written as a key."""
    if not isinstance(value, str) or not value.removeprefix("-").isdecimal() or len(value) > 15:
        raise ValueError(f"{_shown(value)} stands in place of a number")
    return value


def one_of(*words: str) -> Shape:
    """Return the shape of one of some words."""

    def check(value: Any) -> object:
        if value not in words:
            raise ValueError(f"{_shown(value)} is none of {', '.join(words)}")
        return value

    return check


def maybe(shape: Shape) -> Shape:
    """Return the shape of null or another shape."""
    return lambda value: None if value is None else shape(value)


def each(shape: Shape) -> Shape:
    """Return the shape of a list of elements of one shape."""

    def check(value: Any) -> object:
        for index, item in enumerate(_typed(value, list, Message("a list"))):
            _within(shape, item, f"[{index}]")
        return value

    return check


def by(key: Shape, shape: Shape) -> Shape:
    """Return the shape of an object with arbitrary keys; keys and values have a shape each."""

    def check(value: Any) -> object:
        for name, item in _typed(value, dict, Message("an object")).items():
            key(name)
            _within(shape, item, f"'{name}'")
        return value

    return check


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with required keys; those of `optional` may be missing, others are ignored."""

    needed: Mapping[str, Shape]
    optional: Mapping[str, Shape]

    def __call__(self, value: Any) -> object:
        """Check a value."""
        found = _typed(value, dict, Message("an object"))
        for name, shape in self.needed.items():
            if name not in found:
                raise ValueError(f"'{name}' is missing")
            _within(shape, found[name], f"'{name}'")
        for name, shape in self.optional.items():
            if name in found:
                _within(shape, found[name], f"'{name}'")
        return value


def fields(optional: Mapping[str, Shape] | None = None, /, **needed: Shape) -> Shape:
    """Return the shape of an object with some keys."""
    return Fields(needed, optional or {})


def checked_amount(value: Decimal) -> Decimal:
    """Return an amount of at most 2^53 in magnitude with at most 30 decimals. Raises ValueError."""
    # An exponent of a billion is short to write and has a billion digits when formatted.
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or not -30 <= exponent <= 18 or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{_shown(value)} stands in place of an amount")
    return value


def _within(shape: Shape, value: Any, location: str) -> None:
    try:
        shape(value)
    except ValueError as error:
        raise ValueError(f"{location}: {error}") from error


def _typed(value: Any, kind: type, name: str) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"{_shown(value)} stands in place of {name}")  # noqa: TRY004 (one kind of error for all)
    return value


def _shown(value: Any) -> str:
    shown = str(value) if isinstance(value, Decimal) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
