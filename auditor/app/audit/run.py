"""Runs an audit request: loads policies and snapshots, and returns the Result."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.app.audit.failed_tenants import Unaudited, failed_later, unaudited_of
from auditor.app.audit.pipeline import Judge, audit
from auditor.app.audit.renewal_dates import earlier_dates
from auditor.app.catalogue import active
from auditor.app.policy_files import load_policies
from auditor.app.redaction.pseudonyms import Key
from auditor.domain.enums import Engine
from auditor.domain.errors import AuditorError, Diagnostic, Level, UsageError
from auditor.domain.message import Message
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Result, TenantResult
from auditor.engine.evaluate import evaluated_batches
from auditor.failures import TenantBoundary, reason_of
from auditor.findings.spill import SpillFile, spill_file
from auditor.policy.loader import load
from auditor.result.aggregate import summarise
from auditor.snapshot.model import Snapshot
from auditor.snapshot.reader import manifest_of, read


class Verifier(Protocol):
    """Compares the state of tenants with earlier plans."""

    def check(self, states: Sequence[Path | Unaudited]) -> None:
        """Raise AuditorError where the plans are not of these tenants."""

    def verified(self, result: Result, states: Sequence[Path | Unaudited], policies: PolicySet) -> Result:
        """Return the result with what became of the plan of each tenant."""


class Request(Struct, frozen=True, kw_only=True):
    """What one call of `auditor audit` asks for."""

    policies: tuple[Path, ...] = ()
    demo: bool = False
    snapshots: tuple[Path | str, ...] = ()
    """Folders, and addresses of stores."""
    tenants_file: Path | None = None
    tenants: tuple[str, ...] = ()
    """Names; none means every tenant."""
    shard: tuple[int, int] | None = None
    """(I, N): only the tenants whose name falls to the I-th of N parts."""
    as_of: datetime
    """What the policies are evaluated by: durations and waivers count from here."""
    state_as_of: datetime | None = None
    """Of places with several nights: audit the latest not after this; None for the latest."""
    started: datetime
    """When the program was called: the instant of state that is read live."""
    compare: Path | None = None
    nights: tuple[Path | str, ...] = ()
    """Folders of saved results, and stores: the nights from which monthly terms are recognised."""
    redaction: Key | None = None
    """The key of pseudonyms for people; None where they have their names."""
    warn: Callable[[Diagnostic], None] = field(default=lambda _: None)
    """Hears what people should know although nothing fails of it."""
    notice: Callable[[Message], None] = field(default=lambda _: None)
    """Told what is being done, for progress."""
    collect: Callable[["Request", PolicySet], Sequence[Path | Unaudited]] | None = None
    """Collects live tenants into snapshot folders; None where only saved state may be audited."""
    engine: Engine = Engine.LOCAL
    verifier: Verifier | None = None
    """Tells what became of an earlier plan; None where none is known."""
    spark_master: str | None = None
    """The address of a Spark master; None for the session that is there, else for this machine's processors."""


@contextmanager
def audited(
    request: Request, beside: Path | None, *, actions: bool = True, evidence: bool = True
) -> Iterator[tuple[Result, tuple[Path, ...], SpillFile]]:
    """Audit what the request names; yields the snapshots too, some of which are gone afterwards, and the spill file.

    Without `actions` only guidance is filled in; without `evidence` findings about people have none. Findings beyond
    the memory budget are kept in that file on the disk of `beside`. Raises AuditorError where nothing can be audited,
    and DeliveryError where that disk is full; so may every walk over findings.
    """
    with ExitStack() as stack:
        spill = stack.enter_context(spill_file(beside))
        previous = previous_of(request, spill)
        policies = checked_policies(request)
        places = stack.enter_context(places_of(request, policies))
        if request.verifier is not None:
            request.verifier.check(places)
        judge = stack.enter_context(judging(request, places, policies))
        states, alone = opened(places, request), len(places) == 1
        result = audit(
            states,
            policies,
            active(),
            request.as_of,
            judge=judge,
            alone=alone,
            spill=spill,
            actions=actions,
            evidence=evidence,
            earlier=earlier_dates(request.nights, policies, request.as_of, request.warn),
        )
        # The C library keeps what the evaluation freed, where the values that reports make of findings cannot use it.
        pa.default_memory_pool().release_unused()
        if request.verifier is not None:
            result = request.verifier.verified(result, places, policies)
        if request.demo and previous is None:
            from auditor.demo import previous as demo_previous  # noqa: PLC0415  only the demo needs the generator

            # The demo as it stood a night earlier, so that the report can say what changed.
            yesterday = demo_previous(request.as_of)
            previous = audit(yesterday, policies, active(), yesterday[0].manifest.instant)
        yield changed(result, previous, request), folders_of(places), spill


