"""Summarises plans in sentences: findings, requests and money of a tenant, and what is not known."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from auditor.domain.translation import N_
from auditor.localization import Localization
from auditor.remedy.planner.model import Figures, FleetPlan, TenantPlan
from auditor.remedy.planner.reach import FixLocation
from auditor.render.plan.fleet_overview import in_reading_order
from auditor.render.plan.outline import fixed_by_requests
from auditor.render.text.summary import combined_reasons
from auditor.result.aggregate import action_amounts


def summary(tenant: TenantPlan, l10n: Localization, *, money: bool = True) -> tuple[str, ...]:
    """Return the summary of a tenant's plan, as paragraphs; of a tenant without a plan only why it has none."""
    if tenant.failure is not None:
        reason = l10n.translate(tenant.failure)
        return (l10n.gettext("{tenant} could not be audited: {reason}", tenant=tenant.title, reason=reason),)
    paragraphs = [" ".join(_effect(tenant, l10n))]
    if tenant.outdated is not None:
        paragraphs.append(_outdated(tenant.outdated, l10n))
    if sum(row.open > 0 for row in tenant.reach) > 1:
        paragraphs.append(_reach(tenant, l10n))
    if money:
        paragraphs.extend(_money(tenant, l10n))
    if not tenant.complete:
        paragraphs.append(
            l10n.gettext(
                "The snapshot is incomplete; the plan leaves out: {what}.",
                what="; ".join(map(l10n.translate, tenant.omitted)),
            )
        )
    if not tenant.solver.optimal:
        paragraphs.append(
            l10n.gettext("A better plan may exist: not every alternative was tried for the changes that are left out.")
        )
    if tenant.solver.unpriced and tenant.before.money:  # without a price list, the plan compares no costs
        paragraphs.append(
            l10n.gettext("Products without a price are assumed to cost as much as the most expensive one.")
        )
    return tuple(paragraphs)


def _effect(tenant: TenantPlan, l10n: Localization) -> Iterator[str]:
    """Yield sentences about the open findings, about those that the requests fix, and about new ones."""
    proof, requests = tenant.proof, sum(len(action.requests) for action in tenant.actions)
    by_requests = len(fixed_by_requests(tenant))
    open_ = tenant.before.open or 0
    yield l10n.plural(
        "{tenant} has {count} open finding.", "{tenant} has {count} open findings.", open_, tenant=tenant.title
    )
    if decided := len(proof.fixed) - by_requests:
        yield l10n.plural(
            "Decided purchases and renewals fix {count} of them.",
            "Decided purchases and renewals fix {count} of them.",
            decided,
        )
    if requests:
        fixes = l10n.plural(
            "{count} request fixes {fixed} of them",
            "{count} requests fix {fixed} of them",
            requests,
            fixed=l10n.number(by_requests),
        )
        yield l10n.plural("{fixes}; {count} remains.", "{fixes}; {count} remain.", len(proof.remaining), fixes=fixes)
    elif open_:
        yield l10n.gettext("The plan has no requests.")
    if proof.new:
        yield l10n.plural("{count} new finding appears.", "{count} new findings appear.", len(proof.new))


def _reach(tenant: TenantPlan, l10n: Localization) -> str:
    labels = {
        FixLocation.GRAPH: N_("{fixed} of {open} that requests can fix"),
        FixLocation.PREMISES: N_("{fixed} of {open} that must be fixed in the on-premises directory"),
        FixLocation.PURCHASE: N_("{fixed} of {open} about purchases or contracts"),
    }
    rows = {row.location: row for row in tenant.reach if row.open}
    parts = [
        l10n.gettext(label, fixed=l10n.number(rows[location].fixed), open=l10n.number(rows[location].open))
        for location, label in labels.items()
        if location in rows
    ]
    return l10n.gettext("Findings fixed: {parts}.", parts=", ".join(parts))


def _money(tenant: TenantPlan, l10n: Localization) -> Iterator[str]:
    """Yield the amounts of a plan in each currency, as a paragraph."""
    removed = action_amounts(tenant.actions).reduce
    for figures in tenant.before.money:
        yield " ".join(_amounts(figures, tenant.released_seats, removed.get(figures.currency), l10n))


def _amounts(figures: Figures, freed: int, removed: Decimal | None, l10n: Localization) -> Iterator[str]:
    """Yield sentences about the cost of findings, of `freed` seats, and of seats to remove; actions save `removed`."""
    yield l10n.gettext("Open findings: {exposure} a month.", exposure=l10n.money(figures.exposure, figures.currency))
    yield l10n.plural(
        "The requests free {count} seat that they do not assign again ({now} a month).",
        "The requests free {count} seats that they do not assign again ({now} a month).",
        freed,
        now=l10n.money(figures.reassignable_now, figures.currency),
    )
    renewal = l10n.money(figures.reducible_at_renewal, figures.currency)
    if removed:
        yield l10n.gettext(
            "Freed and spare seats that cost {renewal} a month can be removed at the renewal; the actions remove as "
            "many as the policies require and save {removed} a month.",
            renewal=renewal,
            removed=l10n.money(removed, figures.currency),
        )
    elif figures.reducible_at_renewal:
        yield l10n.gettext(
            "Freed and spare seats that cost {renewal} a month can be removed at the renewal; no action removes them.",
            renewal=renewal,
        )
    if figures.lower_bound:
        yield l10n.gettext("This is a minimum: some prices are not known.")


def _outdated(instant: datetime, l10n: Localization) -> str:
    return l10n.gettext(
        "The data was read on {date}, more than a day before the plan; auditor collect reads it again.",
        date=l10n.day(instant),
    )


def outdated_data(plan: FleetPlan, l10n: Localization) -> Iterator[tuple[str, str]]:
    """Yield (tenants, sentence) for the tenants whose data was read more than a day before the plan."""
    sentences = (
        (tenant.title, _outdated(tenant.outdated, l10n))
        for tenant in in_reading_order(plan).tenants
        if tenant.outdated is not None
    )
    return combined_reasons(sentences, len(plan.tenants), l10n)


def missing_data(plan: FleetPlan, l10n: Localization) -> Iterator[tuple[str, str]]:
    """Yield (tenants, reason) for each reason why the plan is incomplete, first why tenants have no plan."""
    reasons = (
        (tenant.title, text if tenant.failure is None else l10n.gettext("not audited: {reason}", reason=text))
        for tenant in sorted(in_reading_order(plan).tenants, key=lambda tenant: tenant.failure is None)
        if not tenant.complete
        for text in map(l10n.translate, tenant.omitted)
    )
    return combined_reasons(reasons, len(plan.tenants), l10n)
