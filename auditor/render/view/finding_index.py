"""The listed findings of a tenant, dictionary-encoded, with the statistics of all its findings."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from heapq import nsmallest
from itertools import compress, count
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.action import Action, Concern
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.result.finding import Finding, FindingStats, PolicyStats
from auditor.domain.result.model import FleetResult, PolicyHeader, Result, TenantResult
from auditor.render.text.labels import Labels
from auditor.render.view.rows import Context, names_seats, seat_numbers
from auditor.result.aggregate import concerns, listed_findings
from auditor.result.ranking import most_urgent_tenants

_SEVERITY_CODES: Final = {severity: code for code, severity in enumerate(Severity)}
_STATUS_CODES: Final = {status: code for code, status in enumerate(Status)}
_CHANGE_CODES: Final = {Change.NEW: 1, Change.REOPENED: 2}
_MAX_ACTIONS: Final = 500
"""Actions that the page lists for all tenants together, if it does not list all findings."""
_MIN_ACTIONS: Final = 5
"""Actions that it lists per tenant at least."""
LONG_PAGE: Final = 200
"""Number of findings above which all lists are short, so that the page opens quickly; its table has all of them."""


class Interner(defaultdict[Any, int]):
    """Assigns consecutive codes to keys in order of first appearance, from `start`."""

    def __init__(self, start: int = 0) -> None:
        super().__init__(count(start).__next__)

    def codes(self, keys: Iterable[Hashable]) -> list[int]:
        """Return the code of each key."""
        return list(map(self.__getitem__, keys))


class FindingIndex(Struct, frozen=True, kw_only=True, eq=False):
    """The listed findings of a tenant, or of the fleet; columns have one value per finding, codes start at 0."""

    context: Context
    findings: Sequence[Finding]
    """All findings, or a sample, in report order."""
    stats: FindingStats
    """Statistics of all findings."""
    concerns: Mapping[str, Concern]
    """Action id → the people whom the action is about."""
    fingerprints: Sequence[str]
    policies: Sequence[str]
    """Policy ids by code."""
    policy_codes: Sequence[int]
    severity_codes: Sequence[int]
    """Position in `Severity`; 0 is the worst."""
    status_codes: Sequence[int]
    """0 for open, 1 for waived, 2 for report-only."""
    change_codes: Sequence[int]
    """1 for new, 2 for reopened, else 0."""
    subject_codes: Sequence[int]
    subjects: Sequence[Finding]
    """The first finding about each subject, by code."""
    statement_codes: Sequence[int]
    """Each code stands for a problem with a product."""
    statements: Sequence[Finding]
    """The first finding with each statement, by code."""
    amount_codes: Sequence[int]
    amounts: Sequence[tuple[str, Decimal] | None]
    """Currency and monthly amount by code; code 0 is None."""
    actions: Sequence[Action]
    """All actions, or the most important ones if not all findings are listed; in the order of the result."""
    more_actions: int
    """Number of the other actions."""
    action_rows: Sequence[Sequence[int]]
    """Indexes of the findings that each of `actions` resolves."""
    long: bool
    """Whether there are so many findings that all lists are short, except for the table."""

    @classmethod
    def build(
        cls,
        part: TenantResult | FleetResult,
        findings: Sequence[Finding],
        context: Context,
        max_actions: int = _MAX_ACTIONS,
    ) -> "FindingIndex":
        """Index the listed findings of a part of a result; if they are a sample, list at most `max_actions` actions."""
        all_actions, people = part.actions, concerns(part)
        lists_all = len(findings) == len(part.findings)
        # A tuple, because every access by index reads actions in the spill file from the beginning.
        actions = tuple(all_actions) if lists_all else _most_important(all_actions, people, max_actions)
        fingerprints = [finding.fingerprint for finding in findings]
        rows = _action_rows(all_actions, actions, fingerprints)
        policies, subjects, statements, amounts = Interner(), Interner(), Interner(), Interner()
        subject_codes = subjects.codes((finding.subject.type, finding.subject.id) for finding in findings)
        statement_codes = statements.codes(map(_statement, findings))
        amount_codes = amounts.codes([None, *map(_amount, findings)])[1:]
        return cls(
            context=replace(
                context,
                numbers=seat_numbers(all_actions, rows, findings, context.about_seats),
                movements={
                    (action.seats.sku_id or "").casefold(): action.seats
                    for action in all_actions
                    if action.seats is not None
                },
            ),
            findings=findings,
            stats=part.findings.stats,
            concerns=people,
            fingerprints=fingerprints,
            policy_codes=policies.codes(finding.policy for finding in findings),
            policies=tuple(policies),
            severity_codes=[_SEVERITY_CODES[finding.severity] for finding in findings],
            status_codes=[_STATUS_CODES[finding.status] for finding in findings],
            change_codes=[_CHANGE_CODES.get(finding.change, 0) if finding.change else 0 for finding in findings],
            subject_codes=subject_codes,
            subjects=_first_of_each(subject_codes, findings),
            statement_codes=statement_codes,
            statements=_first_of_each(statement_codes, findings),
            amount_codes=amount_codes,
            amounts=tuple(amounts),
            actions=actions,
            more_actions=len(all_actions) - len(actions),
            action_rows=[rows[action.id] for action in actions],
            long=sum(policy.found for policy in part.findings.stats.policies.values()) > LONG_PAGE,
        )

    def changed(self) -> list[Finding]:
        """Return the listed findings that are new or reopened."""
        return list(compress(self.findings, self.change_codes))

    def counts(self) -> tuple[tuple[Severity, int], ...]:
        """Count open findings by severity, the worst first, without zeros."""
        counts: Counter[Severity] = Counter()
        for policy in self.stats.policies.values():
            counts[policy.severity] += policy.open
        return tuple((severity, counts[severity]) for severity in Severity if counts[severity])

    def by_policy(self) -> list["PolicyFindings"]:
        """Return the findings of each policy."""
        rows: list[list[int]] = [[] for _ in self.policies]
        for row, code in enumerate(self.policy_codes):
            rows[code].append(row)
        return [
            PolicyFindings(policy=policy, rows=policy_rows, stats=self.stats.policies[policy])
            for policy, policy_rows in zip(self.policies, rows, strict=True)
        ]


class PolicyFindings(Struct, frozen=True, kw_only=True, eq=False):
    """The findings of one policy."""

    policy: str
    rows: Sequence[int]
    """Indexes of the listed findings."""
    stats: PolicyStats
    """Statistics of all findings."""

    def first(self, index: FindingIndex, limit: int) -> list[Finding]:
        """Return up to `limit` listed findings, open ones first."""
        rows = sorted(self.rows, key=index.status_codes.__getitem__)[:limit]
        return [index.findings[row] for row in rows]


def finding_indexes(result: Result, l10n: Labels) -> tuple[FindingIndex, ...]:
    """Return the index of each tenant that a report lists, the most urgent first, followed by that of the fleet."""
    headers: Mapping[str, PolicyHeader] = {policy.id: policy for policy in result.run.policies}
    tenants = most_urgent_tenants(result)
    findings_by_tenant = listed_findings(result, tenants)
    max_actions = max(_MIN_ACTIONS, _MAX_ACTIONS // max(1, len(tenants)))
    indexes = []
    for tenant in tenants:
        findings = findings_by_tenant[tenant.name]
        context = Context.of_tenant(tenant, headers, l10n, findings)
        indexes.append(FindingIndex.build(tenant, findings, context, max_actions))
    fleet = FindingIndex.build(result.fleet, tuple(result.fleet.findings), Context.of_fleet(result, headers, l10n))
    return *indexes, fleet


def _statement(finding: Finding) -> Hashable:
    product = finding.product
    return (
        finding.check,
        finding.detail,
        finding.subject.type is SubjectType.PRODUCT,
        None if product is None else (product.sku_id, product.sku_part_number),
    )


def _amount(finding: Finding) -> tuple[str, Decimal] | None:
    return None if finding.money is None else (finding.money.currency, finding.money.per_month)


def _first_of_each(codes: Sequence[int], findings: Sequence[Finding]) -> list[Finding]:
    first = dict(zip(reversed(codes), reversed(findings), strict=True))
    return [first[code] for code in range(len(first))]


def _most_important(actions: Sequence[Action], people: Mapping[str, Concern], max_actions: int) -> Sequence[Action]:
    """Return the most important actions, in the order of the result."""
    # Results of earlier versions have no ranks.
    weights = [
        (action.rank, people[action.id].worst.rank, -len(action.findings), row) for row, action in enumerate(actions)
    ]
    chosen = {row for *_, row in nsmallest(max_actions, weights)}
    return [action for row, action in enumerate(actions) if row in chosen]


def _action_rows(
    actions: Sequence[Action], listed: Sequence[Action], fingerprints: Sequence[str]
) -> dict[str, list[int]]:
    """Return the indexes of the findings of actions by action id: of listed actions, and of all actions about seats."""
    rows = dict(zip(fingerprints, range(len(fingerprints)), strict=True)) if actions else {}
    ids = {action.id for action in listed}
    return {
        action.id: [row for row in map(rows.get, action.findings) if row is not None]
        for action in actions
        if action.id in ids or names_seats(action)
    }
