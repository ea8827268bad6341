"""Results whose findings nobody holds: those of a result that does, counted one after the other, and few of them shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Never, TypeVar

from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.described import Concern, Counted, Described, Tally
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result import Action, Finding, Result, TenantResult

_Item = TypeVar("_Item")


class Once(Sequence[_Item]):
    """A sequence that is gone through once at most, and never taken from its middle."""

    def __init__(self, items: Sequence[_Item]) -> None:
        self._items = items
        self.passes = 0
        self.taken = 0

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[_Item]:
        self.passes += 1
        assert self.passes == 1, "somebody goes through it twice"
        for item in self._items:
            self.taken += 1
            yield item

    def __contains__(self, item: object) -> bool:
        raise AssertionError("somebody looks for one item")

    def __getitem__(self, place: Any) -> Never:
        raise AssertionError("somebody takes one item")


class Walked(Once[Finding], Described):
    """Findings as a walk tells them."""

    def __init__(self, findings: Sequence[Finding], actions: Sequence[Action], few: int | None) -> None:
        super().__init__(findings)
        self._counted = counted(findings, actions)
        self._shown = tuple(findings) if few is None else tuple(_first(findings, few))

    @property
    def counted(self) -> Counted:
        return self._counted

    @property
    def shown(self) -> tuple[Finding, ...]:
        return self._shown


def walked(result: Result, few: int | None = None, requests: int = 100) -> Result:
    """Return the result as one of findings that are walked; of each policy and check only the first few are shown.

    What actions list can be gone through once, but for requests where there are more than so many.
    """
    return replace(result, tenants=tuple(_tenant(tenant, few, requests) for tenant in result.tenants))


def _tenant(tenant: TenantResult, few: int | None, requests: int) -> TenantResult:
    actions = tuple(
        replace(
            each,
            findings=Once(each.findings),
            requests=Once(each.requests) if len(each.requests) <= requests else each.requests,
        )
        for each in tenant.actions
    )
    return replace(tenant, findings=Walked(tenant.findings, tenant.actions, few), actions=actions)


def _first(findings: Sequence[Finding], few: int) -> Iterator[Finding]:
    seen: Counter[tuple[str, str]] = Counter()
    for finding in findings:
        seen[finding.policy, finding.check] += 1
        if finding.subject.type is not SubjectType.USER or seen[finding.policy, finding.check] <= few:
            yield finding


def counted(findings: Sequence[Finding], actions: Sequence[Action]) -> Counted:
    """Count findings one after the other."""
    policies = {}
    for policy in dict.fromkeys(finding.policy for finding in findings):
        mine = [finding for finding in findings if finding.policy == policy]
        changed = Counter(finding.change for finding in mine if finding.status is Status.OPEN)
        policies[policy] = Tally(
            severity=mine[0].severity,
            found=len(mine),
            waived=sum(finding.status is Status.WAIVED for finding in mine),
            new=changed[Change.NEW],
            reopened=changed[Change.REOPENED],
            worth=_worth(mine),
        )
    opened = [finding for finding in findings if finding.status is Status.OPEN]
    return Counted(
        policies=policies,
        worth=_worth(findings),
        unpriced=any(finding.money is None and cost_of(finding.check) in {Cost.SEAT, Cost.SEATS} for finding in opened),
        waivers=Counter(finding.waiver for finding in findings if finding.waiver is not None),
        people=len(_people(findings)),
        concerns={action.id: _concern(findings, action) for action in actions},
    )


def _worth(findings: Sequence[Finding]) -> dict[str, Decimal]:
    dearest: dict[tuple[str, str, str | None], Decimal] = {}
    for finding in findings:
        if finding.money is None or finding.status is Status.WAIVED or finding.check == "budget.exceeded":
            continue
        seat = (finding.money.currency, finding.subject.id, finding.product.sku_id if finding.product else None)
        dearest[seat] = max(dearest.get(seat, Decimal(0)), finding.money.per_month)
    totals: dict[str, Decimal] = {}
    for (currency, _, _), worth in sorted(dearest.items(), key=lambda item: item[0][0]):
        if worth > 0:
            totals[currency] = totals.get(currency, Decimal(0)) + worth
    return totals


def _people(findings: Sequence[Finding]) -> dict[str, str]:
    """Return what the people are called, by id."""
    names = {}
    for finding in findings:
        if finding.subject.type is SubjectType.USER:
            name, address = finding.subject.name, finding.evidence.get("userPrincipalName")
            names[finding.subject.id] = f"{name} ({address})" if address and address != name else name
    return names


def _concern(findings: Sequence[Finding], action: Action) -> Concern:
    by_mark = {finding.fingerprint: finding for finding in findings}
    mine = [by_mark[mark] for mark in action.findings]
    worst = [finding.severity.rank for finding in mine if finding.status is Status.OPEN]
    names = sorted(_people(mine).values())
    return Concern(
        worst=min(Severity, key=lambda severity: abs(severity.rank - min(worst))) if worst else Severity.INFO,
        people=len(names),
        names=tuple(names[:12]),
    )
