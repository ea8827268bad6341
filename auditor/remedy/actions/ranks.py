"""Ranks the actions of a tenant, and determines the date by which each has to be decided."""

from collections.abc import Iterator, Sequence
from datetime import date
from sys import intern

from msgspec.structs import replace

from auditor.domain.actions.action import Action, Deadline
from auditor.domain.actions.kind import REMOVING, ActionKind
from auditor.domain.actions.priority import rank_reason, ranked, weight_of
from auditor.domain.enums import Severity
from auditor.domain.result.model import TenantResult
from auditor.domain.translation import Localizer
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.subscription_terms import day_of, recent_purchase, renewal_days

_NOTICE = REMOVING | {ActionKind.EXPIRING}
"""Kinds that are too late after the last day to give notice of a contract that renews by itself."""
_CONTRACTS = frozenset({ActionKind.CONTRACT_NOTICE, ActionKind.CONTRACT_ENDING})
"""Kinds whose dates are last days: to give notice, or of a contract."""
_ENDED = frozenset({ActionKind.TRIAL, ActionKind.PURCHASE})
"""Kinds that are due at the next date of any subscription of the product."""


def due_of(group: ActionGroup, tenant: TenantResult, today: date) -> Deadline | None:
    """Return when to decide: before the next date of the subscriptions, or by an earlier last day to give notice.

    The last day to give notice of contracts that renew counts for seats to give back and for renewals, the last day to
    remove seats that were bought recently for their removal at once. None if no date is known. `today` is the day of
    the audit, in UTC: what happens on that day may still be decided.
    """
    kind, day = group.first.kind, next_date(group, tenant, today)
    dates = [] if day is None else [Deadline(day=day, included=kind in _CONTRACTS or day == today)]
    if kind in _NOTICE:
        last_days = _notice_days(tenant, group.first.old.casefold())
        dates += [Deadline(day=last_day, included=True) for last_day in last_days if last_day >= today]
    if kind is ActionKind.REMOVE_NOW and (recent := recent_purchase(tenant, group.first.old)) is not None:
        dates.append(Deadline(day=recent.until, included=True))
    return min(dates, key=lambda deadline: (deadline.day, deadline.included), default=None)


def next_date(group: ActionGroup, tenant: TenantResult, today: date) -> date | None:
    """Return the next date, from today on, of the subscriptions in the findings; None if no date is known.

    For seats to give back, also the next renewal of the product's paid subscriptions; for trials and purchases, also
    the next date of any of its subscriptions.
    """
    days = {date.fromisoformat(day) for day in group.dates}
    kind, sku_id = group.first.kind, group.first.old.casefold()
    if kind in REMOVING:
        days.update(day for name, day in renewal_days(tenant, today).items() if name == sku_id)
    elif kind in _ENDED:
        subscriptions = [
            subscription for subscription in tenant.subscriptions if subscription.sku_id.casefold() == sku_id
        ]
        days.update(day_of(subscription.next_lifecycle_date_time) for subscription in subscriptions)
    return min((day for day in days if day >= today), default=None)


def _notice_days(tenant: TenantResult, sku_id: str) -> Iterator[date]:
    """Return the last days to give notice of the contracts for a product that renew unless notice is given."""
    for contract in tenant.contracts or ():
        concerned = contract.renews == "automatically" and sku_id in map(str.casefold, contract.sku_ids)
        if concerned and contract.notice is not None:
            yield contract.notice


def with_ranks(
    actions: Sequence[Action], severities: Sequence[Severity], today: date, l10n: Localizer
) -> tuple[Action, ...]:
    """Return the actions, in the same order, with rank and reason; `severities` are those of their worst findings."""
    weights = [weight_of(action, severity) for action, severity in zip(actions, severities, strict=True)]
    by_index: dict[int, Action] = {}
    for rank, (index, reason) in enumerate(ranked(weights, today), start=1):
        why = intern(rank_reason(l10n, reason, weights[index], today))
        by_index[index] = replace(actions[index], rank=rank, why=why)
    return tuple(by_index[index] for index in range(len(actions)))
