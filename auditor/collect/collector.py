"""Collects one tenant into a snapshot folder: all sources concurrently, each as completely as possible."""

import asyncio
import dataclasses
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from auditor import __version__
from auditor.arrays.memory import release_arrow_memory
from auditor.collect.concurrency import TenantSlot, TenantSlots
from auditor.collect.context import CollectionContext
from auditor.collect.progress import Progress
from auditor.collect.sources.groups import add_assigning_groups, add_groups
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.collect.sources.registry import SOURCES, sources_for
from auditor.collect.sources.users import USERS
from auditor.collect.tables.row_groups import row_groups
from auditor.collect.work_folder import work_folder
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import GraphError
from auditor.domain.policy.data_needs import Needs
from auditor.domain.settings import Tenant
from auditor.failures import in_task
from auditor.files.names import tenant_name
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import RetryPolicy, open_graph
from auditor.graph.errors import FaultError, FaultKind
from auditor.graph.transport.aiohttp_transport import Connections
from auditor.graph.transport.response_record import ResponseRecord
from auditor.snapshot.model import Manifest
from auditor.snapshot.schema import GROUPS, USERS_PER_ROW_GROUP
from auditor.snapshot.writer import SnapshotWriter, folder_name

_Results: TypeAlias = dict[CollectionSource, SourceResult]
_EXPLAINED_BY_COVERAGE = frozenset({FaultKind.DENIED, FaultKind.NO_PREMIUM, FaultKind.UNSUPPORTED, FaultKind.MISSING})
"""Refusals that coverage reports; if every source fails and one has another fault, no snapshot is written."""


async def collect_tenant(  # noqa: PLR0913 - mostly options that it passes on
    tenant: Tenant,
    needs: Needs,
    *,
    root: Path,
    instant: datetime,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    connections: Connections | None = None,
    slot: TenantSlot | None = None,
    record: ResponseRecord | None = None,
    sources: tuple[CollectionSource, ...] = SOURCES,
) -> Path:
    """Read the sources that are needed, and write them to `root/<tenant>/<instant>/`; returns this folder.

    The coverage of a source records how completely it was read, and the reason if it is incomplete. Raises GraphError
    if nothing could be read, and SnapshotError if the folder exists. No files are left behind after an error or a
    cancellation, except those of `record`. With answers in the record, the sources count as read at `instant`, when
    the interrupted collection began.
    """
    environ = os.environ if environ is None else environ
    manifest = Manifest(
        tenant=tenant.name,
        tenant_id=tenant.tenant_id,
        cloud=tenant.cloud,
        instant=instant,
        sources=(),
        agreement=tenant.agreement,
        locale=tenant.locale,
        tool_version=__version__,
    )
    async with AsyncExitStack() as stack:
        if slot is None:
            slots = await stack.enter_async_context(TenantSlots())
            slot = await stack.enter_async_context(slots.read_slot())
        folder = stack.enter_context(work_folder(root / tenant_name(tenant.name)))
        listener = progress or Progress()
        async with SignIn(tenant, environ=environ, connections=connections, ask=listener.ask) as sign_in:
            await sign_in.checked_claims()
            async with open_graph(
                tenant, sign_in, retry_policy=retry_policy, connections=connections, record=record
            ) as graph:
                context = CollectionContext(graph=graph, needs=needs, folder=folder, progress=listener)
                if record is not None and record.has_answers:
                    context = dataclasses.replace(context, now=lambda: instant)  # noqa: TID251 - a dataclass
                results = await _read(context, sources)
        with SnapshotWriter(root, tenant.name, folder_name(manifest)) as writer:
            return await _publish(writer, manifest, results, slot)


