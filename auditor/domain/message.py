"""Defines messages: texts that keep their template and arguments, so that they can be translated later."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Self, TypeAlias

from auditor.domain.money import Money, rounded

Formatted: TypeAlias = "date | Money | Count"
"""Values of messages that each language writes in its own way."""
Argument: TypeAlias = "str | Formatted | Message"

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_MIN_GROUPED: Final = 1000
"""Smallest number with a thousands separator; smaller ones are the same in every language."""
_AMOUNT: Final = re.compile(r"(?P<amount>-?[0-9]{1,18}\.[0-9]{2}) (?P<currency>[A-Z]{3})")


def fill_template(template: str, values: Mapping[str, object]) -> str:
    """Replace the placeholders of a template by values.

    Placeholders inside a value are not replaced; a placeholder with an unknown name stays as it is.
    """
    return _PLACEHOLDER.sub(lambda name: str(values.get(name[1], name[0])), template)


class Count(int):
    """A number of things, which each language writes with its own thousands separators.

    Lines, HTTP statuses and other numbers that only identify something are not counts.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return f"{int(self):,}"


class Message(str):
    """A text in English that remembers the catalogue's template (`id`) and the values in it (`arguments`).

    `Message("{path} does not exist", path=path)`: the template is a literal, so that Babel can extract it. An argument
    that is a Message is translated too, a `date`, `Money` or `Count` is formatted for the language, and any other
    value is inserted unchanged. Text from elsewhere, such as an answer of Microsoft Graph, is a Message without
    arguments, and no catalogue has a translation of it.
    """

    __slots__ = ("arguments", "id")

    id: str
    arguments: Mapping[str, Argument]

    def __new__(cls, template: str, /, **arguments: object) -> Self:
        """Fill in the template; a placeholder without an argument stays as it is."""
        values = {name: _argument(value) for name, value in arguments.items()}
        self = super().__new__(cls, fill_template(template, values))
        self.id, self.arguments = str(template), values
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], Mapping[str, Argument]]:
        return (self.id,), self.arguments

    def translated(self, gettext: Callable[[str], str], shown: Callable[[Formatted], str]) -> str:
        """Return the text in another language: `gettext` translates templates, `shown` formats other values."""
        values = {
            name: value.translated(gettext, shown) if isinstance(value, Message)
            else shown(value) if isinstance(value, date | Money | Count) else value
            for name, value in self.arguments.items()
        }  # fmt: skip
        return fill_template(gettext(self.id), values)

    def rewritten(self, change: Callable[[str], str]) -> "Message":
        """Return the message with `change` applied to its values, or to the text itself if it has no arguments."""
        if not self.arguments:
            return Message(change(self))
        values = {
            name: value.rewritten(change) if isinstance(value, Message)
            else change(value) if isinstance(value, str) else value
            for name, value in self.arguments.items()
        }  # fmt: skip
        return Message(self.id, **values)


def joined(separator: str, texts: Iterable[str]) -> Message:
    """Join texts into one message; each text is translated separately."""
    parts = {f"part{number}": text for number, text in enumerate(texts, start=1)}
    return Message(separator.join(f"{{{name}}}" for name in parts), **parts)


def truncated(texts: Iterable[str], limit: int) -> list[str]:
    """Return the first `limit` texts, followed by an ellipsis if there are more."""
    listed = list(texts)
    return listed if len(listed) <= limit else [*listed[:limit], "…"]


NOTHING: Final = joined("", ())
"""An empty message."""


def detailed(text: Message, detail: str | None) -> Message:
    """Return a message followed by a detail in brackets, or the message alone if there is no detail."""
    return Message("{text} ({detail})", text=text, detail=detail) if detail else text


def unreadable(path: object, error: OSError) -> Message:
    """Return the message that the system refused to read a path, with the reason."""
    return Message("{path} cannot be read: {strerror}", path=path, strerror=error.strerror or error)


def unwritable(path: object, error: OSError) -> Message:
    """Return the message that the system refused to write a path, with the reason."""
    return Message("{path} cannot be written: {strerror}", path=path, strerror=error.strerror or error)


def alternatives(texts: Sequence[str]) -> Message:
    """Return texts as alternatives: `a, b or c`; there must be at least one."""
    *others, last = texts
    return Message("{one} or {other}", one=joined(", ", others), other=last) if others else joined("", texts)


def enumeration(texts: Sequence[str]) -> Message:
    """Return texts as a list: `a, b and c`; there must be at least one."""
    *others, last = texts
    return Message("{one} and {other}", one=joined(", ", others), other=last) if others else joined("", texts)


def message_of(error: BaseException) -> Message:
    """Return the Message with which an exception was raised, or its text if it was raised without a Message."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Message) else Message(str(error))


def encoded(message: Message) -> dict[str, Any]:
    """Return a message as plain JSON values: `{"id": template, "arguments": {name: value}}`.

    A value is a text, `{"date": ...}`, `{"amount": ..., "currency": ...}`, `{"count": ...}` or a message.
    """
    values = {name: _encode_argument(value) for name, value in message.arguments.items()}
    return {"id": message.id, "arguments": values} if values else {"id": message.id}


def decoded(document: Mapping[str, Any]) -> Message:
    """Return the message of a document that `encoded` returned; raises KeyError, TypeError or ValueError if invalid."""
    template, values = document["id"], document.get("arguments", {})
    return Message(template, **{name: _decode_argument(values[name]) for name in values})


def restored(text: str, saved: Mapping[str, Any]) -> Message:
    """Return the message of an English text; `saved` maps texts to the documents that `encoded` returned.

    A text that is not in `saved`, such as one of an earlier version, becomes a message without arguments. Raises
    KeyError, TypeError or ValueError if the document is not a message, or is the message of another text.
    """
    if text not in saved:
        return Message(text)
    message = decoded(saved[text])
    if message != text:
        raise ValueError(text)
    return message


def _encode_argument(value: Argument) -> str | dict[str, Any]:
    if isinstance(value, Message):
        return encoded(value)
    if isinstance(value, Money):
        return {"amount": str(rounded(value.per_month)), "currency": value.currency}
    if isinstance(value, Count):
        return {"count": int(value)} if abs(value) >= _MIN_GROUPED else str(value)
    return {"date": value.isoformat()} if isinstance(value, date) else value


def _decode_argument(value: str | Mapping[str, Any]) -> Argument:
    if isinstance(value, str):
        return value
    if "currency" in value:
        amount = _AMOUNT.fullmatch(f"{value['amount']} {value['currency']}")
        if amount is None:
            raise ValueError(value)
        return Money(currency=amount["currency"], per_month=Decimal(amount["amount"]))
    if "count" in value:
        if type(value["count"]) is not int:
            raise TypeError(value)
        return Count(value["count"])
    return date.fromisoformat(value["date"]) if "date" in value else decoded(value)


def _argument(value: object) -> Argument:
    if isinstance(value, Message | Money | Count) or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    return str(value)
