"""Reads JSON documents into structs: types, bounds and required keys are derived from their fields.

msgspec converts the values to structs with the layout of the document, and these to the structs of the program.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, Final, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from auditor.domain.actions.action import Action
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, joined
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import BalanceShare, FleetPast, FleetResult, TenantResult
from auditor.domain.saved_field import SavedField
from auditor.domain.syntax.limits import LARGEST_SUM, TENANT
from auditor.files.json_document import Whole
from auditor.result.codec.converted_fields import (
    Amount,
    Instant,
    PlainObject,
    RunInstant,
    SavedMessage,
    UnexpectedValueError,
    UnknownMessageError,
    as_is,
    convert,
    counts,
)
from auditor.result.codec.encoder import camel_case

Kind = TypeVar("Kind")

_REQUIRED: Final[Mapping[type, frozenset[str]]] = {
    Action: frozenset({"role", "prerequisites", "steps", "warnings", "links", "requests"}),
    BalanceShare: frozenset({"doubtful"}),
    Finding: frozenset({"evidence", "guidance"}),
    FleetPast: frozenset({"findings", "unconfirmed", "closed"}),
    FleetResult: frozenset({"findings"}),
    TenantResult: frozenset({"sources", "seats", "policies", "findings", "actions", "notices"}),
}
"""Required fields despite their default; the other defaults are for keys that earlier versions did not write."""
_hints: Final = cache(get_type_hints)
_ERROR_PATH: Final = re.compile(r" - at `\$(.*)`\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_PATH_SEGMENT: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
_EXPECTED: Final = {
    "str": Message("a text"),
    "bool": Message("true or false"),
    "int": Message("a whole number"),
    "object": Message("an object"),
    "array": Message("a list"),
}


def read(
    kind: type[Kind],
    values: Any,
    *,
    where: str,
    path: str = "",
    given: Mapping[str, Any] | None = None,
    messages: Mapping[str, Any] | None = None,
) -> Kind:
    """Return a struct from the values of an object; fields in `given` are not read from it.

    `messages` has the templates and arguments of messages by their English text; `where` is the name of the file and
    `path` the path of the object in it. Keys without a field are ignored. Raises SnapshotError (`result-damaged`) with
    the path of a value that is missing or that its field does not accept.
    """
    saved_type = _checked(_struct(cast("Any", kind)), kind, values, where, path, messages=messages)
    hints, members = _hints(cast("Any", kind)), dict(given or {})
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name not in members:
            value = msgspec.convert(
                getattr(saved_type, field.name), hints[field.name], from_attributes=True, dec_hook=as_is
            )
            members[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**members)


def read_list(kind: type[Kind], values: list[Any], *, where: str, path: str, start: int = 0) -> list[Kind]:
    """Return records with the attributes of a struct, of another type, for a list of objects.

    `start` is the index of the first one in the list at `path`.
    """
    return _checked(list[_struct(cast("Any", kind))], tuple[kind, ...], values, where, path, start)  # type: ignore[misc, no-any-return, valid-type]


def damaged(where: str, path: str, what: Message) -> NoReturn:
    """Reject a damaged file. Always raises SnapshotError (`result-damaged`)."""
    location = f"{where}: {path.removeprefix('.')}" if path else where
    hint = Message("run the audit again, or restore the file from a copy")
    raise SnapshotError("result-damaged", joined(": ", (location, what)), hint=hint)


def _checked(
    saved_type: Any,
    kind: Any,
    values: Any,
    where: str,
    path: str,
    start: int = 0,
    messages: Mapping[str, Any] | None = None,
) -> Any:
    try:
        return msgspec.convert(values, saved_type, dec_hook=partial(convert, messages or {}))
    except msgspec.ValidationError as error:
        _reject(error, kind, values, where, path, start)
    except UnknownMessageError as error:
        damaged(where, ".messages", Message("has no message for {text}", text=_shown(error.args[0])))
    except UnicodeEncodeError:
        # A lone surrogate in a key or in the value of an enum.
        damaged(where, path, _not(values, Message("a text")))


def _reject(error: msgspec.ValidationError, kind: Any, values: Any, where: str, path: str, start: int) -> NoReturn:
    text = str(error)
    location = _ERROR_PATH.search(text)
    relative_path = "" if location is None else location[1]
    segments = [(name, int(index or 0)) for name, index in _PATH_SEGMENT.findall(relative_path)]
    for name, index in segments:
        kind = _nested_type(kind, name)
        values = values.get(name) if name else values[index]
    if not segments or segments[0][0]:
        path += relative_path
    else:
        path += _PATH_SEGMENT.sub(f"[{segments[0][1] + start}]", relative_path, count=1)
    missing = _MISSING.match(text)
    if missing is not None:
        damaged(where, path, Message("'{key}' is missing", key=missing[1]))
    cause = error.__cause__
    expected = cause.expected if isinstance(cause, UnexpectedValueError) else _expected(_ERROR_PATH.sub("", text), kind)
    damaged(where, path, _not(values, expected))


def _not(value: Any, expected: Message) -> Message:
    return Message("has the value {found}, not {expected}", found=_shown(value), expected=expected)


def _expected(text: str, kind: Any) -> Message:
    plain = _plain_type(kind)
    if isinstance(plain, type) and issubclass(plain, StrEnum):
        return Message("one of {known}", known=", ".join(plain))
    if plain is date:
        return Message("a day")
    if "matching regex" in text:
        return Message("a name of 1 to 63 lower-case letters, digits and hyphens")
    if "<=" in text or ">=" in text:
        return Message("a whole number from -{most} to {most}", most=text.rpartition(" ")[2].lstrip("-"))
    return _EXPECTED[text.split("`")[1].partition(" ")[0]]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nested_type(kind: Any, name: str) -> Any:
    """Return the type of a member or of an item of a type; without a name, that of an item."""
    kind = _plain_type(kind)
    if not name:
        return get_args(kind)[0] if get_args(kind) else Finding
    return {camel_case(field): hint for field, hint in get_type_hints(kind, include_extras=True).items()}.get(name)


def _plain_type(hint: Any) -> Any:
    """Return a type without its annotations and without None."""
    while get_origin(hint) in {Annotated, Union, UnionType}:
        hint = next(argument for argument in get_args(hint) if argument is not NoneType)
    return hint


@cache
def _struct(kind: Any) -> Any:
    """Return a struct with the fields of another one as a document stores them."""
    saved_fields: list[tuple[str, Any, Any]] = []
    null_defaults: list[tuple[str, Any]] = []
    hints = get_type_hints(kind, include_extras=True)
    for field in fields(kind):
        hint = hints[field.name]
        saved_type, default = _saved_type(hint), field.default
        if SavedField.UNSAVED in get_args(hint):
            saved_type, default = None, None
            if field.default is not NODEFAULT:
                null_defaults.append((field.name, field.default))
        elif saved_type is not None and NoneType in get_args(saved_type):
            default = None
        elif SavedField.LABEL in get_args(hint) or (isinstance(default, str | int) and not isinstance(default, bool)):
            saved_type |= None
            null_defaults.append((field.name, "" if default is NODEFAULT else default))
        if field.name in _REQUIRED.get(kind, ()):
            default = NODEFAULT
        elif default is NODEFAULT and field.default_factory is not NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory)
        saved_fields.append((field.name, saved_type, default))

    def fill(value: Any) -> None:
        for name, default in null_defaults:
            if getattr(value, name) is None:
                setattr(value, name, default)

    namespace = {"__post_init__": fill} if null_defaults else {}
    return msgspec.defstruct(kind.__name__, saved_fields, rename="camel", kw_only=True, gc=False, namespace=namespace)


_CONVERTED: Final = {Message: SavedMessage, int: Whole, datetime: Instant, Decimal: Amount}


def _saved_type(hint: Any) -> Any:
    """Return the type of a field in the document, for its type in the program."""
    kind, arguments = get_origin(hint) or hint, get_args(hint)
    if kind is Annotated:
        return _annotated(arguments[1], _saved_type(arguments[0]))
    if kind is Any:
        return Any
    if kind in {Union, UnionType}:
        return _saved_type(next(argument for argument in arguments if argument is not NoneType)) | None
    if kind is Mapping:
        return counts(arguments[0]) if issubclass(arguments[0], Enum) else PlainObject
    if issubclass(kind, Struct):
        return _struct(hint)
    if kind in _CONVERTED:
        return _CONVERTED[kind]
    if issubclass(kind, Iterable) and not issubclass(kind, str):
        return tuple[_saved_type(arguments[0] if arguments else Finding), ...]  # type: ignore[misc]
    return kind


def _annotated(annotation: SavedField, saved_type: Any) -> Any:
    match annotation:
        case SavedField.TENANT_NAME:
            return Annotated[str, msgspec.Meta(pattern=rf"\A{TENANT.pattern}\Z")]
        case SavedField.RUN_INSTANT:
            return RunInstant
        case SavedField.SEAT_SUM:
            return Annotated[int, msgspec.Meta(ge=-LARGEST_SUM, le=LARGEST_SUM)]
        case _:
            return saved_type


def check_unique(names: Iterable[str], where: str, path: str, key: str) -> None:
    """Raise SnapshotError for a list with duplicate names."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            damaged(where, path, Message("'{key}' lists {each} twice", key=key, each=repr(name[:80])))
        seen.add(name)
