"""A piece of a saved JSON document with its place, read key by key; what is not as promised is a SnapshotError."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from re import fullmatch
from typing import Any, Final, NoReturn, TypeVar

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, joined, message_of, restored
from auditor.domain.syntax.limits import END, FIRST, LARGEST, TENANT
from auditor.files.json_shape import checked_amount

Word = TypeVar("Word", bound=StrEnum)
Kind = TypeVar("Kind")
_Item = TypeVar("_Item")
_MISSING = object()
_LARGE = float(1 << 63)
_FLOAT = Decimal(10) ** 300
_VERSION: Final = 1


def damaged(where: str, what: Message) -> NoReturn:
    """Refuse a file that cannot be what it says it is."""
    hint = Message("run the audit again, or restore the file from a copy")
    raise SnapshotError("result-damaged", joined(": ", (where, what)), hint=hint)


class DoubtfulNumberError(Exception):
    """A number that the quick reader of JSON may have read as another: the file has to be read with care."""


def check_number(value: float) -> None:
    """Raise DoubtfulNumberError for a number that may have been a whole number of more than 64 bits."""
    if not -_LARGE < value < _LARGE:
        raise DoubtfulNumberError


def exact(value: float | Decimal) -> Decimal:
    """Return a number as it was written: of a fraction, the shortest decimal that is read as the same."""
    if not isinstance(value, float):
        return Decimal(value)
    check_number(value)
    return Decimal(repr(value))


@dataclass(frozen=True, slots=True)
class JsonObject:
    """A JSON object of the file and the path that leads to it."""

    values: Mapping[str, Any]
    file: str
    above: "JsonObject | None" = None
    key: str = ""
    """Its name in the part above; the path is put together only when there is something to say about it."""
    index: int = -1
    """Its place in a list."""

    @property
    def where(self) -> str:
        """The file and the path, as in `result.json: tenants[0].findings[3]`."""
        if self.above is None:
            return self.file
        place = self.key if self.index < 0 else f"{self.key}[{self.index}]"
        return f"{self.above.where}{': ' if self.above.above is None else '.'}{place}"

    def text(self, key: str) -> str:
        """Return a string."""
        return self._typed(key, str, Message("a text"))

    def name(self, key: str) -> str:
        """Return a string, empty for null: what only people read may be unknown, but its key is there."""
        return "" if self._present(key) is None else self.text(key)

    def optional_text(self, key: str) -> str | None:
        """Return a string, or None for null or an absent key."""
        return None if self.values.get(key) is None else self.text(key)

    def message(self, key: str) -> Message:
        """Return a string with the template and the arguments that the document has for it."""
        text, root = self.text(key), self
        while root.above is not None:
            root = root.above
        try:
            return restored(text, root.values.get("messages", {}))
        except (LookupError, TypeError, ValueError, RecursionError):
            damaged(f"{root.file}: messages", Message("has no message for {text}", text=_shown(text)))

    def optional_message(self, key: str) -> Message | None:
        """Return a message, or None for null or an absent key."""
        return None if self.values.get(key) is None else self.message(key)

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return self._typed(key, bool, Message("true or false"))

    def count(self, key: str, most: int = LARGEST) -> int:
        """Return a whole number of at most `most` either way."""
        value = self._present(key)
        if isinstance(value, bool) or not isinstance(value, int):
            self._refuse(key, Message("a whole number"))
        if not -most <= value <= most:
            self._refuse(key, Message("a whole number of at most {most} either way", most=most))
        return value

    def optional_count(self, key: str, most: int = LARGEST) -> int | None:
        """Return a whole number of at most `most` either way, or None for null or an absent key."""
        return None if self.values.get(key) is None else self.count(key, most)

    def amount(self, key: str) -> Decimal:
        """Return an amount, exactly as written."""
        value = self._present(key)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self._refuse(key, Message("a number"))
        try:
            return checked_amount(exact(value))
        except ValueError:
            self._refuse(key, Message("an amount"))

    def instant(self, key: str) -> datetime:
        """Return an instant with its time zone."""
        text = self.text(key)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            self._refuse(key, Message("an RFC 3339 instant"))
        if moment.tzinfo is None or not _in_calendar(moment):
            self._refuse(key, Message("an RFC 3339 instant"))
        return moment

    def optional_date(self, key: str) -> date | None:
        """Return a day, or None for null or an absent key."""
        if self.values.get(key) is None:
            return None
        try:
            return date.fromisoformat(self.text(key))
        except ValueError:
            self._refuse(key, Message("a day"))

    def run_instant(self, key: str) -> datetime:
        """Return the instant of a run, from 1970 to 9000: days that are added to it stay in the calendar."""
        moment = self.instant(key)
        if not FIRST <= moment < END:
            self._refuse(key, Message("an instant from 1970 to 9000"))
        return moment

    def tenant(self, key: str) -> str:
        """Return the name of a tenant, which becomes a part of paths."""
        name = self.text(key)
        if not TENANT.fullmatch(name):
            self._refuse(key, Message("a name of 1 to 63 lower-case letters, digits and hyphens"))
        return name

    def word(self, key: str, words: type[Word]) -> Word:
        """Return a member of a closed vocabulary."""
        value = self._present(key)
        try:
            return words(value)
        except ValueError:
            self._refuse(key, Message("one of {words}", words=", ".join(words)))

    def optional_word(self, key: str, words: type[Word]) -> Word | None:
        """Return a member of a closed vocabulary, or None for null or an absent key."""
        return None if self.values.get(key) is None else self.word(key, words)

    def part(self, key: str) -> "JsonObject":
        """Return an object."""
        value = self._typed(key, dict, Message("an object"))
        return JsonObject(value, self.file, self, key)

    def optional_part(self, key: str) -> "JsonObject | None":
        """Return an object, or None for null or an absent key."""
        return None if self.values.get(key) is None else self.part(key)

    def parts(self, key: str) -> Iterator["JsonObject"]:
        """Yield the objects of a list."""
        for index, value in enumerate(self._list(key)):
            if not isinstance(value, dict):
                self._refuse(f"{key}[{index}]", Message("an object"), value)
            yield JsonObject(value, self.file, self, key, index)

    def optional_parts(self, key: str) -> Iterator["JsonObject"]:
        """Yield the objects of a list; an absent key is an empty list."""
        if key in self.values:
            yield from self.parts(key)

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings."""
        values = self._list(key)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self._refuse(f"{key}[{index}]", Message("a text"), value)
        return tuple(values)

    def optional_texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; an absent key is an empty list."""
        return self.texts(key) if key in self.values else ()

    def optional_counts(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers; an absent key is an empty list."""
        values = self._list(key) if key in self.values else []
        for index, value in enumerate(values):
            if isinstance(value, bool) or not isinstance(value, int) or not -LARGEST <= value <= LARGEST:
                self._refuse(f"{key}[{index}]", Message("a whole number"), value)
        return tuple(values)

    def plain(self, key: str) -> dict[str, Any]:
        """Return an object as plain JSON values, fractions as floats."""
        return self.part(key).whole()

    def whole(self) -> dict[str, Any]:
        """Return this object as plain JSON values, fractions as floats."""
        try:
            return {name: _plain(value) for name, value in self.values.items()}
        except ValueError as error:
            damaged(self.where, message_of(error))

    def _list(self, key: str) -> list[Any]:
        return self._typed(key, list, Message("a list"))

    def _typed(self, key: str, kind: type[Kind], name: Message) -> Kind:
        value = self._present(key)
        if not isinstance(value, kind):
            self._refuse(key, name)
        return value

    def _present(self, key: str) -> Any:
        value = self.values.get(key, _MISSING)
        if value is _MISSING:
            damaged(self.where, Message("'{key}' is missing", key=key))
        return value

    def _place(self, key: str) -> str:
        return JsonObject({}, self.file, self, key).where

    def _refuse(self, key: str, expected: Message, value: Any = _MISSING) -> NoReturn:
        found = self.values.get(key) if value is _MISSING else value
        damaged(
            self._place(key), Message("has the value {found}, not {expected}", found=_shown(found), expected=expected)
        )


