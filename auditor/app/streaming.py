"""Snapshots × policies into counts and a file of findings, for tenants whose findings are too many to hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from auditor.app.audit.pipeline import Judge, Unaudited, assemble, concluded, failed, unaudited
from auditor.app.audit.run import Request, checked_policies, judged_states
from auditor.app.catalogue import active
from auditor.app.laying import no_room
from auditor.catalogue import Catalogue
from auditor.checks.data_needs import needs
from auditor.checks.registry import registered
from auditor.deliver.report_folder import write_all
from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.domain.policy import PolicySet
from auditor.domain.result import Result, Summary, TenantResult
from auditor.engine.binding import BoundPolicies, bind
from auditor.engine.notices import FleetNames
from auditor.engine.outcome import NOTHING, OPEN, BatchOutcome, FindingCount
from auditor.engine.recalling import Recall
from auditor.engine.spilling import BOUND, Scratch, ScratchError, Spill
from auditor.engine.streaming import Rows, Spilled, findings_batches, put_aside, spilled
from auditor.engine.tenant_facts import TenantFacts
from auditor.failures import TenantBoundary
from auditor.files.temporary import nameless_file
from auditor.render.findings_parquet import Stacked, pieces
from auditor.render.json.summary import summary_json
from auditor.snapshot.model import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one tenant came to."""

    plan: BoundPolicies
    found: Spilled
    recall: Recall | None
    """The people whom the findings are about, where they are to be described."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """One run over one or many tenants, whose findings lie in a scratch file."""

    result: Result
    """Without findings and actions; its summary counts all findings."""
    raised: Mapping[str, Mapping[str, FindingCount]]
    """Tenant → policy → how much it found."""
    scratch: Scratch
    parts: tuple[Part, ...]
    """The tenants whose findings lie there, by name."""
    rows: tuple[Rows, ...]
    """Those whose rows lie there."""

    @property
    def count(self) -> int:
        """The number of findings in the scratch file and of the fleet, waived ones included."""
        found = sum(part.found.count for part in self.parts) + sum(rows.count for rows in self.rows)
        return found + len(self.result.fleet.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """Where findings wait until they are written."""

    file: BinaryIO
    bound: int = BOUND
    """Bytes of findings, and of people, that stay in memory; what is beyond goes to the file."""
    described: bool = False
    """Whether findings are to be described: the people whom they are about are then kept too."""
    whole: int = 0
    """People below which a tenant's findings are described once, and wait as they are."""
    alone: bool = False
    """Whether there is only one tenant: what is raised inside it is raised, and no failure of one of several."""


LARGE: Final = 50_000
"""People from whom on a tenant is large: of smaller ones what has to be known to tell findings takes more room."""

Apart = Callable[[BoundPolicies, Iterable[BatchOutcome], Scratch], TenantResult]
"""Tells a tenant whole, with its findings in the scratch file as they are. Raises DeliveryError."""


@contextmanager
def scratch_beside(path: Path) -> Iterator[BinaryIO]:
    """Open a nameless file on the disk where `path` is to be, which is gone afterwards.

    Raises UsageError where nothing can be written there.
    """
    with ExitStack() as stack:
        try:
            file = stack.enter_context(nameless_file(path))
        except OSError as error:
            raise UsageError(
                "format-path",
                Message("{path} cannot be written: {strerror}", path=path, strerror=error.strerror),
                hint=Message("name another place"),
            ) from error
        yield file


@contextmanager
def streamed(request: Request, scratch: BinaryIO) -> Iterator[Streamed]:
    """Audit what the request names; what is yielded can be written while the snapshots are there.

    Raises AuditorError where nothing can be audited, DeliveryError where the disk of the scratch file is full.
    """
    policies = checked_policies(request)
    with judged_states(request, policies) as (states, judge, alone):
        aside = Aside(file=scratch, alone=alone)
        yield stream(states, policies, active(), request.as_of, judge=judge, aside=aside)


