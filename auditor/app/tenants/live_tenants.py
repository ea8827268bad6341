"""Collects live tenants for one run into a specified folder, or into one that is removed after the run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

from auditor.app.audit.failed_tenants import Unaudited
from auditor.app.audit.run import Collector, Request, in_shard
from auditor.app.tenants.collection import CollectOutcome, collect_all, needs_of
from auditor.collect.progress import Progress
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.failures import reason_of
from auditor.files.temporary import temporary_folder
from auditor.settings.loader import read, select_tenants

Shown = Callable[[], AbstractContextManager[Progress | None]]
"""Opens the progress display."""


def collector(show_progress: Shown, *, root: Path | None, instant: datetime) -> Collector:
    """Return a function that reads the tenants of a request at an instant; one that fails does not stop the others.

    Snapshots are written to `root`, or else to a temporary folder, which is removed at the end of the block. They
    contain what a plan needs if the request is for a plan, or has one of the tenant to verify.
    """

    @contextmanager
    def collect(request: Request, policies: PolicySet) -> Iterator[Sequence[Path | Unaudited]]:
        assert request.tenants_file is not None
        settings = read(request.tenants_file)
        for warning in settings.warnings:
            request.warn(warning)
        tenants = [
            tenant for tenant in select_tenants(settings, request.tenants) if in_shard(tenant.name, request.shard)
        ]
        has_plan = (lambda _: request.planned) if request.verifier is None else request.verifier.has_plan
        needed = {tenant.name: needs_of(policies, tenant, planned=has_plan(tenant.name)) for tenant in tenants}
        with temporary_folder("auditor-") if root is None else nullcontext(root) as folder:
            with show_progress() as progress:
                outcomes = collect_all(
                    tenants, lambda tenant: needed[tenant.name], root=folder, instant=instant, progress=progress
                )
            yield [_state(outcome) for outcome in outcomes]

    return collect


def _state(outcome: CollectOutcome) -> Path | Unaudited:
    if outcome.folder is not None:
        return outcome.folder
    tenant = outcome.tenant
    return Unaudited(
        name=tenant.name,
        tenant_id=tenant.tenant_id,
        cloud=tenant.cloud,
        agreement=tenant.agreement,
        locale=tenant.locale,
        reason=Message("nothing could be read") if outcome.failure is None else reason_of(outcome.failure),
    )
