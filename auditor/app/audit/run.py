"""Runs an audit request: loads policies and snapshots, and returns the Result."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited, map_tenants, unaudited_of
from auditor.app.audit.pipeline import Evaluator, audit
from auditor.app.audit.renewal_dates import earlier_dates
from auditor.app.catalogue import active
from auditor.app.policy_files import load_policies
from auditor.arrays.memory import release_arrow_memory
from auditor.domain.enums import Contents, Engine
from auditor.domain.errors import AuditorError, Diagnostic, Level, UsageError, Warn
from auditor.domain.message import Count, Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result
from auditor.domain.similar_name import tenants_hint
from auditor.engine.evaluate import evaluated_batches
from auditor.failures import TenantBoundary, reason_of
from auditor.findings.spill import SpillFile, spill_file
from auditor.policy.loader import Loaded, load
from auditor.policy.unknown_names import unknown_patterns
from auditor.result.missing_tenants import with_missing_tenants
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import manifest_of, read


class Verifier(Protocol):
    """Compares the state of tenants with earlier plans."""

    def has_plan(self, tenant: str) -> bool:
        """Return whether there is a plan of a tenant, so that its state must contain what a plan needs."""

    def check(self, states: Sequence[Path | Unaudited]) -> None:
        """Raise AuditorError if the plans do not belong to these tenants."""

    def verified(self, result: Result, states: Sequence[Path | Unaudited], policies: PolicySet) -> Result:
        """Return the result with the outcome of each tenant's plan."""


Collector = Callable[["Request", PolicySet], AbstractContextManager[Sequence[Path | Unaudited]]]
"""Collects the tenants of a request into snapshot folders, which exist until the end of the block."""


class Request(Struct, frozen=True, kw_only=True):
    """The options of one call of `auditor audit`."""

    policies: tuple[Path, ...] = ()
    demo: bool = False
    snapshots: tuple[Path | str, ...] = ()
    """Folders, and addresses of stores."""
    tenants_file: Path | None = None
    tenants: tuple[str, ...] = ()
    """Names of tenants; empty for all."""
    shard: tuple[int, int] | None = None
    """(I, N): only the tenants of the I-th of N shards."""
    as_of: datetime
    """The instant at which policies are evaluated: durations and waivers are relative to it."""
    state_as_of: datetime | None = None
    """Of several nights of a tenant, audit the latest that is not after this instant; None for the latest."""
    compare: Path | None = None
    """The result of the previous run."""
    store: Path | str | None = None
    """The store whose last night is compared with the run if `compare` is None."""
    nights: tuple[Path | str, ...] = ()
    """Folders of saved results, and stores: their nights are used to detect monthly terms."""
    redaction: RedactionKey | None = None
    """The key of the pseudonyms of users; None to keep their names."""
    warn: Warn = field(default=lambda _: None)
    """Called with each warning; warnings do not fail the audit."""
    notice: Callable[[Message], None] = field(default=lambda _: None)
    """Called with each step, to show progress."""
    collect: Collector | None = None
    """Collects live tenants into snapshot folders; None if only saved state may be audited."""
    engine: Engine = Engine.LOCAL
    planned: bool = False
    """Whether the remediation is planned, which needs more data than the policies."""
    verifier: Verifier | None = None
    """Reports the outcome of earlier plans; None if there are none."""
    spark_master: str | None = None
    """The address of a Spark master; None for the active Spark session, or else for a local one on all processors."""