def folders_of(places: Iterable[Path | Unaudited]) -> tuple[Path, ...]:
    """Return the snapshots among tenants' states."""
    return tuple(path for path in places if isinstance(path, Path))


def changed(result: Result, previous: Result | None, request: Request) -> Result:
    """Tell what changed since an earlier run, where there is one, and replace people by pseudonyms where asked for.

    Fingerprints of a redacted run are known again with its key alone: without it nothing is called new, and `warn`
    hears of it. Raises UsageError as `compare`.
    """
    if previous is not None and previous.run.redaction is not None:
        result = _redacted(result, request.redaction)
        if result.run.redaction is None or result.run.redaction.key != previous.run.redaction.key:
            request.warn(_OTHER_KEY)
            previous = None
    if previous is not None:
        result = _compared(result, previous)
    return _redacted(result, request.redaction)


def _compared(result: Result, previous: Result) -> Result:
    """Report what changed since an earlier run; a tenant for which that fails is reported as failed."""
    from auditor.result.diff import compare, with_reopened  # noqa: PLC0415  only where there is an earlier run

    failures: dict[str, AuditorError] = {}

    def each(tenant: TenantResult, change: Callable[[TenantResult], TenantResult]) -> TenantResult:
        with TenantBoundary(tenant.name, alone=len(result.tenants) == 1) as boundary:
            return change(tenant)
        assert boundary.failure is not None
        failures[tenant.name] = boundary.failure
        return failed_later(tenant, boundary.failure)

    compared = with_reopened(compare(result, previous, each=each))
    return replace(compared, summary=summarise(compared.tenants, compared.fleet)) if failures else compared


_OTHER_KEY = Diagnostic(
    slug="compare-pseudonyms",
    message=Message(
        "the run to compare with has pseudonyms made with another key: no finding is reported as new or fixed"
    ),
    hint=Message("give --redact and the same AUDITOR_REDACT_KEY to every run"),
    level=Level.WARNING,
)


def _redacted(result: Result, key: Key | None) -> Result:
    if key is None:
        return result
    from auditor.app.redaction.redact import redacted  # noqa: PLC0415  only where people have pseudonyms

    return redacted(result, key)


def checked_policies(request: Request, *, plan: bool = False) -> PolicySet:
    """Load the policies that a request names; raises AuditorError where they are wrong, or where there is none."""
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
    """Load the policies that a request names: the demo's own where it names none. Raises InputError."""
    if request.demo and not request.policies:
        from auditor.demo import WRITTEN  # noqa: PLC0415  only the demo needs its policies
        from auditor.demo import policies as demo_policies  # noqa: PLC0415  likewise

        policies = load(demo_policies(request.as_of)).policies
        # Only the dates of waivers and contracts move with the day: a plan that is verified a week later was made with
        # the same policies.
        return replace(policies, digest=load(demo_policies(WRITTEN)).policies.digest)
    return load_policies(request.policies, waivers_from=request.as_of.date()).policies


@contextmanager
def opened_states(request: Request, policies: PolicySet) -> Iterator[Iterator[Snapshot | Unaudited]]:
    """Open the tenants' states one after the other; the demo's are written to a folder first, as real ones are."""
    with places_of(request, policies) as places:
        yield opened(places, request)


