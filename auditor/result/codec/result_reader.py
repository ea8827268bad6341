"""Reads a saved result.json; tenants are decoded one at a time, and their findings in batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from mmap import mmap
from typing import Any, Final, TypeVar

import msgspec
import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.message import Message
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, Result, Run, Summary, TenantResult
from auditor.files import json_document
from auditor.files.document_schema import Refusal, check_schema
from auditor.findings.action_table import action_table
from auditor.findings.spill import SpillFile
from auditor.findings.table import FindingTable
from auditor.gc_pause import paused_gc
from auditor.result.codec.decoder import check_unique, damaged, read, read_list
from auditor.result.codec.result_document import SCHEMA

Body = bytes | mmap
Kind = TypeVar("Kind", TenantResult, FleetResult)

_FOREIGN: Final = Refusal(slug="result-foreign", hint=Message("specify a result.json that `auditor audit` wrote"))
_OTHER_VERSION: Final = Refusal(
    slug="result-version", hint=Message("update m365-license-auditor, or run the audit again")
)
_BATCH: Final = 4096
"""Number of findings that are decoded and converted at once."""


class _Tool(Struct, frozen=True, kw_only=True):
    version: str


class _Tenants(Struct, frozen=True, kw_only=True):
    tenants: list[msgspec.Raw]
    """Views of the bytes that they are decoded from."""


class _FindingLists(Struct, frozen=True, kw_only=True):
    """The findings of a tenant, as views of the bytes that they are decoded from."""

    findings: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    fixed: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    unconfirmed: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


Batches = Iterable[list[Any]]
"""The decoded findings of a list, a batch at a time."""


class _Part(Struct, frozen=True, kw_only=True):
    """A decoded tenant or fleet, whose lists of findings are empty."""

    values: Any
    findings: Mapping[str, Batches]
    """The findings by the key of their list."""


class _File(Struct, frozen=True, kw_only=True):
    """The context for reading the parts of a file."""

    where: str
    messages: Mapping[str, Any]
    """Templates and arguments of messages, by their English text."""
    spill: SpillFile | None


class _Head(Struct, frozen=True, kw_only=True):
    """The content of a result besides its run, its tenants and the fleet."""

    tool: _Tool
    messages: Mapping[str, Any] = field(default_factory=dict)
    run: Any
    tenants: tuple[str, ...]
    """Always empty: tenants are read separately."""
    fleet: Any
    summary: Summary


def load(body: Body, *, where: str = "result.json", spill: SpillFile | None = None) -> Result:
    """Read a saved result; `where` is the name of the file in errors.

    Tenants are decoded one after the other; with a `spill` file, findings beyond its memory budget are written to it.
    Unknown keys are ignored. Raises SnapshotError for a file that is damaged (`result-damaged`), not a result
    (`result-foreign`) or written by a newer version (`result-version`).
    """
    with paused_gc():  # loading creates millions of objects and no garbage
        document, tenants = _parts(body, where)
        if not isinstance(document, dict):
            damaged(where, "", Message("is not a JSON object"))
        check_schema(document, SCHEMA, where, foreign=_FOREIGN, other_version=_OTHER_VERSION)
        return _result(document, tenants, where, spill)


def _parts(body: Body, where: str) -> tuple[Any, Iterable[_Part]]:
    """Return a document without its tenants, and an iterable that decodes the tenants lazily."""
    try:
        spans = _spans(body, msgspec.json.decode(body, type=_Tenants).tenants)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        document = _decoded(body[:], where)
        tenants = document.get("tenants") if isinstance(document, dict) else None
        if not isinstance(tenants, list):
            return document, ()
        return {**document, "tenants": []}, map(_part, tenants)
    texts = (memoryview(body)[begin:end] for begin, end in spans)
    return _decoded(_without(body, [spans]), where), (_tenant_part(text, where) for text in texts)


def _spans(body: Body | memoryview, views: Sequence[msgspec.Raw]) -> list[tuple[int, int]]:
    """Return the start and end offset of each view of a text."""
    start = pa.py_buffer(body).address
    buffers = map(pa.py_buffer, views)
    return [(buffer.address - start, buffer.address - start + buffer.size) for buffer in buffers]


def _without(body: Body | memoryview, lists: Iterable[list[tuple[int, int]]]) -> bytes:
    """Return a text without the items of lists, which have these start and end offsets."""
    ends = [0]
    for spans in sorted(filter(None, lists)):
        ends += (spans[0][0], spans[-1][1])
    ends.append(len(body))
    return b"".join(body[begin:end] for begin, end in zip(ends[::2], ends[1::2], strict=True))


def _tenant_part(text: memoryview, where: str) -> _Part:
    """Decode a tenant; its findings are decoded when they are read."""
    try:
        lists = msgspec.json.decode(text, type=_FindingLists)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _part(_decoded(bytes(text), where))
    views = {key: getattr(lists, key) for key in _FindingLists.__struct_fields__}
    spans = {key: _spans(text, items) for key, items in views.items() if items is not msgspec.UNSET}
    return _Part(
        values=_decoded(_without(text, spans.values()), where),
        findings={key: _decoded_batches(text, items, where) for key, items in spans.items()},
    )


def _decoded_batches(text: memoryview, spans: Sequence[tuple[int, int]], where: str) -> Batches:
    for start in range(0, len(spans), _BATCH):
        batch = spans[start : start + _BATCH]
        yield _decoded(b"[%b]" % bytes(text[batch[0][0] : batch[-1][1]]), where)


def _part(values: Any) -> _Part:
    """Return a tenant or fleet that is decoded already."""
    if not isinstance(values, dict):
        return _Part(values=values, findings={})
    lists = {key: values[key] for key in _FindingLists.__struct_fields__ if isinstance(values.get(key), list)}
    return _Part(values={**values, **{key: [] for key in lists}}, findings={key: [lists[key]] for key in lists})


def _decoded(text: bytes, where: str) -> Any:
    try:
        return json_document.decode(text)
    except ValueError as error:
        # UnicodeDecodeError and JSONDecodeError are ValueErrors, and both give the position.
        damaged(where, "", json_document.invalid(error))


def _result(document: dict[str, Any], tenants: Iterable[_Part], where: str, spill: SpillFile | None) -> Result:
    head = read(_Head, document, where=where)
    file = _File(where=where, messages=head.messages, spill=spill)
    given = {"tool_version": head.tool.version}
    run = read(Run, document["run"], where=where, path=".run", given=given)
    tenants_read = tuple(_tenant(part, run, index, file) for index, part in enumerate(tenants))
    check_unique((tenant.name for tenant in tenants_read), where, "", "tenants")
    fleet = _with_findings(FleetResult, _part(document["fleet"]), ".fleet", file)
    return Result(run=run, tenants=tenants_read, fleet=fleet, summary=head.summary)


def _tenant(part: _Part, run: Run, index: int, file: _File) -> TenantResult:
    path = f".tenants[{index}]"
    if isinstance(part.values, dict):
        part.values.setdefault("asOf", run.as_of.isoformat())
    tenant = _with_findings(TenantResult, part, path, file)
    check_unique((seats.sku_id.casefold() for seats in tenant.seats), file.where, path, "seats")
    return tenant


def _with_findings(kind: type[Kind], part: _Part, path: str, file: _File) -> Kind:
    """Read a tenant or the fleet with its findings."""
    given: dict[str, Any] = {}
    for key, batches in part.findings.items():
        table = FindingTable.of(_findings(batches, file.where, f"{path}.{key}"), file.spill)
        given[key] = table if key == "findings" else tuple(table)
    read_part = read(kind, part.values, where=file.where, path=path, given=given, messages=file.messages)
    actions = (
        replace(action, findings=tuple(action.findings), requests=tuple(action.requests))
        for action in read_part.actions
    )
    return replace(read_part, actions=action_table(tuple(actions), file.spill))


def _findings(batches: Batches, where: str, path: str) -> Iterator[Finding]:
    """Yield the findings of a list as records with their attributes."""
    start = 0
    for batch in batches:
        yield from read_list(Finding, batch, where=where, path=path, start=start)
        start += len(batch)
