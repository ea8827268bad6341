"""A tenant's findings and actions into a scratch file and back: a fleet holds those of one tenant at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import Final

from auditor.app.laying import ACTIONS, CONCERNS, FINDINGS, Laid, laid
from auditor.domain.described import Concern, Counted, Described, Tally, first_names, quota
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result import Action, Finding, Result, TenantResult
from auditor.engine.spilling import Scratch
from auditor.result.aggregate import people, sums, unpriced, waived

_CHANGED: Final = frozenset({Change.NEW, Change.REOPENED})
_POLICY: Final = attrgetter("policy")
_RANK: Final = attrgetter("rank")


class _Concerns(Mapping[str, Concern]):
    """Whom the actions of a tenant are about, read when somebody asks."""

    def __init__(self, laid: Laid[tuple[str, Concern]]) -> None:
        self._laid = laid

    @cached_property
    def _read(self) -> Mapping[str, Concern]:
        return dict(self._laid)

    def __getitem__(self, action: str) -> Concern:
        return self._read[action]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._laid)


@dataclass(frozen=True, slots=True, eq=False)
class Packed(Described):
    """The findings of a tenant that lie in a scratch file."""

    laid: Laid[Finding]
    known: Counted
    """Without concerns."""
    concerns: Laid[tuple[str, Concern]]
    room: int | None = None
    """How many about people may be shown; None for all."""

    def __len__(self) -> int:
        return len(self.laid)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.laid)

    @property
    def counted(self) -> Counted:
        """What they come to."""
        return replace(self.known, concerns=_Concerns(self.concerns))

    @property
    def shown(self) -> tuple[Finding, ...]:
        """All of them, or of every policy and check the first, those that changed before others."""
        if self.room is None:
            return tuple(self.laid)
        return _shown(tuple(self.laid), self.room)

    def within(self, room: int | None) -> "Packed":
        """Return the same findings, of which so many about people may be shown."""
        return replace(self, room=None if room is None or len(self) <= room else room)


def packed(tenant: TenantResult, scratch: Scratch, *, room: int | None = None) -> TenantResult:
    """Put the findings and actions of a tenant aside, of which so many findings about people may be shown.

    Raises DeliveryError where the disk of the scratch file is full.
    """
    known = counted_of(tenant)
    findings = Packed(
        laid=laid(tenant.findings, scratch, FINDINGS),
        known=replace(known, concerns={}),
        concerns=laid(tuple(known.concerns.items()), scratch, CONCERNS),
        room=room,
    )
    return replace(tenant, findings=findings, actions=laid(tenant.actions, scratch, ACTIONS))


def within(result: Result, shown: int) -> Result:
    """Return the result, of which so many findings about people may be shown, where its findings lie aside."""
    count = sum(len(tenant.findings) for tenant in result.tenants)
    tenants = tuple(
        replace(tenant, findings=findings.within(share(shown, len(findings), count)))
        if isinstance(findings := tenant.findings, Packed)
        else tenant
        for tenant in result.tenants
    )
    return replace(result, tenants=tenants)


def share(shown: int, many: int, count: int) -> int:
    """Return how many of a tenant's findings are shown, which are so many of those of the run: all where they fit."""
    return shown if count <= shown else shown * many // count


def rewritten(tenant: TenantResult, change: Callable[[TenantResult], TenantResult]) -> TenantResult:
    """Change a tenant; where its findings lie aside they are taken out for that, and those that are new put there."""
    kept = tenant.findings
    if not isinstance(kept, Packed):
        return change(tenant)
    held = replace(tenant, findings=tuple(kept), actions=tuple(tenant.actions))
    changed = change(held)
    if changed is held:
        return tenant
    scratch = kept.laid.scratch
    if changed.findings is held.findings:
        return replace(changed, findings=kept, actions=laid(changed.actions, scratch, ACTIONS))
    return packed(changed, scratch, room=kept.room)


def counted_of(tenant: TenantResult) -> Counted:
    """Count what the findings of a tenant come to, which are at hand."""
    findings = tenant.findings
    by_mark = {finding.fingerprint: finding for finding in findings} if tenant.actions else {}
    return Counted(
        policies={policy: _tally(list(own)) for policy, own in groupby(findings, _POLICY)},
        worth=sums(findings),
        unpriced=unpriced(findings),
        waivers=waived(findings),
        people=people(findings),
        concerns={action.id: _concern(action, by_mark) for action in tenant.actions},
    )


def _tally(own: Sequence[Finding]) -> Tally:
    opened = [finding.change for finding in own if finding.status is Status.OPEN]
    return Tally(
        severity=own[0].severity,
        found=len(own),
        waived=len(own) - len(opened),
        new=opened.count(Change.NEW),
        reopened=opened.count(Change.REOPENED),
        worth=sums(own),
    )


def _concern(action: Action, by_mark: Mapping[str, Finding]) -> Concern:
    own = [by_mark[mark] for mark in action.findings if mark in by_mark]
    worst = min((each.severity for each in own if each.status is Status.OPEN), key=_RANK, default=Severity.INFO)
    persons = {each.subject.id: each for each in own if each.subject.type is SubjectType.USER}
    return Concern(worst=worst, people=len(persons), names=tuple(first_names(list(persons.values()))))


def _shown(findings: Sequence[Finding], room: int) -> tuple[Finding, ...]:
    by_key: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        by_key.setdefault((finding.policy, finding.check), []).append(finding)
    most = quota(room, len(findings), len(by_key))
    chosen: list[Finding] = []
    for own in by_key.values():
        persons = [each for each in own if each.subject.type is SubjectType.USER]
        first = sorted(persons, key=lambda each: each.change not in _CHANGED)[:most]
        kept = {each.fingerprint for each in first}
        chosen += [each for each in own if each.subject.type is not SubjectType.USER or each.fingerprint in kept]
    return tuple(chosen)