async def _publish(writer: SnapshotWriter, manifest: Manifest, results: _Results, slot: TenantSlot) -> Path:
    """Write a snapshot, a large one in a thread, and return its folder; `results` is emptied to release its memory."""
    stop = Event()
    spools = [results[USERS].users] if USERS in results else []
    spools += [result.members.spool for result in results.values() if result.members is not None]
    is_large = any(spool is not None and spool.rows >= USERS_PER_ROW_GROUP // 8 for spool in spools)
    if is_large:
        await slot.run_in_thread(partial(_write, writer, manifest, results, stop), stop.set)
    async with slot.write_slot():
        if not is_large:
            # Write without a thread: switching threads would take longer than these few milliseconds. First let the
            # next tenant send its first request.
            await asyncio.sleep(0)
            _write(writer, manifest, results, stop)
        results.clear()
        return await slot.run_in_thread(writer.publish, stop.set)


async def _read(context: CollectionContext, sources: tuple[CollectionSource, ...]) -> _Results:
    """Read the sources concurrently. Raises GraphError if nothing could be read."""
    needed = sources_for(context.needs, sources)
    properties = {*context.needs.user_properties, *(name for source in needed for name in source.user_properties)}
    needs = replace(context.needs, user_properties=tuple(sorted(properties)))
    permissions = {name: source.permissions for source in needed for name in source.fills}
    context = dataclasses.replace(context, needs=needs, permissions=permissions)  # noqa: TID251 - a dataclass
    results: _Results = {}

    async def read(source: CollectionSource) -> None:
        results[source] = await source.read(context)

    try:
        async with asyncio.TaskGroup() as tasks:
            for source in needed:
                tasks.create_task(in_task(read, source))
    except* GraphError as errors:
        raise _first_error(errors) from None
    _check_any_read(context, results)
    await _complete_groups(context, results)
    return results


async def _complete_groups(context: CollectionContext, results: _Results) -> None:
    """Add the groups that assign licences to users, and the groups whose members other sources read, to the table."""
    if USERS not in results:
        return
    groups_source = next((source for source, result in results.items() if "groups" in result.tables), USERS)
    groups = results[groups_source].tables.get("groups", GROUPS.empty_table())
    if (users := results[USERS].users) is not None:
        groups = await add_assigning_groups(context, users, groups)
    rows = [row for result in results.values() for row in result.groups]
    if rows:
        groups = add_groups(groups, rows)
    results[groups_source] = replace(results[groups_source], tables={**results[groups_source].tables, "groups": groups})


def _first_error(errors: BaseExceptionGroup[GraphError]) -> GraphError:
    error = errors.exceptions[0]
    return _first_error(error) if isinstance(error, BaseExceptionGroup) else error


def _check_any_read(context: CollectionContext, results: _Results) -> None:
    """Raise the first unexpected fault if not a single source could be read."""
    coverage = [item for result in results.values() for item in result.coverage]
    if coverage and all(item.status is SourceStatus.UNAVAILABLE for item in coverage):
        faults = [fault for fault in context.failures if fault.kind not in _EXPLAINED_BY_COVERAGE]
        if faults:
            raise FaultError(faults[0])


class _StoppedError(Exception):
    """The collection was cancelled while its snapshot was being written."""


def _write(writer: SnapshotWriter, manifest: Manifest, results: _Results, stop: Event) -> None:
    """Write the files of a snapshot; called in a thread for a large one. Raises _StoppedError once `stop` is set."""

    def check_stopped() -> None:
        if stop.is_set():
            raise _StoppedError

    tables = {name: table for result in results.values() for name, table in result.tables.items()}
    reports = [result.tables["reports"] for result in results.values() if "reports" in result.tables]
    if reports:
        table = pa.concat_tables(reports)
        # `Table.sort_by` would import Arrow's datasets, which nothing else here needs.
        tables["reports"] = table.take(pc.sort_indices(table, [("source", "ascending"), ("period", "ascending")]))
    for name, table in tables.items():
        writer.write_table(name, table)
    readers = [result.members for result in results.values() if result.members is not None]
    if readers:
        for reader in readers[1:]:
            readers[0].add_rows_of(reader)
        writer.write_members(readers[0].tables())
        check_stopped()
    if USERS in results and (users := results[USERS].users) is not None:
        joins = [
            (result.users, source.join)
            for source, result in results.items()
            if source.join is not None and result.users is not None
        ]
        for rows, assignments in row_groups(users, joins, check_stopped=check_stopped):
            writer.write_users(rows, assignments)
            del rows, assignments
            release_arrow_memory()
            check_stopped()
    order = list(Source)
    coverage = [item for result in results.values() for item in result.coverage]
    coverage.sort(key=lambda item: order.index(item.name))
    names = tables["organization"]["displayName"].to_pylist() if "organization" in tables else []
    writer.finish(replace(manifest, sources=tuple(coverage), display_name=next(iter(names), None) or ""))
