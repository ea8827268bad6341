"""Defines messages: texts that keep their template and arguments, so that they can be translated later."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, Self, TypeAlias

Argument: TypeAlias = "str | date | Message"

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")


def filled(template: str, values: Mapping[str, object]) -> str:
    """Return a template with its values; a value is never read as a template, and an unknown name stays."""
    return _PLACEHOLDER.sub(lambda name: str(values.get(name[1], name[0])), template)


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
        return filled(gettext(self.id), values)

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


NOTHING: Final = joined("", ())
"""The text of what needs none."""


def detailed(text: Message, detail: str | None) -> Message:
    """Return a message with a detail in brackets behind it; the message itself where there is none."""
    return Message("{text} ({detail})", text=text, detail=detail) if detail else text


def unreadable(path: object, error: OSError) -> Message:
    """Return that the system refused to read something, and why."""
    return Message("{path} cannot be read: {strerror}", path=path, strerror=error.strerror or error)


def unwritable(path: object, error: OSError) -> Message:
    """Return that the system refused to write something, and why."""
    return Message("{path} cannot be written: {strerror}", path=path, strerror=error.strerror or error)


def alternatives(texts: Sequence[str]) -> Message:
    """Return texts as a choice: `a, b or c`; at least one is needed."""
    *others, last = texts
    return Message("{one} or {other}", one=joined(", ", others), other=last) if others else joined("", texts)


def enumeration(texts: Sequence[str]) -> Message:
    """Return texts as a list: `a, b and c`; at least one is needed."""
    *others, last = texts
    return Message("{one} and {other}", one=joined(", ", others), other=last) if others else joined("", texts)


def message_of(error: BaseException) -> Message:
    """Return the message with which an exception was raised; its text where that is somebody else's."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, Message) else Message(str(error))


def encoded(message: Message) -> dict[str, Any]:
    """Return a message as plain JSON values: `{"id": ..., "arguments": {name: text, {"date": ...} or message}}`."""
    values = {
        name: encoded(value) if isinstance(value, Message)
        else {"date": value.isoformat()} if isinstance(value, date) else value
        for name, value in message.arguments.items()
    }  # fmt: skip
    return {"id": message.id, "arguments": values} if values else {"id": message.id}


def decoded(document: Mapping[str, Any]) -> Message:
    """Read what `encoded` returns. Raises KeyError, TypeError or ValueError for anything else."""
    template, values = document["id"], document.get("arguments", {})
    return Message(template, **{name: _decoded(values[name]) for name in values})


def restored(text: str, saved: Mapping[str, Any]) -> Message:
    """Return the message of an English text; `saved` has what `encoded` returned, by text.

    A text that is not in it, such as one of an earlier version, stays as it is. Raises KeyError, TypeError or
    ValueError where what was saved is no message, or that of another text.
    """
    if text not in saved:
        return Message(text)
    message = decoded(saved[text])
    if message != text:
        raise ValueError(text)
    return message


def _decoded(value: str | Mapping[str, Any]) -> Argument:
    if isinstance(value, str):
        return value
    return date.fromisoformat(value["date"]) if "date" in value else decoded(value)


def _argument(value: object) -> Argument:
    if isinstance(value, Message) or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    return str(value)


def _rebuilt(template: str, arguments: Mapping[str, Argument]) -> Message:
    return Message(template, **arguments)
