"""Ranks actions by severity, money and days left, and explains each rank in one line."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED, RENEWED, ActionKind
from auditor.domain.enums import Severity
from auditor.domain.translation import Localizer

FIRST: Final = 5
"""Number of actions that reports show as the most important ones."""
SOON: Final = 90
"""A saving with a date within this many days counts as near."""

_SEVERITY_POINTS: Final = {
    Severity.CRITICAL: 200,
    Severity.HIGH: 100,
    Severity.MEDIUM: 60,
    Severity.LOW: 30,
    Severity.INFO: 0,
}
_SAVING_POINTS: Final = 60
"""Points of the largest saving; smaller savings get a proportional share."""
_DEADLINE_POINTS: Final = ((7, 30), (14, 25), (30, 20), (60, 10), (SOON, 5))
"""Upper bounds of the days left, with their points."""
_PRODUCT_KINDS: Final = (
    NUMBERED
    | RENEWED
    | {
        *(ActionKind.PURCHASE, ActionKind.SETTLED),
        *(ActionKind.CONTRACT_SEATS, ActionKind.CONTRACT_NOTICE, ActionKind.CONTRACT_ENDING),
    }
)
"""Kinds that are about the seats, subscriptions or contracts of a product, not about people."""


class RankReason(Enum):
    """Why an action has its rank."""

    WEIGHT = "weight"
    """The sum of its points."""
    SAVING = "saving"
    """It has the largest saving with a date within `SOON` days."""
    DEADLINE = "deadline"
    """It has the nearest date."""
    BOTH = "both"
    """It has the largest saving with a near date, and the nearest date."""


class Weight(Struct, frozen=True, kw_only=True):
    """The properties of an action that determine its rank."""

    severity: Severity
    """The severity of its worst finding."""
    saves: Decimal = Decimal(0)
    """Money saved per month."""
    due: date | None = None
    findings: int = 0


class RankedItem(NamedTuple):
    """What an action, or a policy without an action, is about."""

    tenant: str
    product: Hashable
    """The product that it is about; None if it is about none."""
    task: Hashable
    """What is to be done: equal for the same in other tenants."""


def weight_of(action: Action, severity: Severity) -> Weight:
    """Return the properties of an action; `severity` is that of its worst finding."""
    saves = Decimal(0) if action.money is None else max(action.money.per_month, Decimal(0))
    return Weight(severity=severity, saves=saves, due=action.due, findings=len(action.findings))


def ranked(weights: Sequence[Weight], today: date) -> list[tuple[int, RankReason]]:
    """Return the indexes of `weights`, the most important first, each with the reason.

    The points of severity, money and days left are added. Equal sums are ordered by the number of findings, then by the
    input. The largest saving with a date within `SOON` days is always among the first `FIRST`, and so is the nearest
    date.
    """
    largest = max((weight.saves for weight in weights), default=Decimal(0))
    keys = [(-_points(weight, largest, today), -weight.findings) for weight in weights]
    order = sorted(range(len(weights)), key=keys.__getitem__)
    dated = [(index, due) for index in order if (due := weights[index].due) is not None and due >= today]
    near = [index for index, due in dated if (due - today).days <= SOON and weights[index].saves > 0]
    saving = max(near, key=lambda index: weights[index].saves, default=None)
    deadline = min(dated, key=lambda item: item[1], default=(None, today))[0]
    reserved = {index for index in (saving, deadline) if index is not None}
    others = [index for index in order if index not in reserved]
    first = reserved.union(others[: FIRST - len(reserved)])
    order.sort(key=lambda index: index not in first)
    return [(index, _reason(index, saving, deadline)) for index in order]


def product_concerned(action: Action) -> str | None:
    """Return the skuId of the product whose seats, subscriptions or contract an action is about; None for others."""
    return action.seats.sku_id if action.seats is not None and action.kind in _PRODUCT_KINDS else None


def task_of(action: Action) -> Hashable:
    """Return a key that is equal for actions of several tenants that ask for the same."""
    names = action.title_arguments
    return action.kind, action.guidance, action.title if names is None else (names.old, names.also, names.new)


def most_important(items: Iterable[RankedItem]) -> dict[int, int]:
    """Return the indexes of at most `FIRST` items, each with the number of other tenants that have the same task.

    Of several items about a product of a tenant, and of items of several tenants with the same task, only the first is
    included. `items` are in order of rank.
    """
    listed = list(items)
    tenants: dict[Hashable, set[str]] = {}
    for item in listed:
        tenants.setdefault(item.task, set()).add(item.tenant)
    first_tenants: dict[Hashable, str] = {}
    firsts: dict[Hashable, int] = {}
    for index, (tenant, product, task) in enumerate(listed):
        key = index if product is None else (tenant, product)
        if key not in firsts and first_tenants.setdefault(task, tenant) == tenant:
            firsts[key] = index
    return {index: len(tenants[listed[index].task]) - 1 for index in list(firsts.values())[:FIRST]}


def elsewhere(l10n: Localizer, count: int, *, at_least: bool = False) -> str:
    """Return in how many other tenants the same is to be done; empty if it is not known to be in any."""
    if not count:
        return ""
    text = l10n.plural("also in {count} other tenant", "also in {count} other tenants", count)
    return f"{text} ({l10n.gettext('at least')})" if at_least else text


def _reason(index: int, saving: int | None, deadline: int | None) -> RankReason:
    if index == saving:
        return RankReason.BOTH if index == deadline else RankReason.SAVING
    return RankReason.DEADLINE if index == deadline else RankReason.WEIGHT


def _points(weight: Weight, largest: Decimal, today: date) -> int:
    total = _SEVERITY_POINTS[weight.severity]
    if weight.saves > 0:
        total += int(_SAVING_POINTS * weight.saves / largest)
    if weight.due is not None and weight.due >= today:
        days = (weight.due - today).days
        total += next((points for limit, points in _DEADLINE_POINTS if days <= limit), 0)
    return total


def rank_reason(l10n: Localizer, reason: RankReason, weight: Weight, today: date) -> str:
    """Return the reason in words: the criterion in which the action is first, or its severity, saving and days left."""
    days = -1 if weight.due is None else (weight.due - today).days
    severity = l10n.gettext(weight.severity.value)
    match reason:
        case RankReason.BOTH:
            return l10n.gettext("The largest saving with a date in the next 90 days, and the nearest deadline.")
        case RankReason.SAVING:
            return l10n.gettext("The largest saving with a date in the next 90 days.")
        case RankReason.DEADLINE if days == 0:
            return l10n.gettext("The nearest deadline is today.")
        case RankReason.DEADLINE:
            return l10n.plural(
                "The nearest deadline: {count} day left.", "The nearest deadline: {count} days left.", days
            )
        case RankReason.WEIGHT if days == 0:
            return l10n.gettext("Severity: {severity}; the deadline is today.", severity=severity)
        case RankReason.WEIGHT if days > 0 and weight.saves > 0:
            return l10n.plural(
                "Severity: {severity}; it saves money; {count} day left.",
                "Severity: {severity}; it saves money; {count} days left.",
                days,
                severity=severity,
            )
        case RankReason.WEIGHT if days > 0:
            return l10n.plural(
                "Severity: {severity}; {count} day left.",
                "Severity: {severity}; {count} days left.",
                days,
                severity=severity,
            )
        case RankReason.WEIGHT if weight.saves > 0:
            return l10n.gettext("Severity: {severity}; it saves money.", severity=severity)
        case _:
            return l10n.gettext("Severity: {severity}.", severity=severity)
