"""Snapshots × policies into a Result whose findings are described while they are written: memory does not grow."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, cast, overload

from auditor.app.auditing import Judge, Unaudited
from auditor.app.catalogue import active
from auditor.app.remedying import guided
from auditor.app.running import Request, checked_policies, judged_states
from auditor.app.streaming import Aside, Part, folder_of, no_room, stream
from auditor.catalogue import Catalogue
from auditor.domain.policy import PolicySet
from auditor.domain.result import Finding, Result, TenantResult
from auditor.engine.describing import Guide
from auditor.engine.retelling import Others, Retelling
from auditor.remedy.situating import MISSING, UNWANTED, Circumstances, circumstances, situated
from auditor.snapshot.model import Snapshot

_SITUATIONS: Final = 1 << 14
"""Situations that are remembered."""


@contextmanager
def flowing(request: Request, place: Path | None) -> Iterator[tuple[Result, tuple[Path, ...]]]:
    """Audit what the request names into a result of which formats of WALKED can be written, and no snapshots.

    What does not fit in memory waits in a file without a name on the disk of `place`. Raises AuditorError as an audit
    does, DeliveryError where that disk is full; so may the walk over the findings.
    """
    policies = checked_policies(request)
    # It comes to be on the disk when the first bytes are put there: most tenants need none.
    with (
        tempfile.SpooledTemporaryFile(max_size=1, dir=None if place is None else str(folder_of(place))) as scratch,
        judged_states(request, policies) as (states, judge),
    ):
        aside = Aside(file=cast("BinaryIO", scratch))
        yield flow(states, policies, active(), request.as_of, judge=judge, aside=aside), ()


def flow(
    states: Iterable[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    judge: Judge,
    aside: Aside,
) -> Result:
    """Audit tenants one after the other, and put what their findings are made of aside. Raises as `stream`."""
    streamed = stream(states, policies, catalogue, as_of, judge=judge, aside=replace(aside, described=True))
    parts = {part.plan.facts.manifest.tenant: part for part in streamed.parts}
    tenants = tuple(
        _with_findings(tenant, parts[tenant.name], policies) if tenant.name in parts else tenant
        for tenant in streamed.result.tenants
    )
    return replace(streamed.result, tenants=tenants, fleet=guided(streamed.result))


@dataclass(frozen=True, slots=True)
class Flow(Sequence[Finding]):
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
        if len(known.situated) > _SITUATIONS:
            known.situated.clear()
        if check in UNWANTED:
            known = replace(known, missing=others(MISSING))
        elif check in MISSING:
            known = replace(known, unwanted=others(UNWANTED))
        return lambda finding: situated(finding, known).article


def _with_findings(tenant: TenantResult, part: Part, policies: PolicySet) -> TenantResult:
    assert part.recall is not None
    found = Flow(Retelling(part.plan, part.found, part.recall), circumstances(tenant, policies))
    return replace(tenant, findings=found)
