"""Tenants and what their policies need into snapshots on disk; a tenant that fails is told, and stops no other."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from auditor.collect.progress import Progress
from auditor.domain.errors import AuditorError, GraphError
from auditor.domain.needs import EVERYTHING_ABOUT_USERS, Needs
from auditor.domain.policy import PolicySet
from auditor.domain.result import Coverage
from auditor.domain.tenant import Tenant
from auditor.domain.words import Source
from auditor.policy.compiling import needs
from auditor.snapshot.manifest import decode
from auditor.snapshot.model import Manifest

AT_ONCE = 8
"""Tenants read at the same time: their quotas are their own, this machine's memory is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectOutcome:
    """What became of one tenant: a snapshot folder, or the reason why there is none."""

    tenant: Tenant
    folder: Path | None = None
    failure: AuditorError | None = None

    @property
    def sources(self) -> tuple[Coverage, ...]:
        """How far each source was read; nothing where there is no snapshot."""
        return () if self.folder is None else manifest_of(self.folder).sources


def needs_of(policies: PolicySet, tenant: Tenant) -> Needs:
    """Return what the policies and waivers that judge a tenant need of it."""
    return needs(
        replace(
            policies,
            policies=tuple(policy for policy in policies.policies if policy.applies_to(tenant.name)),
            waivers=tuple(waiver for waiver in policies.waivers if waiver.applies_to(tenant.name)),
        )
    )


def everything(policies: PolicySet | None = None) -> Needs:
    """Return the needs of `collect --all`: every source, every property, and the groups that policies name."""
    whole = Needs(sources=frozenset(Source), user_properties=EVERYTHING_ABOUT_USERS, licensed_groups=True)
    return whole if policies is None else whole.union(needs(policies))


def collect_all(
    tenants: Sequence[Tenant],
    needs_by_tenant: Callable[[Tenant], Needs],
    *,
    root: Path,
    instant: datetime,
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    at_once: int = AT_ONCE,
) -> tuple[CollectOutcome, ...]:
    """Collect tenants, at most `at_once` at the same time; outcomes come in the order of the tenants.

    Raises KeyboardInterrupt when the program is asked to stop; then no half snapshot is left.
    """
    with _stoppable():
        return asyncio.run(
            _collect(
                tenants,
                needs_by_tenant,
                root=root,
                instant=instant,
                progress=progress,
                environ=environ,
                at_once=at_once,
            )
        )


async def _collect(
    tenants: Sequence[Tenant],
    needs_by_tenant: Callable[[Tenant], Needs],
    *,
    root: Path,
    instant: datetime,
    progress: Progress | None,
    environ: Mapping[str, str] | None,
    at_once: int,
) -> tuple[CollectOutcome, ...]:
    from auditor.collect.gathering import collect_tenant  # noqa: PLC0415 - brings Arrow, which `doctor` does not need
    from auditor.graph.transport import Connections  # noqa: PLC0415 - brings aiohttp, likewise

    room = asyncio.Semaphore(at_once)
    connections = Connections()

    async def one(tenant: Tenant) -> CollectOutcome:
        async with room:
            try:
                folder = await collect_tenant(
                    tenant,
                    needs_by_tenant(tenant),
                    root=root,
                    instant=instant,
                    progress=progress,
                    environ=environ,
                    connections=connections,
                )
            except AuditorError as error:
                return CollectOutcome(tenant=tenant, failure=error)
            except OSError as error:
                return CollectOutcome(tenant=tenant, failure=_unwritable(tenant, root, error))
        return CollectOutcome(tenant=tenant, folder=folder)

    async with connections:
        return tuple(await asyncio.gather(*map(one, tenants)))


def manifest_of(folder: Path) -> Manifest:
    """Return what a snapshot folder says of itself."""
    path = folder / "manifest.json"
    return decode(path.read_bytes(), where=str(path))[0]


def _unwritable(tenant: Tenant, root: Path, error: OSError) -> AuditorError:
    return GraphError(
        "collect-unwritable",
        f"{tenant.name}: the snapshot cannot be written under {root}: {error.strerror or error}",
        hint="check the folder's permissions and the space that is left",
    )


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM stop the program as Ctrl-C does: that is how a runner ends a job."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: object) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start what they put into the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
