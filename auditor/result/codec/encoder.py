"""Writes JSON documents: structs as objects with their fields in order and in camel case, indented by two spaces."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache, lru_cache
from itertools import groupby, islice
from types import NoneType, UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

import orjson
from msgspec import Struct
from msgspec.structs import fields

from auditor.domain.actions.action import Action
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.money import rounded
from auditor.domain.result.finding import Findings
from auditor.domain.saved_field import SavedField

TOOL: Final = "m365-license-auditor"
"""The distribution that writes the documents."""
_SEAT_PROPERTIES: Final = {"added": ("usable_after", "assigned_after")}
_COMPUTED: Final[Mapping[type, Any]] = {Action: {"due": ("saves", "costs")}, SeatMovement: _SEAT_PROPERTIES}
"""Properties that are written to a document too, by the field after which they are inserted."""
_MAX_SHORT_LIST: Final = 100
"""Maximum length of a list that is encoded together with the object that contains it."""
_BATCH: Final = 1000
"""Number of items of a longer list that are encoded at once."""
_FINDING_BATCH: Final = 4096
"""Number of findings that are encoded at once."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]")
"""DEL and the C1 control characters in UTF-8."""
_FLAGS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME


class _Record(Struct, frozen=True, kw_only=True):
    """How a struct is written as an object."""

    values: Callable[[Any], dict[str, Any]]
    """Returns the attributes of a value by key."""
    optional: tuple[tuple[str, Any], ...]
    """Keys that are omitted if they have their default, with the default."""
    counts: tuple[tuple[str, type[Enum]], ...]
    """Keys of counts by the members of an enum; the document has every member."""
    longest: Callable[[Any], int]
    """Returns the length of the longest list among those whose items contain no lists."""
    lists: tuple[str, ...]
    """Attributes with other lists, or objects with lists."""

    @property
    def has_list(self) -> bool:
        """Whether an attribute is a list or contains one."""
        return bool(self.lists) or self.longest is not _nothing

    def members(self, value: Any) -> dict[str, Any]:
        """Return the keys and values of a value."""
        values = self.values(value)
        for key, default in self.optional:
            if values[key] == default:
                del values[key]
        for key, vocabulary in self.counts:
            values[key] = {word.value: values[key].get(word, 0) for word in vocabulary}
        return values


