"""Snapshots × policies into a Result whose findings are described while they are written: memory does not grow."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from auditor.app.audit.pipeline import Judge, Unaudited, each_contained, judged
from auditor.app.audit.remediation import fleet_remedied, guided, tenant_remedied
from auditor.app.audit.run import Request, checked_policies, judged_states
from auditor.app.catalogue import active
from auditor.app.counting import SITUATIONS, Walked, walk
from auditor.app.gc_pause import paused_gc
from auditor.app.laying import no_room
from auditor.app.packing import packed, share, within
from auditor.app.streaming import LARGE, Apart, Aside, Part, Streamed, stream
from auditor.catalogue import Catalogue
from auditor.checks.check import Correction
from auditor.checks.data_needs import needs
from auditor.checks.registry import checks_with
from auditor.domain.described import Counted, Described, Listed
from auditor.domain.policy import PolicySet
from auditor.domain.result import Finding, Result, TenantResult
from auditor.engine.binding import BoundPolicies
from auditor.engine.finding_builder import Guide
from auditor.engine.outcome import BatchOutcome
from auditor.engine.retelling import Others, Retelling
from auditor.engine.spilling import Scratch, ScratchError
from auditor.files.temporary import late_file
from auditor.remedy.actions.context import RemediationContext, circumstances, situated
from auditor.snapshot.model import Snapshot


@contextmanager
def flowing(request: Request, beside: Path | None) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit what the request names into a result of which formats that stream can be written, and no snapshots.

    What does not fit in memory waits in a file without a name on the disk of `beside`. Raises AuditorError as an audit
    does, DeliveryError where that disk is full; so may the walk over the findings.
    """
    policies = checked_policies(request)
    with scratch(beside) as aside, judged_states(request, policies) as (states, judge, alone):
        wanted = replace(aside, whole=LARGE, alone=alone)
        yield flow(states, policies, active(), request.as_of, judge=judge, aside=wanted), ()


@contextmanager
def scratch(place: Path | None) -> Iterator[Aside]:
    """Open a nameless file on the disk of a place for what findings are made of."""
    with late_file(place) as file:
        yield Aside(file=file)


def flow(
    states: Iterable[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    judge: Judge,
    aside: Aside,
    shown: int | None = None,
) -> Result:
    """Audit tenants one after the other, and put what their findings are made of aside. Raises as `stream`.

    With `shown` the findings of each tenant are walked once: what they come to, so few of them over all tenants, and
    the actions. Without it they can be walked, and that is all.
    """
    streamed = stream(
        states,
        policies,
        catalogue,
        as_of,
        judge=judge,
        aside=replace(aside, described=True),
        apart=_packing(policies),
    )
    parts = {part.plan.facts.manifest.tenant: part for part in streamed.parts}
    count = sum(part.found.count for part in streamed.parts)
    count += sum(len(tenant.findings) for tenant in streamed.result.tenants)

    def told(tenant: TenantResult) -> TenantResult:
        part = parts.get(tenant.name)
        if part is None:
            return tenant
        room = None if shown is None else share(shown, part.found.count, count)
        return _told(tenant, part, policies, streamed, room)

    result = each_contained(streamed.result, told)
    if shown is None:
        return replace(result, fleet=guided(result))
    result = within(result, shown)
    return replace(result, fleet=fleet_remedied(result, policies))


def _packing(policies: PolicySet) -> Apart:
    """Return what judges a tenant, and puts its findings and actions aside."""
    needed = needs(policies).sources

    def apart(plan: BoundPolicies, batches: Iterable[BatchOutcome], file: Scratch) -> TenantResult:
        with paused_gc():
            return packed(tenant_remedied(judged(plan, batches, needed), policies), file)

    return apart


def _told(tenant: TenantResult, part: Part, policies: PolicySet, streamed: Streamed, room: int | None) -> TenantResult:
    assert part.recall is not None
    retold = Retold(Retelling(part.plan, part.found, part.recall), circumstances(tenant, policies))
    if room is None:
        return replace(tenant, findings=retold)
    raised = streamed.raised[tenant.name]
    try:
        walked = walk(retold.told, tenant, policies, raised, streamed.scratch, shown=room)
        return replace(tenant, findings=Flow(retold.told, retold.known, walked), actions=walked.actions())
    except ScratchError as error:
        raise no_room(error) from error


@dataclass(frozen=True, slots=True)
class Retold(Listed[Finding]):
    """The findings of a tenant, described each time they are walked."""

    told: Retelling
    known: RemediationContext
    """The tenant's, as if nothing had been found."""

    def __len__(self) -> int:
        return len(self.told)

    def __iter__(self) -> Iterator[Finding]:
        try:
            yield from self.told.findings(self._guiding)
        except ScratchError as error:
            raise no_room(error) from error

    def _guiding(self, check: str, others: Others) -> Guide:
        """Return what tells the articles of some findings of one check: those of others about the same people count."""
        known = self.known
        if len(known.situated) > SITUATIONS:
            known.situated.clear()
        if check in checks_with(Correction.REPLACE):
            known = replace(known, missing=others(checks_with(Correction.ASSIGN)))
        elif check in checks_with(Correction.ASSIGN):
            known = replace(known, unwanted=others(checks_with(Correction.REPLACE)))
        return lambda finding: situated(finding, known).article


@dataclass(frozen=True, slots=True)
class Flow(Retold, Described):
    """The findings of a tenant, described each time they are walked, of which a walk has told the rest already."""

    walked: Walked

    @property
    def counted(self) -> Counted:
        """What was counted of all of them."""
        return self.walked.counted

    @property
    def shown(self) -> tuple[Finding, ...]:
        """The first of every policy and check."""
        return self.walked.shown
