"""Reads JSON documents into structs: types, bounds and required keys follow from their fields.

msgspec converts the values to structs of the form of the document, and these to the structs of the program.
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
"""Fields with a default that every document has; the other defaults stand for keys that earlier versions lack."""
_PLACE: Final = re.compile(r" - at `\$(.*)`\Z", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
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
    """Return a struct of the values of an object; fields in `given` are not taken from it.

    `messages` has the templates and arguments of messages by their English text, `where` names the file and `path` the
    place of the object in it. Keys without a field are ignored. Raises SnapshotError (`result-damaged`) with the place
    of a value that is missing or is not what its field expects.
    """
    wire = _checked(_struct(cast("Any", kind)), kind, values, where, path, messages=messages)
    hints, members = get_type_hints(kind), dict(given or {})
    for each in fields(kind):  # type: ignore[arg-type]
        if each.name not in members:
            value = msgspec.convert(getattr(wire, each.name), hints[each.name], from_attributes=True, dec_hook=as_is)
            members[each.name] = tuple(value) if isinstance(value, list) else value
    return kind(**members)


def read_list(kind: type[Kind], values: list[Any], *, where: str, path: str, start: int = 0) -> tuple[Kind, ...]:
    """Return the structs of a list of objects, the first of which has the index `start` at `path`."""
    wire = _checked(list[_struct(cast("Any", kind))], tuple[kind, ...], values, where, path, start)  # type: ignore[misc, valid-type]
    return msgspec.convert(wire, tuple[kind, ...], from_attributes=True)  # type: ignore[valid-type]


def damaged(where: str, path: str, what: Message) -> NoReturn:
    """Refuse a file that cannot be what it claims to be; raises SnapshotError."""
    location = f"{where}: {path.removeprefix('.')}" if path else where
    hint = Message("run the audit again, or restore the file from a copy")
    raise SnapshotError("result-damaged", joined(": ", (location, what)), hint=hint)


def _checked(
    wire: Any,
    kind: Any,
    values: Any,
    where: str,
    path: str,
    start: int = 0,
    messages: Mapping[str, Any] | None = None,
) -> Any:
    try:
        return msgspec.convert(values, wire, dec_hook=partial(convert, messages or {}))
    except msgspec.ValidationError as error:
        _refuse(error, kind, values, where, path, start)
    except UnknownMessageError as error:
        damaged(where, ".messages", Message("has no message for {text}", text=_shown(error.args[0])))
    except UnicodeEncodeError:
        # Half of a surrogate pair in a key or in a word of a vocabulary.
        damaged(where, path, _not(values, Message("a text")))


def _refuse(error: msgspec.ValidationError, kind: Any, values: Any, where: str, path: str, start: int) -> NoReturn:
    text = str(error)
    location = _PLACE.search(text)
    below = "" if location is None else location[1]
    steps = [(name, int(index or 0)) for name, index in _STEP.findall(below)]
    for name, index in steps:
        kind = _below(kind, name)
        values = values.get(name) if name else values[index]
    if not steps or steps[0][0]:
        path += below
    else:
        path += _STEP.sub(f"[{steps[0][1] + start}]", below, count=1)
    missing = _MISSING.match(text)
    if missing is not None:
        damaged(where, path, Message("'{key}' is missing", key=missing[1]))
    cause = error.__cause__
    expected = cause.expected if isinstance(cause, UnexpectedValueError) else _expected(text, kind)
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


def _below(kind: Any, name: str) -> Any:
    """Return the type of a member or an item of a type."""
    kind = _plain_type(kind)
    if not name:
        return get_args(kind)[0] if get_args(kind) else Finding
    return {camel_case(each): hint for each, hint in get_type_hints(kind, include_extras=True).items()}.get(name)


def _plain_type(hint: Any) -> Any:
    """Return a type without its annotations and without None."""
    while get_origin(hint) in {Annotated, Union, UnionType}:
        hint = next(each for each in get_args(hint) if each is not NoneType)
    return hint


@cache
def _struct(kind: Any) -> Any:
    """Return the struct that has the fields of another as a document holds them."""
    made: list[tuple[str, Any, Any]] = []
    replaced: list[tuple[str, Any]] = []
    for each in fields(kind):
        hint = get_type_hints(kind, include_extras=True)[each.name]
        inside, default = _wire(hint), each.default
        if SavedField.UNSAVED in get_args(hint):
            inside, default = None, None
            if each.default is not NODEFAULT:
                replaced.append((each.name, each.default))
        elif inside is not None and NoneType in get_args(inside):
            default = None
        elif SavedField.LABEL in get_args(hint) or (isinstance(default, str | int) and not isinstance(default, bool)):
            inside |= None
            replaced.append((each.name, "" if default is NODEFAULT else default))
        if each.name in _REQUIRED.get(kind, ()):
            default = NODEFAULT
        if default is NODEFAULT and each.default_factory is not NODEFAULT and each.name not in _REQUIRED.get(kind, ()):
            default = msgspec.field(default_factory=each.default_factory)
        made.append((each.name, inside, default))

    def fill(value: Any) -> None:
        for name, default in replaced:
            if getattr(value, name) is None:
                setattr(value, name, default)

    space = {"__post_init__": fill} if replaced else {}
    return msgspec.defstruct(kind.__name__, made, rename="camel", kw_only=True, gc=False, namespace=space)


def _wire(hint: Any) -> Any:
    """Return the type that stands for a type in a struct."""
    kind, inside = get_origin(hint) or hint, get_args(hint)
    if kind is Annotated:
        return _marked(inside[1], _wire(inside[0]))
    if kind is Any:
        return Any
    if kind in {Union, UnionType}:
        return _wire(next(each for each in inside if each is not NoneType)) | None
    if kind is Mapping:
        return counts(inside[0]) if issubclass(inside[0], Enum) else PlainObject
    if issubclass(kind, Struct):
        return _struct(hint)
    if kind is Message:
        return SavedMessage
    if kind is int:
        return Whole
    if kind is datetime:
        return Instant
    if kind is Decimal:
        return Amount
    if issubclass(kind, Iterable) and not issubclass(kind, str):
        return tuple[_wire(inside[0] if inside else Finding), ...]  # type: ignore[misc]
    return kind


def _marked(annotation: SavedField, wire: Any) -> Any:
    match annotation:
        case SavedField.TENANT_NAME:
            return Annotated[str, msgspec.Meta(pattern=rf"\A{TENANT.pattern}\Z")]
        case SavedField.RUN_INSTANT:
            return RunInstant
        case SavedField.SEAT_SUM:
            return Annotated[int, msgspec.Meta(ge=-LARGEST_SUM, le=LARGEST_SUM)]
        case _:
            return wire


def check_unique(names: Iterable[str], where: str, path: str, key: str) -> None:
    """Raise SnapshotError for a list that holds a name twice."""
    seen: set[str] = set()
    for each in names:
        if each in seen:
            damaged(where, path, Message("'{key}' lists {each} twice", key=key, each=repr(each[:80])))
        seen.add(each)
