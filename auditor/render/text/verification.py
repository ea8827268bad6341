"""Describes the progress of a remediation plan in sentences that all reports share."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from auditor.catalogue import builtin
from auditor.domain.enums import Source
from auditor.domain.money import sum_by_currency
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.verification import Cause, FindingState, SeatDecisionVerdict, TenantVerification, Verdict
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.domain.translation import N_
from auditor.render.text.evidence.facts import product_names
from auditor.render.text.labels import Labels

VERDICTS: Final[Mapping[Verdict, str]] = {
    Verdict.DONE: N_("done"),
    Verdict.PARTLY: N_("partly done"),
    Verdict.NOT: N_("not done"),
    Verdict.CHANGED: N_("changed in another way"),
    Verdict.UNKNOWN: N_("unknown"),
}
STATES: Final[Mapping[FindingState, str]] = {
    FindingState.GONE: N_("Findings that are fixed"),
    FindingState.OPEN: N_("Findings that are still open"),
    FindingState.WAIVED: N_("Findings that are waived"),
    FindingState.CAME_BACK: N_("Findings that were reopened"),
    FindingState.NEW: N_("New findings"),
    FindingState.UNKNOWN: N_("Findings whose state is not known"),
}
_CAUSES: Final[Mapping[Cause, str]] = {
    Cause.SOURCE: N_("this source was not read: {detail}"),
    Cause.PATHS: N_("the assignment paths of the person are not known"),
    Cause.MEMBERS: N_("the members of the group {detail} are not known"),
    Cause.POLICY: N_("this policy was not evaluated: {detail}"),
    Cause.TENANT: N_("the tenant was not audited"),
    Cause.NO_PERSON: N_("the account no longer exists"),
    Cause.VALUE: N_("the value is neither the one before the plan nor the planned one: {detail}"),
    Cause.OTHER_WAY: N_("the findings are fixed, but the requests were not carried out"),
    Cause.WAIVED: N_("findings are waived"),
    Cause.PENDING: N_("Microsoft Entra ID has not processed the membership yet"),
    Cause.UNDONE: N_("according to the log it was done, but it has been undone since"),
}

_MAX_PRODUCTS: Final = 3
"""Products with seat decisions that are listed by name."""


def plan_lines(result: Result, l10n: Labels) -> tuple[str, ...]:
    """Return introductory sentences about plans: their progress, and who carried them out; none without a plan."""
    verifications = [tenant.verification for tenant in result.tenants if tenant.verification is not None]
    if not verifications:
        return ()
    return tuple(
        filter(
            None,
            (plan_headline(verifications, l10n), seat_decisions(result, l10n), execution_text(verifications, l10n)),
        )
    )


def plan_headline(verifications: Sequence[TenantVerification], l10n: Labels) -> str:
    """Return the progress of one or more plans in one sentence."""
    total = sum(len(verification.actions) for verification in verifications)
    done = sum(len(verification.actions_with(Verdict.DONE)) for verification in verifications)
    text = l10n.plural(
        "{done} of {count} action planned on {day} done",
        "{done} of {count} actions planned on {day} done",
        total,
        done=l10n.number(done),
        day=l10n.date(max(verification.planned_at for verification in verifications)),
    )
    parts = [text]
    freed = _freed_seats(verifications, l10n)
    if freed:
        parts[0] += f": {freed}"
    reopened, new, unknown = (
        sum(verification.count(state) for verification in verifications)
        for state in (FindingState.CAME_BACK, FindingState.NEW, FindingState.UNKNOWN)
    )
    if reopened:
        parts.append(l10n.plural("{count} finding was reopened", "{count} findings were reopened", reopened))
    if new:
        parts.append(l10n.plural("{count} new finding", "{count} new findings", new))
    if unknown:
        parts.append(
            l10n.plural(
                "the state of {count} finding is not known", "the state of {count} findings is not known", unknown
            )
        )
    return "; ".join(parts) + "."


def seat_decisions(result: Result, l10n: Labels) -> str:
    """Return the progress of decided purchases, reductions and renewals, per product for all tenants together."""
    decisions: dict[tuple[str, int], list[SeatDecisionVerdict]] = {}
    names: dict[str, str] = {}
    for tenant in result.tenants:
        for action in () if tenant.verification is None else tenant.verification.actions:
            if (decided := action.decided) is not None:
                change = decided.planned_change
                decisions.setdefault((decided.sku_id, (change > 0) - (change < 0)), []).append(decided)
                names.setdefault(decided.sku_id, _product(decided.sku_id, tenant))
    texts = [
        _decision_progress(names[sku_id], direction, product_decisions, l10n)
        for (sku_id, direction), product_decisions in decisions.items()
    ]
    more = len(texts) - _MAX_PRODUCTS
    omitted = [l10n.plural("{count} more product", "{count} more products", more)] if more > 0 else []
    if not texts:
        return ""
    return l10n.gettext("Seat decisions: {changes}.", changes="; ".join([*texts[:_MAX_PRODUCTS], *omitted]))


def _product(sku_id: str, tenant: TenantResult) -> str:
    product = builtin().product(sku_id)
    return product_names(tenant).get(sku_id.casefold()) or (product.name if product is not None else sku_id)


def _decision_progress(product: str, direction: int, decisions: Sequence[SeatDecisionVerdict], l10n: Labels) -> str:
    """Return the progress of decisions about a product; `direction`: 1 = buying, −1 = giving back, 0 = renewal."""
    if any(decision.actual is None for decision in decisions):
        return l10n.gettext("the seats of {product} today are not known", product=product)
    if direction:
        count = sum(abs(decision.planned_change) for decision in decisions)
        done = l10n.number(sum(decision.done for decision in decisions))
        if direction > 0:
            text = l10n.plural(
                "{done} of {count} seat of {product} purchased",
                "{done} of {count} seats of {product} purchased",
                count,
                done=done,
                product=product,
            )
        else:
            text = l10n.plural(
                "{done} of {count} seat of {product} removed",
                "{done} of {count} seats of {product} removed",
                count,
                done=done,
                product=product,
            )
    else:
        renewed = all(decision.verdict is Verdict.DONE for decision in decisions)
        text = l10n.gettext(N_("{product} renewed") if renewed else N_("{product} not renewed yet"), product=product)
    saved = l10n.sums(_saved(decisions)) if direction < 0 else ""
    if saved:
        text = l10n.gettext("{change}, {money} a month saved", change=text, money=saved)
    due = [decision.due for decision in decisions if decision.due is not None]
    return f"{text} ({renewal_day(min(due), l10n)})" if due else text


def _saved(decisions: Iterable[SeatDecisionVerdict]) -> dict[str, Decimal]:
    """Return the monthly cost of the seats that were given back, by currency, as far as prices are known."""
    return sum_by_currency(
        {decision.currency: decision.done * decision.per_month}
        for decision in decisions
        if decision.done and decision.currency is not None and decision.per_month is not None
    )


def renewal_day(day: datetime, l10n: Labels) -> str:
    """Return the day on which seats can be given back or are renewed, in words."""
    return l10n.gettext("at the renewal on {day}", day=l10n.date(day))


def execution_text(verifications: Iterable[TenantVerification], l10n: Labels) -> str:
    """Return who carried out actions and when, according to the log; empty without a log."""
    runs = [
        run
        for verification in verifications
        for action in verification.actions
        if (run := action.execution) is not None
    ]
    if not runs:
        return ""
    days = dict.fromkeys(l10n.date(day) for day in (min(r.first for r in runs), max(r.last for r in runs)))
    people = l10n.joined(dict.fromkeys(person for run in runs for person in run.by))
    return l10n.gettext("Carried out by {people}: {days}.", people=people, days=" – ".join(days))


def _freed_seats(verifications: Sequence[TenantVerification], l10n: Labels) -> str:
    """Return the number and monthly cost of seats that were freed and not assigned again; empty if there are none."""
    seats = sum(verification.freed.actual for verification in verifications)
    if not seats:
        return ""
    sums = sum_by_currency(
        {money.currency: money.actual} for verification in verifications for money in verification.freed.money
    )
    money = l10n.sums({currency: value for currency, value in sums.items() if value})
    if not money:
        return l10n.plural(
            "{count} seat freed and not assigned again", "{count} seats freed and not assigned again", seats
        )
    if any(verification.freed.at_least for verification in verifications):
        return l10n.plural(
            "{count} seat freed and not assigned again (at least {money} a month)",
            "{count} seats freed and not assigned again (at least {money} a month)",
            seats,
            money=money,
        )
    return l10n.plural(
        "{count} seat freed and not assigned again ({money} a month)",
        "{count} seats freed and not assigned again ({money} a month)",
        seats,
        money=money,
    )


def cause_text(cause: Cause, detail: str, l10n: Labels) -> str:
    """Return the cause of a verdict in words; empty if there is none."""
    if cause is Cause.NONE:
        return ""
    label = l10n.gettext(SOURCE_TITLES[Source(detail)]) if cause is Cause.SOURCE else detail
    return l10n.gettext(_CAUSES[cause], detail=label)