@contextmanager
def audited(
    request: Request, output: Path | None, contents: Contents = Contents.ACTIONS
) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit the tenants of a request; yield the result and the snapshot folders.

    Temporary snapshot folders are removed at the end of the block. Findings beyond the memory budget are kept on the
    disk of `output`. Raises AuditorError if nothing can be audited, and DeliveryError if that disk is full; iterating
    over findings may raise DeliveryError too.
    """
    with ExitStack() as stack:
        spill = stack.enter_context(spill_file(output))
        previous = previous_of(request, spill)
        policies = checked_policies(request)
        locations = stack.enter_context(snapshot_locations(request, policies))
        if request.verifier is not None:
            request.verifier.check(locations)
        batches = stack.enter_context(evaluator(request, locations, policies))
        states, only_tenant = opened(locations, request), len(locations) == 1
        result = audit(
            states,
            policies,
            active(),
            request.as_of,
            evaluator=batches,
            contents=contents,
            only_tenant=only_tenant,
            spill=spill,
            earlier=earlier_dates(request.nights, policies, request.as_of, request.warn),
        )
        _warn_unknown_patterns(policies, result, request)
        # Arrow's allocator keeps the memory that the evaluation freed; the Python objects of reports cannot use it.
        release_arrow_memory()
        if request.verifier is not None:
            result = request.verifier.verified(result, locations, policies)
        if request.demo and previous is None:
            from auditor.demo import previous as demo_previous  # noqa: PLC0415  only the demo needs the generator

            # The state of the demo one night earlier, so that the report has changes to show.
            yesterday = demo_previous(request.as_of)
            previous = audit(yesterday, policies, active(), yesterday[0].manifest.instant)
        yield with_changes(result, previous, request), folders_of(locations)


def _warn_unknown_patterns(policies: PolicySet, result: Result, request: Request) -> None:
    part_numbers = (seats.sku_part_number for tenant in result.tenants for seats in tenant.seats)
    for warning in unknown_patterns(policies, active(), filter(None, part_numbers)):
        request.warn(warning)


def folders_of(locations: Iterable[Path | Unaudited]) -> tuple[Path, ...]:
    """Return the snapshot folders, without the tenants that could not be read."""
    return tuple(path for path in locations if isinstance(path, Path))


def with_changes(result: Result, previous: Result | None, request: Request) -> Result:
    """Add the changes since the previous run or stored night, if there is one, and replace users by pseudonyms.

    Fingerprints of a redacted run can be matched only with its key: without it no finding is reported as new, and
    `warn` is called. Raises UsageError as `compare` does.
    """
    if previous is not None and previous.run.redaction is not None:
        result = _with_pseudonyms(result, request.redaction)
        if result.run.redaction is None or result.run.redaction.key != previous.run.redaction.key:
            request.warn(_DIFFERENT_KEY)
            previous = None
    if previous is None and request.store is not None:
        from auditor.app.audit.stored_changes import with_stored_changes  # noqa: PLC0415  only with a store

        result = with_stored_changes(result, request.store)
    if previous is not None:
        result = _with_changes(result, previous)
        if not request.tenants and request.shard in {None, (1, 1)}:
            names = (tenant.name for tenant in previous.tenants)
            result = with_missing_tenants(result, names, previous.run.as_of, request.warn)
    return _with_pseudonyms(result, request.redaction)


def _with_changes(result: Result, previous: Result) -> Result:
    """Add the changes since the previous run; a tenant for which the comparison fails is reported as failed."""
    from auditor.result.diff import compare, with_reopened  # noqa: PLC0415  only if there is an earlier run

    compared = compare(result, previous, mapped=map_tenants)
    return replace(compared, tenants=tuple(map(with_reopened, compared.tenants)))


_DIFFERENT_KEY = Diagnostic(
    slug="compare-pseudonyms",
    message=Message(
        "the run to compare with has pseudonyms made with another key: no finding is reported as new or fixed"
    ),
    hint=Message("use --redact and the same AUDITOR_REDACT_KEY for every run"),
    level=Level.WARNING,
)


def _with_pseudonyms(result: Result, key: RedactionKey | None) -> Result:
    if key is None:
        return result
    from auditor.result.redaction.redact import redacted  # noqa: PLC0415  only if users have pseudonyms

    return redacted(result, key)


def checked_policies(request: Request, *, plan: bool = False) -> PolicySet:
    """Load the policies of a request. Raises AuditorError if they are invalid or if there are none."""
    policies = policies_for(request)
    if not policies.policies:
        raise UsageError(
            "policies-none",
            Message("the policy files define no policy, so there is nothing to plan for")
            if plan
            else Message("the policy files define no policy, so there is nothing to audit"),
            hint=Message("specify the files with `policies:` too, or run without a path to use the starter library"),
        )
    return policies


def policies_for(request: Request) -> PolicySet:
    """Load the policies of a request, or those of the demo if it specifies none. Raises InputError."""
    policies = loaded(request).policies
    if not request.demo or request.policies:
        return policies
    from auditor.demo import WRITTEN  # noqa: PLC0415  only the demo needs its policies

    # Only the dates of waivers and contracts depend on the day. The digest is that of a fixed day, so that a plan can
    # be verified a week later with the same policies.
    return replace(policies, digest=loaded(replace(request, as_of=WRITTEN)).policies.digest)


def loaded(request: Request, decisions: Sequence[tuple[str, bytes]] = ()) -> Loaded:
    """Load the policy files of a request, or those of the demo, with files of decisions. Raises InputError."""
    if request.demo and not request.policies:
        from auditor.demo import policies as demo_policies  # noqa: PLC0415  only the demo needs its policies

        return load(demo_policies(request.as_of), decisions=decisions)
    return load_policies(request.policies, waivers_from=request.as_of.date(), decisions=decisions)


@contextmanager
def opened_states(request: Request, policies: PolicySet) -> Iterator[Iterator[Snapshot | Unaudited]]:
    """Open the states of the tenants one after the other; those of the demo are written to a temporary folder first."""
    with snapshot_locations(request, policies) as locations:
        yield opened(locations, request)


@contextmanager
def snapshot_locations(request: Request, policies: PolicySet) -> Iterator[Sequence[Path | Unaudited]]:
    """Yield the snapshot folders of the tenants; the states of the demo and of live tenants are written first.

    Raises AuditorError if there is nothing to audit.
    """
    if request.demo:
        from auditor.demo import snapshots  # noqa: PLC0415  only the demo needs the generator
        from auditor.files.temporary import temporary_folder  # noqa: PLC0415
        from auditor.snapshot.writer import write  # noqa: PLC0415

        with temporary_folder("auditor-demo-") as folder:
            folders = [write(folder, snapshot) for snapshot in snapshots(request.as_of)]
            by_name = {manifest_of(folder).tenant: folder for folder in folders}
            yield [by_name[name] for name in _selected_tenants(tuple(by_name), request)]
    elif request.snapshots:
        from auditor.app.audit.snapshot_selection import snapshot_folders  # noqa: PLC0415  only for saved state

        with snapshot_folders(
            request.snapshots, request.state_as_of, lambda names: _selected_tenants(names, request)
        ) as states:
            yield states
    elif request.collect is not None:
        with request.collect(request, policies) as locations:
            yield locations
    else:
        raise UsageError(
            "usage",
            Message("there is nothing to audit"),
            hint=Message("specify a --snapshot, a tenants file, or --demo"),
        )


@contextmanager
def evaluator(request: Request, locations: Sequence[Path | Unaudited], policies: PolicySet) -> Iterator[Evaluator]:
    """Yield the function that evaluates the users of a tenant: in this process, or in parts on a Spark cluster."""
    if request.engine is Engine.LOCAL:
        yield evaluated_batches
        return
    from auditor.spark.evaluation import distribute  # noqa: PLC0415  only needed with Spark
    from auditor.spark.session import session  # noqa: PLC0415

    folders = folders_of(locations)
    # Reject or skip damaged snapshots before the cluster starts.
    folders = tuple(path for path in folders if _is_readable(path, only_tenant=len(locations) == 1))
    with session(request.spark_master) as spark:
        request.notice(
            Message(
                "evaluating snapshots with Spark at {spark_master}: {folders}",
                spark_master=request.spark_master or Message("this session"),
                folders=Count(len(folders)),
            )
        )
        yield distribute(spark, folders, policies, active(), request.as_of).batches


def _is_readable(folder: Path, *, only_tenant: bool) -> bool:
    with TenantBoundary(folder.parent.name, only_tenant=only_tenant) as boundary:
        read(folder)
    return boundary.failure is None


def opened(locations: Sequence[Path | Unaudited], request: Request) -> Iterator[Snapshot | Unaudited]:
    """Open the snapshots one after the other."""
    for path in locations:
        if isinstance(path, Unaudited):
            yield path
            continue
        request.notice(Message("auditing {location}", location=path))
        with TenantBoundary(path.parent.name, only_tenant=len(locations) == 1) as boundary:
            state = read(path)
        yield state if boundary.failure is None else unreadable(path, boundary.failure)


def unreadable(folder: Path, failure: AuditorError) -> Unaudited:
    """Return the tenant of a snapshot folder that cannot be read, with the data of its manifest if that is readable."""
    with TenantBoundary(folder.parent.name) as boundary:
        return unaudited_of(manifest_of(folder), reason_of(failure))
    assert boundary.failure is not None
    return Unaudited(name=folder.parent.name, reason=reason_of(failure))


def _selected_tenants(names: Sequence[str], request: Request) -> list[str]:
    """Return the requested tenants, or all, that belong to the shard. Raises UsageError for an unknown name."""
    for name in request.tenants:
        if name not in names:
            message = Message("there is no snapshot of a tenant '{name}'", name=name)
            raise UsageError("tenant-unknown", message, hint=tenants_hint(name, names))
    return [name for name in sorted(set(request.tenants) or set(names)) if in_shard(name, request.shard)]


def in_shard(tenant: str, shard: tuple[int, int] | None) -> bool:
    """Return whether a tenant belongs to a shard (I, N), where I starts at 1.

    This depends on a hash of its name only, so that other tenants never move it to another shard.
    """
    if shard is None:
        return True
    index, count = shard
    return int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:8]) % count == index - 1


def previous_of(request: Request, spill: SpillFile) -> Result | None:
    """Read the result of the run to compare with, if one is specified. Raises SnapshotError as `saved_result` does."""
    if request.compare is None:
        return None
    from auditor.app.saved_results import saved_result  # noqa: PLC0415  only if there is an earlier run

    return saved_result(request.compare, spill=spill)
