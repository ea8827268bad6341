"""Seats to remove that were bought so recently that this is possible before the renewal."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.translation import Localizer
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import ActionGroup
from auditor.remedy.actions.subscription_terms import recent_purchase


def remove_recent(groups: Iterable[ActionGroup], context: RemediationContext) -> None:
    """Remove seats at once instead of at the renewal if all of them can come from recent purchases of their product."""
    for group in groups:
        recent = recent_purchase(context.tenant, group.first.old)
        if recent is None or group.first.kind is not ActionKind.REMOVE_AT_RENEWAL:
            continue
        if recent.seats is None or group.seats <= recent.seats:
            group.first = replace(group.first, kind=ActionKind.REMOVE_NOW)


def recent_notes(group: ActionGroup, context: RemediationContext, l10n: Localizer) -> Iterator[str]:
    """Yield how many of the seats to remove were bought recently, and until when they can be removed at once."""
    recent = recent_purchase(context.tenant, group.first.old)
    if recent is None or group.first.kind not in {ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL}:
        return
    count = group.seats if recent.seats is None else min(group.seats, recent.seats)
    form = l10n.ngettext(
        "{count} of these seats was bought less than 7 days ago. The last day to remove it at once is {date}; after "
        "that, it is billed until the renewal.",
        "{count} of these seats were bought less than 7 days ago. The last day to remove them at once is {date}; after "
        "that, they are billed until the renewal.",
        count,
    )
    yield form.format(count=l10n.number(count), date=l10n.day(recent.until))
