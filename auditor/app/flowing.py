"""Snapshots × policies into a Result whose findings are described while they are written: memory does not grow."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast, overload

from auditor.app.auditing import Judge, Unaudited
from auditor.app.catalogue import active
from auditor.app.counting import SITUATIONS, Walked, walk
from auditor.app.remedying import fleet_remedied, guided
from auditor.app.running import Request, checked_policies, judged_states
from auditor.app.streaming import Aside, Part, Streamed, folder_of, no_room, stream
from auditor.catalogue import Catalogue
from auditor.domain.described import Counted, Described
from auditor.domain.policy import PolicySet
from auditor.domain.result import Finding, Result, TenantResult
from auditor.engine.describing import Guide
from auditor.engine.retelling import Others, Retelling
from auditor.remedy.situating import MISSING, UNWANTED, Circumstances, circumstances, situated
from auditor.snapshot.model import Snapshot


@contextmanager
def flowing(request: Request, beside: Path | None) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit what the request names into a result of which formats of WALKED can be written, and no snapshots.

    What does not fit in memory waits in a file without a name on the disk of `beside`. Raises AuditorError as an audit
    does, DeliveryError where that disk is full; so may the walk over the findings.
    """
    policies = checked_policies(request)
    with scratch(beside) as aside, judged_states(request, policies) as (states, judge):
        yield flow(states, policies, active(), request.as_of, judge=judge, aside=aside), ()


@contextmanager
def scratch(place: Path | None) -> Iterator[Aside]:
    """Open a nameless file on the disk of a place, which comes to be when the first bytes are put there."""
    folder = None if place is None else str(folder_of(place))
    with tempfile.SpooledTemporaryFile(max_size=1, dir=folder) as file:
        yield Aside(file=cast("BinaryIO", file))


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
    streamed = stream(states, policies, catalogue, as_of, judge=judge, aside=replace(aside, described=True))
    parts = {part.plan.facts.manifest.tenant: part for part in streamed.parts}
    room = None if shown is None else shown // max(len(parts), 1)
    tenants = tuple(
        _told(tenant, parts[tenant.name], policies, streamed, room) if tenant.name in parts else tenant
        for tenant in streamed.result.tenants
    )
    result = replace(streamed.result, tenants=tenants)
    return replace(result, fleet=guided(result) if shown is None else fleet_remedied(result, policies))


def _told(tenant: TenantResult, part: Part, policies: PolicySet, streamed: Streamed, room: int | None) -> TenantResult:
    assert part.recall is not None
    retold = Retold(Retelling(part.plan, part.found, part.recall), circumstances(tenant, policies))
    if room is None:
        return replace(tenant, findings=retold)
    raised = streamed.raised[tenant.name]
    try:
        walked = walk(retold.told, tenant, policies, raised, streamed.scratch, shown=room)
        return replace(tenant, findings=Flow(retold.told, retold.known, walked), actions=walked.actions())
    except OSError as error:
        raise no_room(error) from error


@dataclass(frozen=True, slots=True)
class Retold(Sequence[Finding]):
    """The findings of a tenant, described each time they are walked."""

    told: Retelling
    known: Circumstances
    """The tenant's, as if nothing had been found."""

    def __len__(self) -> int:
        return len(self.told)

    def __iter__(self) -> Iterator[Finding]:
        try:
            yield from self.told.findings(self._guiding)
        except OSError as error:
            raise no_room(error) from error

    @overload
    def __getitem__(self, place: int) -> Finding: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Finding]: ...
    def __getitem__(self, place: int | slice) -> Finding | Sequence[Finding]:
        return tuple(self)[place]

    def _guiding(self, check: str, others: Others) -> Guide:
        """Return what tells the articles of some findings of one check: those of others about the same people count."""
        known = self.known
        if len(known.situated) > SITUATIONS:
            known.situated.clear()
        if check in UNWANTED:
            known = replace(known, missing=others(MISSING))
        elif check in MISSING:
            known = replace(known, unwanted=others(UNWANTED))
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
