"""One tenant and its needs into a snapshot folder: every source at once, each as far as it goes."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc

from auditor import __version__
from auditor.collect.concurrency import TenantSlot, Turns
from auditor.collect.context import CollectionContext
from auditor.collect.permissions import GROUP_MEMBERS, missing
from auditor.collect.progress import Progress, Silent
from auditor.collect.sharding import Shards
from auditor.collect.sources import tenant as aggregates
from auditor.collect.sources.groups import groups, name_groups
from auditor.collect.sources.mailboxes import read_mailboxes
from auditor.collect.sources.members import Members
from auditor.collect.sources.sign_ins import read_sign_ins
from auditor.collect.sources.users import read_users
from auditor.collect.tables.external_sort import Spool, release_arrow_memory
from auditor.collect.tables.row_groups import row_groups
from auditor.collect.work_folder import scratch
from auditor.domain.data_needs import Needs
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import GraphError
from auditor.domain.message import Message
from auditor.domain.result import Coverage
from auditor.domain.tenant import Tenant
from auditor.failures import in_task
from auditor.files.names import tenant_name
from auditor.graph.auth.credentials import SignIn
from auditor.graph.auth.token_claims import claims_of
from auditor.graph.client import RetryPolicy, open_graph
from auditor.graph.errors import FaultError, GraphErrorKind
from auditor.graph.transport.aiohttp_transport import Connections
from auditor.snapshot.model import Manifest
from auditor.snapshot.schema import GROUPS, USERS_PER_ROW_GROUP
from auditor.snapshot.writer import SnapshotWriter, folder_name

_STATES = "licenseAssignmentStates"
_NOTHING_TO_SEE = frozenset(
    {GraphErrorKind.DENIED, GraphErrorKind.NO_PREMIUM, GraphErrorKind.UNSUPPORTED, GraphErrorKind.MISSING}
)
"""Refusals that a snapshot can tell of; any other kind that meets every source means that there is no snapshot."""


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """What the sources brought."""

    coverage: list[Coverage] = field(default_factory=list)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    users: Spool | None = None
    sign_ins: Spool | None = None
    mailboxes: Spool | None = None
    members: Members | None = None


async def collect_tenant(  # noqa: PLR0913 - one more than the others, which it passes on
    tenant: Tenant,
    needs: Needs,
    *,
    root: Path,
    instant: datetime,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    retry_policy: RetryPolicy | None = None,
    connections: Connections | None = None,
    turn: TenantSlot | None = None,
) -> Path:
    """Read what the needs name, and write it under `root/<tenant>/<instant>/`; returns that folder.

    A source that is refused, or read in part, is told by its coverage. Raises GraphError where nothing at all could be
    read, and SnapshotError where the folder exists; then, and when it is cancelled, nothing is left behind.
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
        if turn is None:
            turns = await stack.enter_async_context(Turns())
            turn = await stack.enter_async_context(turns.reading())
        folder = stack.enter_context(scratch(root / tenant_name(tenant.name)))
        async with SignIn(tenant, environ=environ, connections=connections) as sign_in:
            await _check_identity(tenant, sign_in)
            async with open_graph(tenant, sign_in, retry_policy=retry_policy, connections=connections) as graph:
                reading = CollectionContext(graph=graph, needs=needs, folder=folder, progress=progress or Silent())
                gathered = await _gather(reading)
        writer = stack.enter_context(SnapshotWriter(root, tenant.name, folder_name(manifest)))
        stop = Event()
        spools = (gathered.users, None if gathered.members is None else gathered.members.spool)
        large = any(spool is not None and spool.rows >= USERS_PER_ROW_GROUP // 8 for spool in spools)
        if large:
            await turn.beside(partial(_fill, writer, manifest, gathered, stop), stop.set)
        async with turn.publishing():
            if not large:
                # At once: threads that wait for each other's turn would cost more than these milliseconds do. But the
                # next tenant's first request leaves before.
                await asyncio.sleep(0)
                _fill(writer, manifest, gathered, stop)
            del gathered
            return await turn.beside(writer.publish, stop.set)


async def _check_identity(tenant: Tenant, sign_in: SignIn) -> None:
    """Sign in, and refuse a token that says it is for somebody else; an opaque token says nothing."""
    claims = claims_of((await sign_in.get_token()).token)
    if claims is not None and claims.tenant_id is not None and claims.tenant_id.lower() != tenant.tenant_id:
        raise GraphError(
            "graph-wrong-tenant",
            Message(
                "{name}: the credential is for the tenant {tenant_id}, not for {tenant_id2}",
                name=tenant.name,
                tenant_id=claims.tenant_id[:40],
                tenant_id2=tenant.tenant_id,
            ),
            hint=Message("correct tenantId in the tenants file, or sign in to the right tenant"),
        )


async def _gather(reading: CollectionContext) -> _Gathered:
    gathered = _Gathered()
    sources = reading.needs.sources
    shards: asyncio.Future[Shards] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.TaskGroup() as tasks:
            if Source.ORGANIZATION in sources:
                tasks.create_task(in_task(_aggregate, reading, gathered, "organization"))
            if Source.SUBSCRIBED_SKUS in sources:
                tasks.create_task(in_task(_aggregate, reading, gathered, "products"))
            if Source.SUBSCRIPTIONS in sources:
                tasks.create_task(in_task(_aggregate, reading, gathered, "subscriptions"))
            if sources & {Source.GROUPS, Source.MEMBERS}:
                tasks.create_task(in_task(_groups, reading, gathered))
            if sources & {Source.USERS, Source.SIGN_IN_ACTIVITY, Source.MAILBOXES}:
                tasks.create_task(in_task(_users, reading, gathered, shards))
            if Source.SIGN_IN_ACTIVITY in sources:
                tasks.create_task(in_task(_sign_ins, reading, gathered, shards))
    except* GraphError as several:
        raise _first(several) from None
    _refuse_nothing(reading, gathered)
    await _name_groups(reading, gathered)
    return gathered


async def _name_groups(reading: CollectionContext, gathered: _Gathered) -> None:
    """Ask for the names of the groups that licences come by, where the application may read groups."""
    if gathered.users is None or _STATES not in gathered.users.schema.names:
        return
    claims = claims_of((await reading.graph.sign_in.get_token()).token)
    if claims is None or missing((GROUP_MEMBERS,), claims.roles or claims.scopes):
        return
    ids: set[str] = set()
    for table in gathered.users.tables(columns=["id", _STATES]):
        paths = pc.struct_field(table[_STATES].combine_chunks().flatten(), "assignedByGroup")
        ids.update(group for group in pc.unique(paths).to_pylist() if group)
    if ids:
        known = gathered.tables.get("groups", GROUPS.empty_table())
        gathered.tables["groups"] = await name_groups(reading, ids, known)


async def _aggregate(reading: CollectionContext, gathered: _Gathered, name: str) -> None:
    read = {
        "organization": aggregates.organization,
        "products": aggregates.products,
        "subscriptions": aggregates.subscriptions,
    }[name]
    coverage, tables = await read(reading)
    gathered.coverage.append(coverage)
    gathered.tables.update(tables)


async def _groups(reading: CollectionContext, gathered: _Gathered) -> None:
    coverage, tables, gathered.members = await groups(reading)
    gathered.coverage.extend(coverage)
    gathered.tables.update(tables)


async def _users(reading: CollectionContext, gathered: _Gathered, shards: "asyncio.Future[Shards]") -> None:
    read = await read_users(reading, shards)
    gathered.coverage.append(read.coverage)
    gathered.users = read.spool
    if Source.MAILBOXES in reading.needs.sources:
        mailboxes = await read_mailboxes(reading, read.spool)
        gathered.coverage.append(mailboxes.coverage)
        gathered.mailboxes = mailboxes.spool


async def _sign_ins(reading: CollectionContext, gathered: _Gathered, shards: "asyncio.Future[Shards]") -> None:
    read = await read_sign_ins(reading, shards)
    gathered.coverage.append(read.coverage)
    gathered.sign_ins = read.spool


def _first(several: BaseExceptionGroup[GraphError]) -> GraphError:
    found = several.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _refuse_nothing(reading: CollectionContext, gathered: _Gathered) -> None:
    """Raise what went wrong where it kept every single source from being read."""
    if gathered.coverage and all(coverage.status is SourceStatus.UNAVAILABLE for coverage in gathered.coverage):
        faults = [found for found in reading.failures if found.kind not in _NOTHING_TO_SEE]
        if faults:
            raise FaultError(faults[0])


class _StoppedError(Exception):
    """The collection was stopped while its snapshot was being written."""


def _fill(writer: SnapshotWriter, manifest: Manifest, gathered: _Gathered, stop: Event) -> None:
    """Put together what was gathered, in a thread where that takes a while, so that others go on meanwhile."""

    def go_on() -> None:
        if stop.is_set():
            raise _StoppedError

    order = list(Source)
    coverage = tuple(sorted(gathered.coverage, key=lambda found: order.index(found.name)))
    for name, table in gathered.tables.items():
        writer.write_table(name, table)
    if gathered.members is not None:
        writer.write_members(gathered.members.tables())
        go_on()
    if gathered.users is not None:
        groups = row_groups(gathered.users, sign_ins=gathered.sign_ins, mailboxes=gathered.mailboxes, go_on=go_on)
        for users, links in groups:
            writer.write_users(users, links)
            del users, links
            release_arrow_memory()
            go_on()
    writer.finish(_completed(manifest, coverage, gathered))


def _completed(manifest: Manifest, coverage: tuple[Coverage, ...], gathered: _Gathered) -> Manifest:
    organization = gathered.tables.get("organization")
    name = ""
    if organization is not None and organization.num_rows:
        name = organization["displayName"][0].as_py() or ""
    return replace(manifest, sources=coverage, display_name=name)