def stream(
    states: Iterable[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    judge: Judge,
    aside: Aside,
    apart: Apart | None = None,
) -> Streamed:
    """Audit tenants one after the other, and put what they found aside.

    Raises DeliveryError where the disk of the scratch file is full.
    """
    needed = needs(policies).sources
    file = Scratch(aside.file)
    audited: list[TenantResult] = []
    parts: list[Part] = []
    rows: list[Rows] = []
    raised: dict[str, Mapping[str, FindingCount]] = {}
    names = FleetNames(policies)
    room = _Room(findings=aside.bound, people=aside.bound)
    for state in states:
        if isinstance(state, Unaudited):
            audited.append(unaudited(state, policies, as_of))
            continue
        with TenantBoundary(state.manifest.tenant, alone=aside.alone) as wall, _with_room():
            plan = bind(policies, TenantFacts(state, catalogue, policies, as_of), registered())
            if apart is not None and plan.facts.snapshot.user_count < aside.whole:
                tenant = apart(plan, judge(plan), file)
                names.take(plan.facts)
                audited.append(tenant)
                continue
            part = _part(plan, judge(plan), file, room, described=aside.described)
            tenant, counts = concluded(plan, part.found.evaluation, needed), _raised(plan, part.found)
            names.take(plan.facts)
            if aside.described or plan.facts.snapshot.user_count >= LARGE:
                parts.append(part)
            else:
                rows.append(_let_go(part, file, room))
            raised[state.manifest.tenant] = counts
            audited.append(tenant)
        if wall.failure is not None:
            audited.append(failed(state.manifest, wall.failure, policies, as_of))
    result = assemble(audited, policies, catalogue, as_of, unknown_names=names.notices())
    parts.sort(key=lambda part: part.plan.facts.manifest.tenant)
    return Streamed(
        result=replace(result, summary=_summary(result, raised)),
        raised=dict(sorted(raised.items())),
        scratch=file,
        parts=tuple(parts),
        rows=tuple(rows),
    )


def write_streamed(streamed: Streamed, findings: Path, summary: Path) -> None:
    """Write the table of findings and the counts, both or none. Raises DeliveryError where they cannot be written."""
    counts = summary_json(streamed.result, streamed.raised, file=findings.name, rows=streamed.count)
    stacked = [
        Stacked(
            tenant=part.plan.facts.manifest.tenant, batches=findings_batches(part.plan, part.found, streamed.scratch)
        )
        for part in streamed.parts
    ]
    stacked += [Stacked(tenant=rows.tenant, batches=rows.batches(streamed.scratch)) for rows in streamed.rows]
    stacked.sort(key=lambda each: each.tenant)
    table = pieces(streamed.result.run, stacked, streamed.result.fleet.findings)
    write_all([(findings, table), (summary, counts.chunks())])


@dataclass(slots=True)
class _Room:
    """Bytes that all tenants of a run together may still hold in memory."""

    findings: int
    people: int


def _part(plan: BoundPolicies, batches: Iterable[BatchOutcome], file: Scratch, room: _Room, *, described: bool) -> Part:
    """Judge one tenant; what it holds in memory is taken off the room for those that follow."""
    spill = Spill(file, bound=room.findings)
    found = spilled(plan, batches, spill)
    room.findings -= spill.held
    recall = None
    if described:
        recall = Recall(plan, file, bound=room.people)
        if not recall.take(spill):
            raise SnapshotError(
                "snapshot-damaged",
                Message(
                    "the snapshot of the tenant {tenant} changed while it was audited",
                    tenant=plan.facts.manifest.tenant,
                ),
                hint=Message("run the audit again when nothing writes to the snapshot"),
            )
        room.people -= recall.held
    return Part(plan=plan, found=found, recall=recall)


@contextmanager
def _with_room() -> Iterator[None]:
    """Raise DeliveryError where the disk of the scratch file is full: that is no failure of a tenant."""
    try:
        yield
    except ScratchError as error:
        raise no_room(error) from error


def _let_go(part: Part, file: Scratch, room: _Room) -> Rows:
    """Put the rows of a tenant aside; the plan, and what it knows of the tenant, is let go."""
    rows = put_aside(part.plan, part.found, file, room=room.findings)
    room.findings += part.found.spill.held - (rows.size if rows.held is not None else 0)
    return rows


def _raised(plan: BoundPolicies, found: Spilled) -> dict[str, FindingCount]:
    """Count what each policy found about people and everything else."""
    counts = {}
    for place, policy in enumerate(plan.policies):
        people = found.spill.raised.get(place, NOTHING)
        others = [single for single in found.evaluation.singles if single.policy == place]
        open_ = sum(single.waiver == OPEN for single in others)
        counts[policy.id] = FindingCount(people.found + len(others), people.open + open_)
    return counts


def _summary(result: Result, raised: Mapping[str, Mapping[str, FindingCount]]) -> Summary:
    """Add what lies in the scratch file to what the result knows: the fleet, and tenants that are told whole."""
    severities = {policy.id: policy.severity for policy in result.run.policies}
    open_, waived = dict(result.summary.open), result.summary.waived
    for counts in raised.values():
        for policy, count in counts.items():
            open_[severities[policy]] += count.open
            waived += count.found - count.open
    return replace(result.summary, open=open_, waived=waived)
