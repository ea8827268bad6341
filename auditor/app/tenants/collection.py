"""Collects tenants into snapshots on disk; a tenant that fails does not stop the others."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from auditor.checks.data_needs import needs
from auditor.collect.concurrency import MAX_READS, TenantSlot, TenantSlots
from auditor.collect.progress import Progress
from auditor.domain.enums import Source
from auditor.domain.errors import AuditorError, GraphError
from auditor.domain.message import Message
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS, Needs
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Coverage
from auditor.domain.settings import Tenant
from auditor.failures import TenantBoundary

if TYPE_CHECKING:
    from auditor.graph.transport.aiohttp_transport import Connections

T = TypeVar("T")


class CollectOutcome(Struct, frozen=True, kw_only=True):
    """The outcome for one tenant: a snapshot folder, or the failure."""

    tenant: Tenant
    folder: Path | None = None
    failure: AuditorError | None = None

    @property
    def sources(self) -> tuple[Coverage, ...]:
        """How completely each source was read; empty without a snapshot."""
        if self.folder is None:
            return ()
        from auditor.snapshot.reader import manifest_of  # noqa: PLC0415 - imports Arrow, which `doctor` does not need

        return manifest_of(self.folder).sources


PLAN_NEEDS = Needs(
    sources=frozenset({Source.USERS, Source.SUBSCRIBED_SKUS, Source.SUBSCRIPTIONS, Source.GROUPS, Source.MEMBERS}),
    user_properties=(
        *("assignedLicenses", "licenseAssignmentStates", "onPremisesSyncEnabled", "usageLocation"),
        *("accountEnabled", "companyName", "department", "employeeType", "jobTitle"),
    ),
    licensed_groups=True,
    licensed_members=True,
    nested_groups=True,
)
"""The data that a plan and its verification need in addition to the policies: the licence paths of users, their groups.

The properties in the second line are those that rules of dynamic groups use most often.
"""


def needs_of(policies: PolicySet, tenant: Tenant, *, planned: bool = False) -> Needs:
    """Return the data that the policies and waivers of a tenant need, with `planned` also what a plan needs."""
    own = needs(
        replace(
            policies,
            policies=tuple(policy for policy in policies.policies if policy.applies_to(tenant.name)),
            waivers=tuple(waiver for waiver in policies.waivers if waiver.applies_to(tenant.name)),
        )
    )
    return own.union(PLAN_NEEDS) if planned else own


def all_needs(policies: PolicySet | None = None) -> Needs:
    """Return the needs of `collect --all`: every source and property, licensed groups, and groups in policies."""
    all_needs = Needs(
        sources=frozenset(Source),
        user_properties=(*EVERYTHING_ABOUT_USERS, "agent"),
        licensed_groups=True,
        licensed_members=True,
        app_usage_periods=("D180", "D30", "D7", "D90"),
        eligible_roles=True,
        nested_groups=True,
    )
    return all_needs if policies is None else all_needs.union(needs(policies))


def collect_all(  # noqa: PLR0913 - mostly options that it passes on
    tenants: Sequence[Tenant],
    needs_by_tenant: Callable[[Tenant], Needs],
    *,
    root: Path,
    instant: datetime,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    at_once: int = MAX_READS,
    resume: bool | None = None,
) -> tuple[CollectOutcome, ...]:
    """Collect tenants, at most `at_once` concurrently; outcomes are in the order of the tenants.

    Raises KeyboardInterrupt on SIGINT and SIGTERM; no incomplete snapshot is left. Unless `resume` is None, the answers
    that were read remain in a hidden folder of the root after an interruption. If it is True, the collection that was
    interrupted last continues: tenants with a snapshot are finished, and recorded answers are not requested again.
    Raises UsageError if there is none.
    """
    # These import Arrow, which `doctor` does not need.
    from auditor.collect.collection_run import CollectionRun, collection_run  # noqa: PLC0415
    from auditor.collect.collector import collect_tenant  # noqa: PLC0415

    async def collect(run: CollectionRun, tenant: Tenant, connections: "Connections", slot: TenantSlot) -> Path:
        if (folder := run.finished(tenant)) is not None:
            return folder
        with _write_errors(root), run.record(tenant) as record:
            return await collect_tenant(
                tenant,
                needs_by_tenant(tenant),
                root=root,
                instant=run.instant,
                progress=progress,
                environ=environ,
                connections=connections,
                slot=slot,
                record=record,
            )

    missing_folders = _missing_folders(root)
    try:
        unrecorded = nullcontext(CollectionRun(root=root, instant=instant))
        runs = unrecorded if resume is None else collection_run(root, instant, resume=resume)
        with _write_errors(root), runs as run:
            return asyncio.run(_cancel_on_sigterm(_collect(tenants, partial(collect, run), at_once)))
    except asyncio.CancelledError as error:
        raise KeyboardInterrupt from error
    finally:
        with suppress(OSError):  # a folder with a snapshot is not empty, and neither are its parents
            for folder in missing_folders:
                folder.rmdir()


async def _collect(
    tenants: Sequence[Tenant],
    collect: Callable[[Tenant, "Connections", TenantSlot], Coroutine[None, None, Path]],
    at_once: int,
) -> tuple[CollectOutcome, ...]:
    from auditor.graph.transport.aiohttp_transport import Connections  # noqa: PLC0415 - imports aiohttp

    slots, connections = TenantSlots(max_reads=at_once), Connections()

    async def collect_one(tenant: Tenant) -> CollectOutcome:
        with TenantBoundary(tenant.name) as boundary:
            async with slots.read_slot() as slot:
                return CollectOutcome(tenant=tenant, folder=await collect(tenant, connections, slot))
        if boundary.bug is not None and len(tenants) == 1:
            raise boundary.bug
        return CollectOutcome(tenant=tenant, failure=boundary.failure)

    async with slots, connections:
        return tuple(await asyncio.gather(*map(collect_one, tenants)))


@contextmanager
def _write_errors(root: Path) -> Iterator[None]:
    """Raise GraphError for an OSError of the block, which writes below a root."""
    try:
        yield
    except OSError as error:
        raise GraphError(
            "collect-unwritable",
            Message(
                "the snapshot cannot be written under {root}: {strerror}", root=root, strerror=error.strerror or error
            ),
            hint=Message("check the folder's permissions and the free space"),
        ) from error


def _missing_folders(root: Path) -> list[Path]:
    """Return the folders that do not exist among a root and its parents, the innermost first."""
    try:
        return [folder for folder in (root, *root.parents) if not folder.exists()]
    except OSError:
        return []


async def _cancel_on_sigterm(work: Coroutine[None, None, T]) -> T:
    """Cancel the work on SIGTERM, which a CI runner sends to end a job, as Ctrl-C does.

    The handler does not raise an exception, because a library with a broad `except` could swallow it.
    """
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        return await work
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    previous = signal.getsignal(signal.SIGTERM)
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        # `previous` is None if the handler was not installed from Python; it cannot be restored then.
        signal.signal(signal.SIGTERM, signal.SIG_DFL if previous is None else previous)
