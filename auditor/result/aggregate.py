"""Computes counts and sums of money of a Result from the statistics of its finding tables."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from heapq import nsmallest
from typing import Final

from msgspec import Struct

from auditor.domain.actions.action import REDUCING, Action, Concern
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.money import rounded, sum_by_currency
from auditor.domain.result.finding import Finding, FindingStats
from auditor.domain.result.model import FleetResult, Result, Summary, TenantResult
from auditor.domain.similar_name import tenants_hint

OPEN: Final = Status.OPEN
_BUYING: Final = "buy"
_MAX_AGE: Final = timedelta(days=1)
"""Age of the data from which reports and plans mention it: a job that runs every night reads it again within a day."""
NO_FLEET: Final = FleetResult()


class FindingChanges(Struct, frozen=True, kw_only=True):
    """The numbers of open findings that are new or reopened, and of previously open ones that are gone."""

    new: int
    reopened: int
    fixed: int
    unconfirmed: int


MAX_LISTED_FINDINGS: Final = 50_000
"""Number of findings about people, over all tenants, above which a report lists only a sample of this size."""
MAX_LISTED_FINDINGS_OF_ONE_TENANT: Final = 500_000
"""The same limit for a run with a single tenant; the sample has `MAX_LISTED_FINDINGS` findings too."""


def listed_findings(result: Result, tenants: Iterable[TenantResult]) -> Mapping[str, Sequence[Finding]]:
    """Return the findings that a report lists one by one, by tenant: all of them, or a sample if there are too many.

    With `tenants`, only their findings are returned; the sample size is divided among all tenants of the result.
    """
    count = sum(len(tenant.findings) for tenant in result.tenants)
    list_all = count <= (MAX_LISTED_FINDINGS_OF_ONE_TENANT if len(result.tenants) == 1 else MAX_LISTED_FINDINGS)
    return {
        tenant.name: tenant.findings.sample(count if list_all else MAX_LISTED_FINDINGS * len(tenant.findings) // count)
        for tenant in tenants
    }


def summarise(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Summary:
    """Count open findings by severity, waived and report-only findings, and policies that were not evaluated."""
    counts = dict.fromkeys(Severity, 0)
    waived = unknown = report_only = 0
    parts: tuple[TenantResult | FleetResult, ...] = (fleet, *tenants)
    for part in parts:
        for policy in part.findings.stats.policies.values():
            counts[policy.severity] += policy.open
            waived += policy.waived
            report_only += policy.report_only
        unknown += sum(outcome.unknown for outcome in part.policies)
    return Summary(open=counts, waived=waived, not_evaluated=unknown, report_only=report_only or None)


def _stats(result: Result) -> Iterable[FindingStats]:
    return (result.fleet.findings.stats, *(tenant.findings.stats for tenant in result.tenants))


def waivers(result: Result) -> Counter[str]:
    """Count the findings that each waiver waives."""
    counts: Counter[str] = Counter()
    for stats in _stats(result):
        counts.update(stats.waivers)
    return counts


def changes(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> FindingChanges:
    """Count the changes since the previous run, without waived findings."""
    parts: tuple[TenantResult | FleetResult, ...] = (*tenants, fleet)
    policies = [policy for part in parts for policy in part.findings.stats.policies.values()]
    return FindingChanges(
        new=sum(policy.new for policy in policies),
        reopened=sum(policy.reopened for policy in policies),
        fixed=sum(finding.status is OPEN for part in parts for finding in part.fixed),
        unconfirmed=sum(len(part.unconfirmed) for part in parts),
    )


def fleet_compared(result: Result) -> bool:
    """Return whether findings across tenants were compared with the previous run; a store does not have them."""
    return result.run.previous is not None and all(finding.change is not None for finding in result.fleet.findings)


def new_findings(result: Result) -> Mapping[Severity, int]:
    """Count the open findings that are new or reopened since the previous run, and those that were not compared."""
    counts: Counter[Severity] = Counter()
    parts: tuple[TenantResult | FleetResult, ...] = (*result.tenants, result.fleet)
    for part in parts:
        compared = result.run.previous is not None if isinstance(part, TenantResult) else fleet_compared(result)
        for policy in part.findings.stats.policies.values():
            counts[policy.severity] += policy.new + policy.reopened if compared else policy.open
    return counts


def money(of: Result | TenantResult) -> dict[str, Decimal]:
    """Return the monthly cost of open findings by currency, as `auditor.findings.stats.sums` does for one tenant."""
    if isinstance(of, TenantResult):
        return dict(of.findings.stats.money)
    return sum_by_currency(stats.money for stats in _stats(of))


def concerns(of: TenantResult | FleetResult) -> Mapping[str, Concern]:
    """Return the people, the worst severity and the policies of each action, by action id.

    If the actions do not have them, because the result was read from a file, filtered or given pseudonyms, they are
    computed from the columns of all findings.
    """
    stored = {action.id: action.concern for action in of.actions if action.concern is not None}
    return stored if len(stored) == len(of.actions) else _computed_concerns(of)


def _computed_concerns(of: TenantResult | FleetResult) -> Mapping[str, Concern]:
    from auditor.arrays.texts import values_of  # noqa: PLC0415 - heavy
    from auditor.findings.person_names import NAMED, person_labels  # noqa: PLC0415 - heavy

    actions_by_finding: dict[str, list[str]] = {}
    ranks: dict[str, dict[str, int]] = {}
    """The rank of the severity of each policy."""
    people: dict[str, dict[str, str]] = {}
    for action in of.actions:
        ranks[action.id], people[action.id] = {}, {}
        for fingerprint in action.findings:
            actions_by_finding.setdefault(fingerprint, []).append(action.id)
    for batch in of.findings.batches():
        names = ("fingerprint", "severity", "policy", "subjectType", "subjectId")
        for fingerprint, severity, policy, kind, subject, label in zip(
            *map(values_of, (*map(batch.column, names), person_labels(batch))), strict=True
        ):
            for action_id in actions_by_finding.get(fingerprint, ()):
                ranks[action_id][policy] = Severity(severity).rank
                if kind == SubjectType.USER:
                    people[action_id][subject] = label
    return {
        action_id: Concern(
            worst=tuple(Severity)[min(policies.values())] if policies else Severity.INFO,
            people=len(people[action_id]),
            names=tuple(nsmallest(NAMED, people[action_id].values())),
            policies=tuple(policy for policy, _ in sorted(policies.items(), key=lambda item: item[::-1])),
        )
        for action_id, policies in ranks.items()
    }


class ActionAmounts(Struct, frozen=True, kw_only=True):
    """The monthly amounts that actions free and cost, by currency in alphabetical order."""

    reassign: dict[str, Decimal]
    """The value of seats that actions free and do not reassign; nothing is saved as long as they are paid for."""
    reduce: dict[str, Decimal]
    """The cost of seats that can be cancelled, at the latest when their subscription is renewed."""
    buy: dict[str, Decimal]
    """The cost of seats that have to be bought."""


def action_amounts(*tenants: Iterable[Action]) -> ActionAmounts:
    """Sum the money of actions by what is necessary to save or spend it: reassigning, reducing or buying seats.

    `tenants` are the actions of each tenant.
    """
    sums = [_amounts(actions) for actions in tenants]
    return ActionAmounts(
        **{name: sum_by_currency(tenant_sums[name] for tenant_sums in sums) for name in ("reassign", "reduce", "buy")}
    )


def _amounts(actions: Iterable[Action]) -> dict[str, dict[str, Decimal]]:
    """Sum the money of one tenant's actions; freed seats that they assign are deducted from those that they free.

    Results of earlier versions do not state which of the assigned seats are missing: those that exceed the freed ones.
    """
    sums: dict[str, dict[str, Decimal]] = {"reassign": {}, "reduce": {}, "buy": {}, "given": {}}

    def add(target: str, currency: str, amount: Decimal) -> None:
        if amount:
            sums[target][currency] = sums[target].get(currency, Decimal(0)) + amount

    for action in actions:
        if action.kind == ActionKind.DOWNGRADE:
            continue  # whether a smaller product is enough is a question; `smallerProducts` has the amount
        own, missing = action.money, action.missing
        if missing is not None:
            add("buy", missing.currency, rounded(missing.per_month))
        value = sum((rounded(money.per_month) for money in (own, missing) if money is not None), Decimal(0))
        if (money := own or missing) is not None and value < 0:
            add("buy" if action.order == _BUYING else "given", money.currency, -value)
        elif money is not None:
            add("reduce" if action.order in REDUCING else "reassign", money.currency, value)
    for currency, assigned in sums.pop("given").items():
        remainder = sums["reassign"].pop(currency, Decimal(0)) - assigned
        add("reassign" if remainder > 0 else "buy", currency, abs(remainder))
    return sums


def outdated_tenants(result: Result) -> list[TenantResult]:
    """Return the tenants whose data was read more than a day before the audit, the oldest data first."""
    limit = result.run.as_of - _MAX_AGE
    outdated = (tenant for tenant in result.tenants if tenant.failure is None and tenant.as_of < limit)
    return sorted(outdated, key=lambda tenant: tenant.as_of)


def all_prices_known(result: Result) -> bool:
    """Return whether every open finding that costs seats has a price; else the sum is a lower bound."""
    return not any(stats.unpriced for stats in _stats(result))


def single_tenant(result: Result, name: str) -> Result:
    """Return a result with only one tenant of a run. Raises UsageError if the run does not have the tenant."""
    tenants = tuple(tenant for tenant in result.tenants if tenant.name == name)
    if not tenants:
        hint = tenants_hint(name, (tenant.name for tenant in result.tenants))
        raise UsageError("tenant-unknown", Message("the result has no tenant '{name}'", name=name), hint=hint)
    return Result(run=result.run, tenants=tenants, fleet=NO_FLEET, summary=summarise(tenants))
