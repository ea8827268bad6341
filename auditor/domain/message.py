"""A text for people that can still be put into another language: its template and arguments travel with it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Self, TypeAlias

Argument: TypeAlias = "str | date | Message"
"""A quoted value; a day, which each language writes in its own way; or a text that is itself translated."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Message(str):
    """A text in English that remembers the catalogue's template (`id`) and the values in it (`arguments`).

    `Message("{path} does not exist", path=path)`: the template is a literal, so that Babel can extract it. An argument
    that is a Message is translated with the message around it, a `date` is written as the language writes days, and
    any other value is quoted as it is. A text of somebody else (an answer of Microsoft Graph, say) is a Message without
    arguments, which no catalogue has.
    """

    __slots__ = ("arguments", "id")

    id: str
    arguments: Mapping[str, Argument]

    def __new__(cls, template: str, /, **arguments: object) -> Self:
        """Fill the template in; a name in braces that is no argument stays as it is."""
        values = {name: _argument(value) for name, value in arguments.items()}
        self = super().__new__(cls, filled(template, values))
        self.id, self.arguments = str(template), values
        return self

    def __reduce__(self) -> tuple[Callable[..., "Message"], tuple[str, Mapping[str, Argument]]]:
        return _rebuilt, (self.id, self.arguments)

    def translated(self, gettext: Callable[[str], str], day: Callable[[date], str]) -> str:
        """Return the text with every template in it translated by `gettext` and every date written by `day`."""
        values = {
            name: value.translated(gettext, day) if isinstance(value, Message)
            else day(value) if isinstance(value, date) else value
            for name, value in self.arguments.items()
        }  # fmt: skip
        return filled(gettext(self.id) if self.id else "", values)

    def rewritten(self, change: Callable[[str], str]) -> "Message":
        """Return the message with its quoted values changed; a text without arguments is changed itself."""
        if not self.arguments:
            return Message(change(self))
        values = {
            name: value.rewritten(change) if isinstance(value, Message)
            else change(value) if isinstance(value, str) else value
            for name, value in self.arguments.items()
        }  # fmt: skip
        return Message(self.id, **values)


def joined(separator: str, texts: Iterable[str]) -> Message:
    """Return texts side by side as one message; each is translated by itself."""
    parts = {f"part{number}": text for number, text in enumerate(texts, start=1)}
    return Message(separator.join(f"{{{name}}}" for name in parts), **parts)


def alternatives(texts: Sequence[str]) -> Message:
    """Return texts as a choice: `a, b or c`; at least one is needed."""
    return _enumerated(texts, "{one} or {other}")


def enumeration(texts: Sequence[str]) -> Message:
    """Return texts as a list: `a, b and c`; at least one is needed."""
    return _enumerated(texts, "{one} and {other}")


def _enumerated(texts: Sequence[str], template: str) -> Message:
    *others, last = texts
    return Message(template, one=joined(", ", others), other=last) if others else joined("", (last,))


def filled(template: str, values: Mapping[str, object]) -> str:
    """Return a template with its values; a value is never read as a template, and an unknown name stays."""
    return _PLACEHOLDER.sub(lambda name: str(values.get(name[1], name[0])), template)


def _argument(value: object) -> Argument:
    if isinstance(value, Message) or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    return str(value)


def _rebuilt(template: str, arguments: Mapping[str, Argument]) -> Message:
    return Message(template, **arguments)