def unique(part: JsonObject, key: str, found: tuple[_Item, ...], name: Callable[[_Item], str]) -> tuple[_Item, ...]:
    """Return what was read; two of one name are refused."""
    seen: set[str] = set()
    for each in map(name, found):
        if each in seen:
            damaged(part.where, Message("'{key}' holds {each} twice", key=key, each=repr(each[:80])))
        seen.add(each)
    return found


def _in_calendar(moment: datetime) -> bool:
    """Whether an instant has a year from 1 to 9999 in UTC too."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case Decimal():
            if not -_FLOAT < value < _FLOAT:
                raise ValueError(f"holds the number {_shown(value)}, which is too large")
            return float(value)
        case int() if not -_LARGE < value < _LARGE:
            raise ValueError(f"holds the number {_shown(value)}, which is too large")
        case float():
            check_number(value)
            return value
        case _:
            return value


def check_schema(root: JsonObject, where: str) -> None:
    """Raise SnapshotError where a document is no result, or one of another version."""
    schema = root.values.get("schema")
    version = fullmatch(r"auditor/result/v(\d{1,6})", schema) if isinstance(schema, str) else None
    reads = {"where": where, "version": _VERSION}
    if version is None:
        hint = Message("name a result.json that `auditor audit` wrote")
        message = Message(
            "{where} is no saved result: its schema is {schema}, not 'auditor/result/v{version}'",
            schema=repr(schema),
            **reads,
        )
        raise SnapshotError("result-foreign", message, hint=hint)
    if int(version[1]) != _VERSION:
        message = Message(
            "{where} has the schema {schema}; this version reads 'auditor/result/v{version}'", schema=schema, **reads
        )
        hint = Message("update m365-license-auditor, or run the audit again")
        raise SnapshotError("result-version", message, hint=hint)
