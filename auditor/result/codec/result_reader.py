"""Reads a saved result.json; tenants are decoded one at a time."""

from collections.abc import Iterable, Iterator, Mapping
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
Part = TypeVar("Part", TenantResult, FleetResult)

_FOREIGN: Final = Refusal(slug="result-foreign", hint=Message("specify a result.json that `auditor audit` wrote"))
_OTHER_VERSION: Final = Refusal(
    slug="result-version", hint=Message("update m365-license-auditor, or run the audit again")
)
_BATCH: Final = 4096
"""Number of findings that are converted at once."""


class _Tool(Struct, frozen=True, kw_only=True):
    version: str


class _Tenants(Struct, frozen=True, kw_only=True):
    tenants: list[msgspec.Raw]
    """Views of the bytes that they are decoded from."""


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


def _parts(body: Body, where: str) -> tuple[Any, Iterable[Any]]:
    """Return a document without its tenants, and an iterable that decodes the tenants lazily."""
    try:
        spans = _tenant_spans(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        document = _decoded(body[:], where)
        tenants = document.get("tenants") if isinstance(document, dict) else None
        if not isinstance(tenants, list):
            return document, ()
        return {**document, "tenants": []}, tenants
    if not spans:
        return _decoded(body[:], where), ()
    rest = b"".join((body[: spans[0][0]], body[spans[-1][1] :]))
    return _decoded(rest, where), (_decoded(body[begin:end], where) for begin, end in spans)


def _tenant_spans(body: Body) -> list[tuple[int, int]]:
    """Return the start and end offset of each tenant."""
    start = pa.py_buffer(body).address
    buffers = map(pa.py_buffer, msgspec.json.decode(body, type=_Tenants).tenants)
    return [(buffer.address - start, buffer.address - start + buffer.size) for buffer in buffers]


def _decoded(text: bytes, where: str) -> Any:
    try:
        return json_document.decode(text)
    except ValueError as error:
        # UnicodeDecodeError and JSONDecodeError are ValueErrors, and both give the position.
        damaged(where, "", json_document.invalid(error))


def _result(document: dict[str, Any], tenants: Iterable[Any], where: str, spill: SpillFile | None) -> Result:
    head = read(_Head, document, where=where)
    file = _File(where=where, messages=head.messages, spill=spill)
    given = {"tool_version": head.tool.version}
    run = read(Run, document["run"], where=where, path=".run", given=given)
    tenants_read = tuple(_tenant(values, run, index, file) for index, values in enumerate(tenants))
    check_unique((tenant.name for tenant in tenants_read), where, "", "tenants")
    fleet = _with_findings(FleetResult, document["fleet"], ".fleet", ("findings",), file)
    return Result(run=run, tenants=tenants_read, fleet=fleet, summary=head.summary)


def _tenant(values: Any, run: Run, index: int, file: _File) -> TenantResult:
    path = f".tenants[{index}]"
    if isinstance(values, dict):
        values.setdefault("asOf", run.as_of.isoformat())
    tenant = _with_findings(TenantResult, values, path, ("findings", "fixed", "unconfirmed"), file)
    check_unique((seats.sku_id.casefold() for seats in tenant.seats), file.where, path, "seats")
    return tenant


def _with_findings(kind: type[Part], values: Any, path: str, keys: tuple[str, ...], file: _File) -> Part:
    """Read a tenant or the fleet; its findings are converted in batches."""
    given: dict[str, Any] = {}
    if isinstance(values, dict):
        for key in keys:
            if isinstance(values.get(key), list):
                table = FindingTable.of(_findings(values[key], file.where, f"{path}.{key}"), file.spill)
                given[key] = table if key == "findings" else tuple(table)
                values[key] = []
    part = read(kind, values, where=file.where, path=path, given=given, messages=file.messages)
    actions = (
        replace(action, findings=tuple(action.findings), requests=tuple(action.requests)) for action in part.actions
    )
    return replace(part, actions=action_table(tuple(actions), file.spill))


def _findings(values: list[Any], where: str, path: str) -> Iterator[Finding]:
    """Yield the findings of a list as records with their attributes; its items are released meanwhile."""
    for start in range(0, len(values), _BATCH):
        batch = values[start : start + _BATCH]
        values[start : start + _BATCH] = [None] * len(batch)
        yield from read_list(Finding, batch, where=where, path=path, start=start)
