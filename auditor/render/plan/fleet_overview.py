"""Builds what a plan shows about several tenants: their order, a table of them, and what matters most in all."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.priority import (
    RankedItem,
    Weight,
    elsewhere,
    most_important,
    product_concerned,
    rank_reason,
    ranked,
    task_of,
    weight_of,
)
from auditor.domain.enums import worst_severity
from auditor.domain.money import sum_by_currency
from auditor.localization import Localization
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.render.plan.outline import by_rank, with_findings
from auditor.render.plan.view import FirstAction, TenantRow
from auditor.render.text.actions import reasons
from auditor.result.ranking import TenantSortKey, tenant_order

TenantAddress = Callable[[TenantPlan], str]
"""Returns the address of the section about a tenant, relative to the page; those of its actions begin with it."""


def in_reading_order(plan: FleetPlan) -> FleetPlan:
    """Return a plan with its tenants in the order in which people read about them.

    Tenants without a plan or whose proof failed come first, then those with the worst findings, as in the report.
    """
    return replace(plan, tenants=tuple(sorted(plan.tenants, key=_sort_key)))


def tenant_rows(plan: FleetPlan, address: TenantAddress, l10n: Localization) -> tuple[TenantRow, ...]:
    """Return a row for each tenant, one for findings across tenants if there are any, and one for the totals.

    There are none for a single tenant.
    """
    if len(plan.tenants) < 2:
        return ()
    rows = [_row((tenant,), tenant.title, address(tenant), l10n) for tenant in plan.tenants]
    total = _row(plan.tenants, l10n.gettext("All tenants together"), "", l10n)
    proof = plan.fleet
    before, after = len(proof.fixed) + len(proof.remaining), len(proof.remaining) + len(proof.new)
    if before or after:
        title = l10n.gettext("Policies across tenants")
        rows.append(replace(_row((), title, "", l10n), failed=False, open_before=before, open_after=after))
    return (*rows, replace(total, open_before=total.open_before + before, open_after=total.open_after + after))


def fleet_first(plan: FleetPlan, address: TenantAddress, l10n: Localization) -> tuple[FirstAction, ...]:
    """Return the most important actions of several tenants, as `most_important` selects them; none for a single one."""
    if len(plan.tenants) < 2:
        return ()
    today = datetime.fromisoformat(plan.as_of).date()
    candidates: list[tuple[TenantPlan, int, Action, Weight]] = []
    subjects: list[RankedItem] = []
    for tenant in plan.tenants:
        severities = [worst_severity(finding.severity for finding in findings) for _, findings in with_findings(tenant)]
        for number, action in by_rank(tenant):
            weight = weight_of(action, severities[number - 1])
            candidates.append((tenant, number, action, weight))
            subjects.append(RankedItem(tenant.name, product_concerned(action), task_of(action)))
    order = ranked([weight for *_, weight in candidates], today)
    firsts: list[FirstAction] = []
    for position, tenants in most_important(subjects[index] for index, _ in order).items():
        index, reason = order[position]
        tenant, number, action, weight = candidates[index]
        first = FirstAction(
            href=f"{address(tenant)}-{number}",
            title=action.title,
            place=tenant.title,
            elsewhere=elsewhere(l10n, tenants),
            reasons=reasons(action, rank_reason(l10n, reason, weight, today), l10n),
        )
        firsts.append(first)
    return tuple(firsts)


def _sort_key(tenant: TenantPlan) -> TenantSortKey:
    return tenant_order(
        failed=tenant.failure is not None or not tenant.proof.holds,
        counts=Counter(finding.severity for finding in tenant.findings),
        complete=tenant.complete,
        name=tenant.name,
    )


def _row(tenants: Sequence[TenantPlan], title: str, href: str, l10n: Localization) -> TenantRow:
    planned = [tenant for tenant in tenants if tenant.failure is None]
    effects = [effect for tenant in planned for effect in tenant.seat_effects.values()]
    before = [figures for tenant in planned for figures in tenant.before.money]
    after = [figures for tenant in planned for figures in tenant.after.money]
    return TenantRow(
        href=href,
        title=title,
        failed=not planned,
        proven=all(tenant.proof.holds for tenant in planned),
        complete=all(tenant.complete for tenant in tenants),
        open_before=sum(tenant.before.open or 0 for tenant in planned),
        open_after=sum(tenant.after.open or 0 for tenant in planned),
        money=_sums(((figures.currency, figures.exposure) for figures in before), l10n),
        renewal=_sums(((figures.currency, figures.reducible_at_renewal) for figures in after), l10n),
        lower_bound=any(figures.lower_bound for figures in before),
        actions=sum(len(tenant.actions) for tenant in planned),
        requests=sum(len(action.requests) for tenant in planned for action in tenant.actions),
        freed=sum(effect.freed for effect in effects),
        questions=sum(len(tenant.open_questions) for tenant in planned),
    )


def _sums(amounts: Iterable[tuple[str, Decimal]], l10n: Localization) -> str:
    return l10n.sums(sum_by_currency({currency: amount} for currency, amount in amounts))
