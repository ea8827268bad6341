"""A Result into result.json, and one tenant's part of it into a file of its own, finding by finding."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from auditor.domain.errors import UsageError
from auditor.domain.result import Finding, FleetResult, Result
from auditor.render.artifact import Artifact
from auditor.render.document import Document, Findings, result_document
from auditor.render.json_text import document
from auditor.render.totals import summarise

_MEDIA_TYPE = "application/json"
_TOGETHER: Final = 1000
"""Findings that are written at once: a whole run of them as plain values would take more memory than the result."""

_AT_ONCE: Final = 100
"""Items of any other list that are written at once."""


def render(result: Result, *, locale: str) -> Artifact:
    """Write the whole run; the locale plays no part, machine output is the same everywhere."""
    del locale
    return Artifact(name="result.json", media_type=_MEDIA_TYPE, body=_pieces(result))


def tenant_json(result: Result, name: str) -> Artifact:
    """Write one tenant of the run as a result of its own, `<name>.json`; UsageError for a tenant it does not hold."""
    tenants = tuple(tenant for tenant in result.tenants if tenant.name == name)
    if not tenants:
        raise UsageError("tenant-unknown", f"the result holds no tenant '{name}'")
    part = Result(run=result.run, tenants=tenants, fleet=FleetResult(), summary=summarise(tenants))
    return Artifact(name=f"{name}.json", media_type=_MEDIA_TYPE, body=_pieces(part))


def _pieces(result: Result) -> Iterator[bytes]:
    """Yield the document as `json_text.document` would write it whole."""
    findings = Findings()
    whole = result_document(result, findings=lambda found: _Later(found, findings))
    yield from _object(whole, 0)
    yield b"\n"


class _Later:
    """Findings that become plain values when they are written."""

    def __init__(self, found: Sequence[Finding], documents: Findings) -> None:
        self.found = found
        self._documents = documents

    def pieces(self) -> Iterator[list[Document]]:
        rest = iter(self.found)
        while some := [self._documents.document(each) for each in islice(rest, _TOGETHER)]:
            yield some


def _object(members: dict[str, Any], depth: int) -> Iterator[bytes]:
    """Write an object of the upper levels: those that hold findings, directly or below, are written in pieces."""
    if not members:
        yield b"{}"
        return
    yield b"{"
    for number, (key, value) in enumerate(members.items()):
        yield (b"," if number else b"") + _line(depth + 1) + document(key).rstrip() + b": "
        yield from _value(value, depth + 1)
    yield _line(depth) + b"}"


def _value(value: Any, depth: int) -> Iterator[bytes]:
    match value:
        case _Later():
            yield from _list((_inside(some, depth) for some in value.pieces()), depth)
        case dict() if any(isinstance(member, _Later | dict) for member in value.values()):
            yield from _object(value, depth)
        case [dict(first), *_] if any(isinstance(member, _Later) for member in first.values()):
            yield from _objects(value, depth)
        case list() if len(value) > _AT_ONCE:
            # Some of the actions of a large tenant are about thousands of people.
            parts = (value[start : start + _AT_ONCE] for start in range(0, len(value), _AT_ONCE))
            yield from _list((_inside(part, depth) for part in parts), depth)
        case _:
            yield document(value).rstrip().replace(b"\n", _line(depth))


def _objects(items: list[dict[str, Any]], depth: int) -> Iterator[bytes]:
    for number, item in enumerate(items):
        yield (b"," if number else b"[") + _line(depth + 1)
        yield from _object(item, depth + 1)
    yield _line(depth) + b"]"


def _list(items: Iterable[bytes], depth: int) -> Iterator[bytes]:
    empty = True
    for item in items:
        yield (b"[" if empty else b",") + item
        empty = False
    yield b"[]" if empty else _line(depth) + b"]"


def _inside(some: list[Any], depth: int) -> bytes:
    """Return the items of a list as they stand between its brackets; JSON text has line feeds nowhere else."""
    return document(some).strip()[1:-1].rstrip().replace(b"\n", _line(depth))


def _line(depth: int) -> bytes:
    return b"\n" + b"  " * depth
