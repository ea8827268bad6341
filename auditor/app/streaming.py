"""Snapshots × policies into counts and a file of findings, for tenants whose findings are too many to hold."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from auditor.app.auditing import Judge, Unaudited, assemble, concluded, unaudited
from auditor.app.catalogue import active
from auditor.app.running import Request, checked_policies, judged_states
from auditor.catalogue import Catalogue
from auditor.deliver.folder import write_all
from auditor.domain.errors import DeliveryError, UsageError
from auditor.domain.policy import PolicySet
from auditor.domain.result import Result, Summary, TenantResult
from auditor.domain.words import Severity, Status
from auditor.engine.facts import Facts
from auditor.engine.notices import fleet_notices
from auditor.engine.outcome import NOTHING, OPEN, Raised
from auditor.engine.plan import Plan, bind
from auditor.engine.spilling import BOUND, Scratch, Spill
from auditor.engine.streaming import Spilled, findings_batches, spilled
from auditor.policy.compiling import needs
from auditor.render.findings_parquet import Stacked, pieces
from auditor.render.summary_json import summary_json
from auditor.snapshot.model import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """One run over one or many tenants, whose findings lie in a scratch file."""

    result: Result
    """Without findings and actions; its summary counts all findings."""
    raised: Mapping[str, Mapping[str, Raised]]
    """Tenant → policy → how much it found."""
    scratch: Scratch
    parts: tuple[tuple[Plan, Spilled], ...]

    @property
    def count(self) -> int:
        """The number of findings, waived ones and those of the fleet included."""
        return sum(found.count for _, found in self.parts) + len(self.result.fleet.findings)


@contextmanager
def scratch_beside(path: Path) -> Iterator[BinaryIO]:
    """Open a nameless file on the disk where `path` is to be, which is gone afterwards.

    Raises UsageError where nothing can be written there.
    """
    folder = next(folder for folder in path.absolute().parents if folder.is_dir())
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        except OSError as error:
            raise UsageError(
                "format-path", f"{path} cannot be written: {error.strerror}", hint="name another place"
            ) from error
        yield file


@contextmanager
def streamed(request: Request, scratch: BinaryIO) -> Iterator[Streamed]:
    """Audit what the request names; what is yielded can be written while the snapshots are there.

    Raises AuditorError where nothing can be audited, DeliveryError where the disk of the scratch file is full.
    """
    policies = checked_policies(request)
    with judged_states(request, policies) as (states, judge):
        yield stream(states, policies, active(), request.as_of, judge=judge, scratch=scratch)


def stream(
    states: Iterable[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    judge: Judge,
    scratch: BinaryIO,
    bound: int = BOUND,
) -> Streamed:
    """Audit tenants one after the other, and keep what they found beyond `bound` bytes in the scratch file.

    Raises DeliveryError where its disk is full.
    """
    needed = needs(policies).sources
    file = Scratch(scratch)
    audited: list[TenantResult] = []
    parts: list[tuple[Plan, Spilled]] = []
    for state in states:
        if isinstance(state, Unaudited):
            audited.append(unaudited(state, policies, as_of))
            continue
        plan = bind(policies, Facts(state, catalogue, policies, as_of))
        try:
            found = spilled(plan, judge(plan), Spill(file, bound=bound))
        except OSError as error:
            raise DeliveryError(
                "report-unwritable",
                f"findings cannot be put aside: {error.strerror}",
                hint="free some room where --findings is to be: a finding takes 16 bytes until it is written",
            ) from error
        audited.append(concluded(plan, found.evaluation, needed))
        parts.append((plan, found))
    unknown = fleet_notices(policies, [plan.facts for plan, _ in parts])
    result = assemble(audited, policies, catalogue, as_of, unknown_names=unknown)
    parts.sort(key=lambda part: part[0].facts.manifest.tenant)
    raised = {plan.facts.manifest.tenant: _raised(plan, found) for plan, found in parts}
    return Streamed(
        result=replace(result, summary=_summary(result, raised)), raised=raised, scratch=file, parts=tuple(parts)
    )


def write_streamed(streamed: Streamed, findings: Path, summary: Path) -> None:
    """Write the table of findings and the counts, both or none. Raises DeliveryError where they cannot be written."""
    counts = summary_json(streamed.result, streamed.raised, file=findings.name, rows=streamed.count)
    batches = (
        Stacked(tenant=plan.facts.manifest.tenant, batches=findings_batches(plan, found, streamed.scratch))
        for plan, found in streamed.parts
    )
    table = pieces(streamed.result.run, batches, streamed.result.fleet.findings)
    write_all([(findings, table), (summary, counts.chunks())])


def _raised(plan: Plan, found: Spilled) -> dict[str, Raised]:
    """Count what each policy found about people and everything else."""
    counts = {}
    for place, policy in enumerate(plan.policies):
        people = found.spill.raised.get(place, NOTHING)
        others = [single for single in found.evaluation.singles if single.policy == place]
        open_ = sum(single.waiver == OPEN for single in others)
        counts[policy.id] = Raised(people.found + len(others), people.open + open_)
    return counts


def _summary(result: Result, raised: Mapping[str, Mapping[str, Raised]]) -> Summary:
    severities = {policy.id: policy.severity for policy in result.run.policies}
    open_ = dict.fromkeys(Severity, 0)
    waived = 0
    for counts in raised.values():
        for policy, count in counts.items():
            open_[severities[policy]] += count.open
            waived += count.found - count.open
    for finding in result.fleet.findings:
        open_[finding.severity] += finding.status is Status.OPEN
        waived += finding.status is Status.WAIVED
    return replace(result.summary, open=open_, waived=waived)