def document(value: Any) -> bytes:
    """Return a complete JSON file. Raises TypeError for a value that documents do not support."""
    return _text(value, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def line(value: Any) -> bytes:
    """Return one line of newline-delimited JSON."""
    return _text(value, orjson.OPT_APPEND_NEWLINE)


def document_parts(keyed: Mapping[str, Any]) -> Iterator[tuple[int | None, Iterator[bytes]]]:
    """Yield the bytes of `document` in parts: items of the list `tenants` with their index, everything else with None.

    The bytes of a tenant are the same in every object that has it in this list.
    """
    separator = b"{"
    for name, member in keyed.items():
        yield None, iter((separator + _line(1) + line(name).rstrip() + b": ",))
        separator = b","
        if name != "tenants" or not member:
            yield None, _value(member, 1)
            continue
        item_separator = b"["
        for index, item in enumerate(member):
            yield None, iter((item_separator + _line(2),))
            yield index, _value(item, 2)
            item_separator = b","
        yield None, iter((_line(1) + b"]",))
    yield None, iter((b"\n}\n",))


def members(value: Any) -> dict[str, Any]:
    """Return the keys and values of a struct in a document. Raises TypeError for any other value."""
    record = _record(value.__class__)
    if record is None:
        raise TypeError(f"a document holds no {type(value).__name__}")
    return record.members(value)


def instant(value: datetime) -> str:
    """Return an RFC 3339 instant in UTC. Raises ValueError for a time without a time zone."""
    if value.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def camel_case(name: str) -> str:
    """Return the key of a field in a document."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


@cache
def _record(kind: type) -> _Record | None:
    if not issubclass(kind, Struct):
        return None
    saved = _saved_fields(kind)
    lists = [(name, hint) for name, hint in saved if _holds_list(hint)]
    flat_lists = [name for name, hint in lists if _lists_plain(hint)]
    lengths = ", ".join(f"len(value.{name})" for name in flat_lists)
    return _Record(
        # Compiled, because it is three times as fast as a loop and called for every finding of a tenant.
        values=eval(f"lambda value: {_object_expression(kind, 'value')}"),  # noqa: S307 - names of fields
        optional=tuple(
            (camel_case(field.name), field.default)
            for field in fields(kind)
            if SavedField.OPTIONAL in get_args(field.type)
        ),
        counts=tuple((camel_case(name), get_args(hint)[0]) for name, hint in saved if _counts(hint)),
        longest=eval(f"lambda value: max({lengths}, 0)") if flat_lists else _nothing,  # noqa: S307 - names of fields
        lists=tuple(name for name, _ in lists if name not in flat_lists),
    )


def _saved_fields(kind: type) -> list[tuple[str, Any]]:
    """Return the names that a document has of a struct: fields with their types, and computed properties with None."""
    hints = get_type_hints(kind, include_extras=True)
    names: list[str] = []
    for field in fields(kind):
        if SavedField.UNSAVED not in get_args(hints[field.name]):
            names += (field.name, *_COMPUTED.get(kind, {}).get(field.name, ()))
    return [(name, hints.get(name)) for name in names]


def _object_expression(kind: type, value: str) -> str:
    """Return the Python expression that converts the value named `value` to a dictionary.

    Fields with another small struct, such as the subject of a finding, are expanded inline: otherwise the encoder would
    call back for each of them.
    """
    parts = []
    for name, hint in _saved_fields(kind):
        nested, variable = _small(hint), f"{value}_{name}"
        expression = f"{value}.{name}"
        if nested is not None:
            inner = _object_expression(nested, variable)
            expression = f"({variable}:={expression})and{inner}"  # a struct, which is always true, or None
        elif SavedField.EXACT in get_args(hint):
            expression = f"_number({expression}, exact=True)"
        parts.append(f"{camel_case(name)!r}: {expression}")
    return "{" + ", ".join(parts) + "}"


def _small(hint: Any) -> type | None:
    """Return the type of a field, if it is a struct, or a struct or None, without optional keys, counts and lists."""
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
    if len(kinds) != 1 or not isinstance(kinds[0], type) or get_origin(hint) not in {None, UnionType}:
        return None
    record = _record(kinds[0])
    return None if record is None or record.optional or record.counts or record.has_list else kinds[0]


def _counts(hint: Any) -> bool:
    return get_origin(hint) is Mapping and issubclass(get_args(hint)[0], Enum)


def _holds_list(hint: Any) -> bool:
    """Return whether values of a type are lists, or objects with lists."""
    kind = get_origin(hint) or hint
    if isinstance(kind, type) and issubclass(kind, Iterable) and not issubclass(kind, str | Mapping):
        return True
    record = _record(kind) if isinstance(kind, type) else None
    if record is not None:
        return record.has_list
    return kind is not Mapping and any(map(_holds_list, get_args(hint)))


def _lists_plain(hint: Any) -> bool:
    """Return whether values of a type are lists, never None, whose items neither are nor contain lists."""
    return get_origin(hint) in {tuple, Sequence} and not any(map(_holds_list, get_args(hint)))


def _nothing(_value: Any) -> int:
    return 0


def _value(value: Any, depth: int) -> Iterator[bytes]:
    if not _is_long(value):
        yield _indented(value, depth)
    elif isinstance(value, dict):
        yield from _object(value, depth)
    elif isinstance(value, Findings):
        yield from _findings(value, depth)
    elif isinstance(value, Iterable):
        yield from _list(value, depth)
    else:
        yield from _object(members(value), depth)


def _object(keyed: dict[str, Any], depth: int) -> Iterator[bytes]:
    """Yield long members one by one, and all members between them at once."""
    separator = b"{"
    for long, group in groupby(keyed.items(), lambda member: _is_long(member[1])):
        if not long:
            yield separator + _inside(dict(group), depth)
            separator = b","
            continue
        for key, value in group:
            yield separator + _line(depth + 1) + line(key).rstrip() + b": "
            yield from _value(value, depth + 1)
            separator = b","
    yield _line(depth) + b"}"


def _findings(findings: Findings, depth: int) -> Iterator[bytes]:
    from auditor.arrays.batches import resized  # noqa: PLC0415 - heavy
    from auditor.findings.columns import decode  # noqa: PLC0415 - heavy
    from auditor.result.codec.finding_encoder import encoded  # noqa: PLC0415 - heavy

    started = False
    for batch in resized(findings.batches(), _FINDING_BATCH):
        text = encoded(batch, _inside, depth + 1)
        text = b"," + _inside(list(decode(batch)), depth) if text is None else _escaped(text)
        yield text if started else b"[" + text[1:]
        started = True
    yield _line(depth) + b"]"


def _list(values: Iterable[Any], depth: int) -> Iterator[bytes]:
    separator = b"["
    runs: Iterable[tuple[bool, Iterator[Any]]] = (
        groupby(values, _is_long) if _holds_lists(values) else ((False, iter(values)),)
    )
    for long, items in runs:
        if long:
            for item in items:
                yield separator + _line(depth + 1)
                yield from _value(item, depth + 1)
                separator = b","
            continue
        while batch := list(islice(items, _BATCH)):
            yield separator + _inside(batch, depth)
            separator = b","
    yield _line(depth) + b"]"


def _is_long(value: Any) -> bool:
    """Return whether a value is, or contains, a list with more than `_MAX_SHORT_LIST` items."""
    record = _record(value.__class__)
    if record is not None:
        return record.longest(value) > _MAX_SHORT_LIST or any(_is_long(getattr(value, name)) for name in record.lists)
    if isinstance(value, dict):
        return any(map(_is_long, value.values()))
    if isinstance(value, str) or not isinstance(value, Iterable):
        return False
    return len(value) > _MAX_SHORT_LIST or (_holds_lists(value) and any(map(_is_long, value)))  # type: ignore[arg-type]


def _holds_lists(values: Iterable[Any]) -> bool:
    """Return whether the items of a list, which have one type, may contain lists."""
    first: Any = next(iter(values), None)
    record = _record(first.__class__)
    return record is not None and record.has_list


def _indented(value: Any, depth: int) -> bytes:
    # In JSON text, line feeds occur only between tokens.
    return document(value).rstrip().replace(b"\n", _line(depth))


def _inside(value: list[Any] | Mapping[str, Any], depth: int) -> bytes:
    """Return the text between the brackets of a list or an object."""
    return _indented(value, depth)[1:-1].rstrip()


def _line(depth: int) -> bytes:
    return b"\n" + b"  " * depth


def _text(value: Any, options: int) -> bytes:
    return _escaped(_encoded(value, options | _FLAGS))


def _escaped(text: bytes) -> bytes:
    if b"\x7f" not in text and b"\xc2" not in text:
        return text
    # JSON does not require escaping these control characters, but some terminals interpret them.
    return _CONTROL.sub(lambda match: b"\\u%04x" % match[0][-1], text)


def _encoded(value: Any, options: int) -> bytes:
    try:
        return orjson.dumps(value, default=_plain, option=options)
    except TypeError:
        # A lone surrogate, which a saved result may contain, has no UTF-8 encoding, but JSON can escape it.
        indented = bool(options & orjson.OPT_INDENT_2)
        separators = (",", ": ") if indented else (",", ":")
        text = json.dumps(
            value, default=_plain, ensure_ascii=False, indent=2 if indented else None, separators=separators
        )
        return (_SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n").encode()


@lru_cache(maxsize=4096)
def _number(value: Decimal, *, exact: bool = False) -> int | float:
    """Return an amount of money as an integer or a double, rounded to cents unless it is exact."""
    amount = value if exact else rounded(value)
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _plain(value: Any) -> Any:
    """Return a value of a type that JSON does not have as one that it has."""
    record = _record(value.__class__)
    if record is not None:
        return record.members(value)
    match value:
        case Decimal():
            return _number(value)
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case Mapping():
            return dict(value)
        case Iterable() if not isinstance(value, bytes | set | frozenset):
            return list(value)
        case _:
            raise TypeError(f"a document holds no {type(value).__name__}")
