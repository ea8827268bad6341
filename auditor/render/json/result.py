"""A Result into result.json, and one tenant's part of it into a file of its own, finding by finding."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Final

from auditor.domain.result import Action, Finding, Result, TenantResult
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.json.document import Document, Findings, action_document, listed, result_document
from auditor.render.json.encoder import document
from auditor.result.ranking import single_tenant

_MEDIA_TYPE = "application/json"
_TOGETHER: Final = 1000
"""Values that are written at once: a whole run of findings as plain values would take more memory than the result."""
_AT_ONCE: Final = 100
"""Items of any other list that are written at once."""


def render(result: Result, _: RenderOptions) -> Artifact:
    """Write the whole run, the same in every language."""
    return Artifact(name="result.json", media_type=_MEDIA_TYPE, body=_pieces(result))


def tenant_json(result: Result, name: str) -> Artifact:
    """Write one tenant of the run as a result of its own, `<name>.json`; UsageError for a tenant it does not hold."""
    return Artifact(name=f"{name}.json", media_type=_MEDIA_TYPE, body=_pieces(single_tenant(result, name)))


def _pieces(result: Result) -> Iterator[bytes]:
    """Yield the document as `json_text.document` would write it whole."""
    yield from _object(result_document(result, told=_Pieces()), 0)
    yield b"\n"


class _Pieces(Findings):
    """Puts off what may be too long to be held as plain values."""

    def tenants(self, tenants: Sequence[TenantResult]) -> "_Later":
        return _Later(tenants, self.tenant, at_once=1, nested=True)

    def listed(self, found: Sequence[Finding]) -> "_Later":
        return _Later(found, self.document)

    def actions(self, actions: Sequence[Action]) -> "_Later":
        return _Later(actions, _action, at_once=_AT_ONCE, nested=True)


def _action(action: Action) -> Document:
    return action_document(action, _put_off)


def _put_off(values: Sequence[Any], told: Callable[[Any], Any]) -> Any:
    # Most actions are about few people, and several of them are written at once.
    return _Later(values, told) if len(values) > _AT_ONCE else listed(values, told)


class _Later:
    """Values that are made when they are written."""

    def __init__(
        self,
        values: Iterable[Any],
        told: Callable[[Any], Any],
        *,
        at_once: int = _TOGETHER,
        nested: bool = False,
    ) -> None:
        self._values = values
        self._told = told
        self._at_once = at_once
        self.nested = nested
        """Whether there may be such values in the values."""

    def pieces(self) -> Iterator[list[Any]]:
        rest = map(self._told, self._values)
        while some := list(islice(rest, self._at_once)):
            yield some


def _object(members: dict[str, Any], depth: int) -> Iterator[bytes]:
    """Write an object of the upper levels: what may be long in it is written in pieces, what stands between at once."""
    begun = b"{"
    for long, some in groupby(members.items(), lambda member: _is_long(member[1])):
        if not long:
            yield begun + _inside(dict(some), depth)
            begun = b","
            continue
        for key, value in some:
            yield begun + _line(depth + 1) + document(key).rstrip() + b": "
            yield from _value(value, depth + 1)
            begun = b","
    yield _line(depth) + b"}"


def _is_long(value: Any) -> bool:
    match value:
        case _Later():
            return True
        case dict():
            return any(isinstance(member, _Later | dict) for member in value.values())
        case list():
            return len(value) > _AT_ONCE or _holds_later(value)
        case _:
            return False


def _holds_later(values: list[Any]) -> bool:
    """Whether one of them is an object with what may be long in it: of tenants and actions the findings always are."""
    for each in values:
        if type(each) is dict and (type(each.get("findings")) is _Later or type(each.get("requests")) is _Later):
            return True
    return False


def _value(value: Any, depth: int) -> Iterator[bytes]:
    match value:
        case _Later():
            yield from _list(value.pieces(), depth, nested=value.nested)
        case dict():
            yield from _object(value, depth)
        case _:
            parts = (value[start : start + _AT_ONCE] for start in range(0, len(value), _AT_ONCE))
            yield from _list(parts, depth, nested=True)


def _list(parts: Iterable[list[Any]], depth: int, *, nested: bool) -> Iterator[bytes]:
    """Write a list that comes in parts; what may be long in one of its objects is written in pieces too."""
    begun = b"["
    for some in parts:
        if not (nested and _holds_later(some)):
            yield begun + _inside(some, depth)
            begun = b","
            continue
        for each in some:
            yield begun + _line(depth + 1)
            yield from _object(each, depth + 1)
            begun = b","
    yield b"[]" if begun == b"[" else _line(depth) + b"]"


def _inside(some: list[Any] | dict[str, Any], depth: int) -> bytes:
    """Return what stands between the brackets of a list or an object; JSON text has line feeds nowhere else."""
    return document(some).strip()[1:-1].rstrip().replace(b"\n", _line(depth))


def _line(depth: int) -> bytes:
    return b"\n" + b"  " * depth
