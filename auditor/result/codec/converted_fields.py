"""Field types that msgspec does not convert itself: instants, amounts, messages, counts and plain objects."""

from abc import ABC
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, Final

import msgspec

from auditor.domain.message import Message, restored
from auditor.domain.syntax.limits import END, FIRST, checked_amount, count

_INT64_LIMIT: Final = 1 << 63
_FLOAT_LIMIT: Final = 10.0**300


class UnexpectedValueError(ValueError):
    """A value of a type or range that its field does not accept."""

    def __init__(self, expected: Message) -> None:
        super().__init__(expected)
        self.expected = expected


class UnknownMessageError(LookupError):
    """A text for which the document has no valid template and arguments; msgspec does not catch this exception."""


class ConvertedField(ABC):  # noqa: B024 - only used as a type
    """A field type that `convert` converts; each subclass is one representation in the document."""


class Instant(ConvertedField):
    """An RFC 3339 instant."""


class RunInstant(ConvertedField):
    """An instant from 1970 to 9000."""


class Amount(ConvertedField):
    """An amount of money."""


class PlainObject(ConvertedField):
    """Any object; its numbers are preserved exactly."""


class SavedMessage(ConvertedField):
    """A message in English, whose template and arguments are elsewhere in the document."""


class EnumCounts(ConvertedField):
    """Counts by the members of an enum."""

    vocabulary: type[StrEnum]


Instant.register(datetime)
RunInstant.register(datetime)
Amount.register(Decimal)
PlainObject.register(dict)
SavedMessage.register(str)


@cache
def counts(vocabulary: type[StrEnum]) -> Any:
    """Return the field type of counts by the members of an enum."""
    field_type: Any = type("Counts", (EnumCounts,), {"vocabulary": vocabulary})
    field_type.register(dict)
    return field_type


def convert(messages: Mapping[str, Any], kind: type, value: Any) -> Any:
    """Convert the value of a field of one of these types; `messages` has templates and arguments by English text.

    Raises UnexpectedValueError for a value that does not fit the type, and UnknownMessageError for a message that
    cannot be restored.
    """
    if kind is SavedMessage:
        return _message(value, messages)
    if kind is PlainObject:
        if not isinstance(value, dict):
            raise UnexpectedValueError(Message("an object"))
        _check_numbers(value.values())
        return value
    if kind is Amount:
        return _amount(value)
    if issubclass(kind, EnumCounts):
        return _counted(value, kind.vocabulary)
    return _instant(value, run=kind is RunInstant)


def as_is(_: type, value: Any) -> Any:
    """Return a value that is converted already."""
    return value


def _message(value: Any, messages: Mapping[str, Any]) -> Message:
    if not isinstance(value, str):
        raise UnexpectedValueError(Message("a text"))
    try:
        return restored(value, messages)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise UnknownMessageError(value) from error


def _counted(value: Any, vocabulary: type[StrEnum]) -> dict[StrEnum, int]:
    if not isinstance(value, dict):
        raise UnexpectedValueError(Message("an object"))
    for word in vocabulary:
        if word.value not in value:
            raise msgspec.ValidationError(f"Object missing required field `{word.value}`")
    try:
        return {word: count(value[word.value]) for word in vocabulary}
    except ValueError as error:
        raise UnexpectedValueError(Message("an object")) from error


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnexpectedValueError(Message("a number"))
    try:
        # `repr` gives the shortest decimal that is parsed as the same float.
        return checked_amount(Decimal(repr(value)))
    except ValueError as error:
        raise UnexpectedValueError(Message("an amount")) from error


def _instant(value: Any, *, run: bool) -> datetime:
    if not isinstance(value, str):
        raise UnexpectedValueError(Message("a text"))
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise UnexpectedValueError(Message("an RFC 3339 instant"))
        instant.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise UnexpectedValueError(Message("an RFC 3339 instant")) from error
    if run and not FIRST <= instant < END:
        raise UnexpectedValueError(Message("an instant from 1970 to 9000"))
    return instant


def _check_numbers(values: Iterable[Any]) -> None:
    """Reject numbers that other JSON parsers, or the encoder, would change."""
    for value in values:
        kind = type(value)
        if (kind is int and not -_INT64_LIMIT < value < _INT64_LIMIT) or (
            kind is float and not -_FLOAT_LIMIT < value < _FLOAT_LIMIT
        ):
            raise UnexpectedValueError(Message("a number of at most 64 bits"))
        if kind is dict:
            _check_numbers(value.values())
        elif kind is list:
            _check_numbers(value)
