"""Reads a saved result.json; of several tenants one is decoded at a time."""

import gc
import re
from collections.abc import Iterable, Iterator, Mapping
from mmap import mmap
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import FleetResult, Result, Run, Summary, TenantResult
from auditor.files import json_document
from auditor.findings.action_table import action_table
from auditor.findings.spill import SpillFile
from auditor.findings.table import FindingTable
from auditor.result.codec.decoder import check_unique, damaged, read, read_list

Body = bytes | mmap
Part = TypeVar("Part", TenantResult, FleetResult)

_VERSION: Final = 1
_BATCH: Final = 4096
"""Findings that are converted at once."""
_COMMON: Final = ("policy", "check", "guidance", "source", "product", "money")
"""Fields of a finding that have few different values."""
_BETWEEN: Final = re.compile(rb"[\[,\s]*")


class _Tool(Struct, frozen=True, kw_only=True):
    version: str


class _File(Struct, frozen=True, kw_only=True):
    """What the parts of a file are read with."""

    where: str
    messages: Mapping[str, Any]
    """Template and arguments of messages, by their English text."""
    spill: SpillFile | None


class _Head(Struct, frozen=True, kw_only=True):
    """What a result holds besides its run, its tenants and the fleet."""

    tool: _Tool
    messages: Mapping[str, Any] = field(default_factory=dict)
    run: Any
    tenants: tuple[str, ...]
    """Empty: they are read apart."""
    fleet: Any
    summary: Summary


def load(body: Body, *, where: str = "result.json", spill: SpillFile | None = None) -> Result:
    """Read a saved result; `where` names the file in errors.

    Tenants are decoded one after the other; with a `spill` file findings beyond its memory budget are kept there. Keys
    that this version does not know are ignored. Raises SnapshotError for a file that is
    damaged (`result-damaged`), no result at all (`result-foreign`) or written by a newer version (`result-version`).
    """
    collected = gc.isenabled()  # millions of new values, none of them garbage: to look for some doubles the time
    gc.disable()
    try:
        document, tenants = _parts(body, where)
        if not isinstance(document, dict):
            damaged(where, "", Message("is not a JSON object"))
        _check_schema(document, where)
        return _result(document, tenants, where, spill)
    finally:
        if collected:
            gc.enable()


def _parts(body: Body, where: str) -> tuple[Any, Iterable[Any]]:
    """Return a document without its tenants, and each of these as it is decoded when it is its turn."""
    try:
        places = _tenant_places(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        document = _decoded(body[:], where)
        tenants = document.get("tenants") if isinstance(document, dict) else None
        if not isinstance(tenants, list):
            return document, ()
        return {**document, "tenants": []}, tenants
    if not places:
        return _decoded(body[:], where), ()
    rest = b"".join((body[: places[0][0]], body[places[-1][1] :]))
    return _decoded(rest, where), (_decoded(body[begin:end], where) for begin, end in places)


def _tenant_places(body: Body) -> list[tuple[int, int]]:
    """Return where each tenant begins and ends; none where there is no list of tenants."""
    tenants = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("tenants")
    if tenants is None or bytes(memoryview(tenants)[:1]) != b"[":
        return []
    end, places = body.find(tenants), []
    for each in msgspec.json.decode(tenants, type=list[msgspec.Raw]):
        between = _BETWEEN.match(body, end)
        begin = end if between is None else between.end()
        end = begin + memoryview(each).nbytes
        places.append((begin, end))
    return places


def _decoded(text: bytes, where: str) -> Any:
    try:
        return json_document.decode(text)
    except ValueError as error:
        # A UnicodeDecodeError and a JSONDecodeError both are ValueErrors, and both show the position.
        raise SnapshotError(
            "result-damaged",
            Message("{where} is not JSON text: {error}", where=where, error=error),
            hint=Message("it may be truncated: run the audit again"),
        ) from error


def _check_schema(document: dict[str, Any], where: str) -> None:
    schema = document.get("schema")
    version = re.fullmatch(r"auditor/result/v(\d{1,6})", schema) if isinstance(schema, str) else None
    reads = {"where": where, "version": _VERSION}
    if version is None:
        message = Message(
            "{where} is not a saved result: its schema is {schema}, not 'auditor/result/v{version}'",
            schema=repr(schema),
            **reads,
        )
        hint = Message("specify a result.json that `auditor audit` wrote")
        raise SnapshotError("result-foreign", message, hint=hint)
    if int(version[1]) != _VERSION:
        message = Message(
            "{where} has the schema {schema}; this version reads 'auditor/result/v{version}'", schema=schema, **reads
        )
        hint = Message("update m365-license-auditor, or run the audit again")
        raise SnapshotError("result-version", message, hint=hint)


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
    """Read a tenant or the fleet, whose findings are converted some at a time."""
    given: dict[str, Any] = {}
    if isinstance(values, dict):
        for key in keys:
            if isinstance(values.get(key), list):
                findings = _findings(values[key], file.where, f"{path}.{key}")
                given[key] = FindingTable.of(findings, file.spill) if key == "findings" else tuple(findings)
                values[key] = []
    part = read(kind, values, where=file.where, path=path, given=given, messages=file.messages)
    actions = (replace(each, findings=tuple(each.findings), requests=tuple(each.requests)) for each in part.actions)
    return replace(part, actions=action_table(tuple(actions), file.spill))


def _findings(values: list[Any], where: str, path: str) -> Iterator[Finding]:
    """Yield the findings of a list, which is emptied; what many of them have in common is one value in memory."""
    common: dict[Any, Any] = {}
    for start in range(0, len(values), _BATCH):
        some = values[start : start + _BATCH]
        values[start : start + _BATCH] = [None] * len(some)
        for finding in read_list(Finding, some, where=where, path=path, start=start):
            for name in _COMMON:
                value = getattr(finding, name)
                force_setattr(finding, name, common.setdefault(value, value))
            yield finding