@contextmanager
def places_of(request: Request, policies: PolicySet) -> Iterator[Sequence[Path | Unaudited]]:
    """Find the tenants' states, the demo's and live ones after they were written. Raises as `run`."""
    if request.demo:
        from auditor.demo import snapshots  # noqa: PLC0415  only the demo needs the generator
        from auditor.files.temporary import temporary_folder  # noqa: PLC0415
        from auditor.snapshot.writer import write  # noqa: PLC0415

        with temporary_folder("auditor-demo-") as folder:
            folders = [write(folder, snapshot) for snapshot in snapshots(request.as_of)]
            by_name = {manifest_of(folder).tenant: folder for folder in folders}
            yield [by_name[name] for name in _named(tuple(by_name), request)]
    elif request.snapshots:
        from auditor.app.audit.snapshot_selection import opened_places  # noqa: PLC0415  only saved state is looked for

        with opened_places(request.snapshots, request.state_as_of, lambda names: _named(names, request)) as opened:
            yield opened
    elif request.collect is not None:
        yield request.collect(request, policies)
    else:
        raise UsageError(
            "usage",
            Message("there is nothing to audit"),
            hint=Message("specify a --snapshot, a tenants file, or --demo"),
        )


@contextmanager
def judging(request: Request, places: Sequence[Path | Unaudited], policies: PolicySet) -> Iterator[Judge]:
    """Yield what evaluates the people of a tenant: this process, or a Spark cluster, a part of it at a time."""
    if request.engine is Engine.LOCAL:
        yield evaluated_batches
        return
    from auditor.spark.evaluation import distribute  # noqa: PLC0415  only who uses Spark needs it
    from auditor.spark.session import session  # noqa: PLC0415

    folders = folders_of(places)
    # A damaged snapshot is refused, or left out, before a cluster is asked.
    folders = tuple(path for path in folders if _sound(path, alone=len(places) == 1))
    with session(request.spark_master) as spark:
        request.notice(
            Message(
                "evaluating snapshots with Spark at {spark_master}: {folders}",
                spark_master=request.spark_master or Message("this session"),
                folders=len(folders),
            )
        )
        yield distribute(spark, folders, policies, active(), request.as_of).batches


def _sound(folder: Path, *, alone: bool) -> bool:
    with TenantBoundary(folder.parent.name, alone=alone) as boundary:
        read(folder)
    return boundary.failure is None


def opened(places: Sequence[Path | Unaudited], request: Request) -> Iterator[Snapshot | Unaudited]:
    """Open the states one after the other."""
    for path in places:
        if isinstance(path, Unaudited):
            yield path
            continue
        request.notice(Message("auditing {location}", location=path))
        with TenantBoundary(path.parent.name, alone=len(places) == 1) as boundary:
            state = read(path)
        yield state if boundary.failure is None else unreadable(path, boundary.failure)


def unreadable(folder: Path, failure: AuditorError) -> Unaudited:
    """Return the tenant of a snapshot folder that cannot be read, as far as the folder shows which one it is."""
    with TenantBoundary(folder.parent.name) as boundary:
        return unaudited_of(manifest_of(folder), reason_of(failure))
    assert boundary.failure is not None
    return Unaudited(name=folder.parent.name, reason=reason_of(failure))


def _named(names: Sequence[str], request: Request) -> list[str]:
    """Keep the named tenants, or all, and of these the shard's; a name that nobody bears is an error."""
    for name in request.tenants:
        if name not in names:
            hint = Message("tenants: {known}", known=", ".join(sorted(names)))
            raise UsageError(
                "tenant-unknown", Message("there is no snapshot of a tenant '{name}'", name=name), hint=hint
            )
    return [name for name in sorted(set(request.tenants) or set(names)) if in_shard(name, request.shard)]


def in_shard(tenant: str, shard: tuple[int, int] | None) -> bool:
    """Whether a tenant falls to a shard (I, N), I from 1; a hash of its name decides, so that others never move it."""
    if shard is None:
        return True
    part, parts = shard
    return int.from_bytes(hashlib.sha256(tenant.encode()).digest()[:8]) % parts == part - 1


def previous_of(request: Request, spill: SpillFile) -> Result | None:
    """Read the result of the run to compare with, if one is named; raises SnapshotError as `saved_result`."""
    if request.compare is None:
        return None
    from auditor.app.saved_results import saved_result  # noqa: PLC0415  only where there is an earlier run

    return saved_result(request.compare, spill=spill)
