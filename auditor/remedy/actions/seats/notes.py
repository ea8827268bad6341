"""Sentences about the seats of a product: who needs them, what a purchase covers, and what a removal means."""

from collections.abc import Callable, Iterator

from auditor.checks.seats.not_covered import NOT_COVERED, missing_product
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Status
from auditor.domain.translation import N_, Localizer
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.subscription_terms import recent_purchase


def coverage_notes(
    context: RemediationContext, group: ActionGroup, label: Callable[[str], str], l10n: Localizer
) -> Iterator[str]:
    """Yield how many people need a seat of the product to buy, and which other missing seats the purchase covers."""
    findings = [finding for finding in context.findings if finding.check == NOT_COVERED]
    for finding in sorted(findings, key=lambda item: missing_product(item)[0] != group.first.old):
        if finding.status is not Status.OPEN or finding.policy not in group.policies:
            continue
        sku_id, _ = missing_product(finding)
        needed, usable, missing = (finding.evidence.get(name) for name in ("needed", "usable", "adjust"))
        if not (isinstance(needed, int) and isinstance(usable, int) and isinstance(missing, int)):
            continue
        numbers = {"usable": l10n.number(usable), "missing": l10n.number(missing), "product": label(sku_id)}
        if sku_id == group.first.old:
            yield l10n.plural(
                "{count} person needs {product} or a product that contains it; {usable} seats are usable, {missing} "
                "are missing.",
                "{count} people need {product} or a product that contains it; {usable} seats are usable, {missing} "
                "are missing.",
                needed,
                **numbers,
            )
        elif finding.money is None:
            yield l10n.gettext("Missing seats of {product} that these seats also cover: {missing}.", **numbers)
        else:
            money = l10n.money(finding.money.per_month, finding.money.currency)
            form = N_("Missing seats of {product} that these seats also cover: {missing} ({money} a month).")
            yield l10n.gettext(form, money=money, **numbers)
    if group.replacing:
        yield l10n.plural(
            "{count} of the seats to buy replaces a seat that another action removes.",
            "{count} of the seats to buy replace seats that other actions remove.",
            group.replacing,
        )


def removal_notes(group: ActionGroup, l10n: Localizer) -> Iterator[str]:
    """Yield what the removal of seats means for the policies that count them for people."""
    for policy, kept in group.kept.items():
        yield l10n.plural(
            "{count} more spare seat is not removed, because the policy {policy} counts it for people who need one. To "
            "remove it too, buy a seat of another product that the policy counts.",
            "{count} more spare seats are not removed, because the policy {policy} counts them for people who need "
            "one. To remove them too, buy seats of another product that the policy counts.",
            kept,
            policy=policy,
        )
    if replaced := ", ".join(policy for policy, is_replaced in group.counted_for.items() if is_replaced):
        yield l10n.gettext(
            "These policies count the removed seats for people who need one: {policies}. Seats that other actions buy "
            "replace them.",
            policies=replaced,
        )
    if unknown := ", ".join(policy for policy, is_replaced in group.counted_for.items() if not is_replaced):
        yield l10n.gettext(
            "Check that the seats afterwards are enough for these policies, which count them: {policies}.",
            policies=unknown,
        )


def quota_notes(group: ActionGroup, l10n: Localizer) -> Iterator[str]:
    """Yield how many people lose the product by other actions, and may be among those whom the policy counts."""
    if group.doubtful > 0:
        yield l10n.plural(
            "Other actions unassign the product from {count} person. If the policy counts that person, choose one "
            "person fewer.",
            "Other actions unassign the product from {count} people. For each of them whom the policy counts, choose "
            "one person fewer.",
            group.doubtful,
        )


def recent_notes(group: ActionGroup, context: RemediationContext, l10n: Localizer) -> Iterator[str]:
    """Yield how many of the seats to remove were bought recently, and until when they can be removed at once."""
    recent = recent_purchase(context.tenant, group.first.old)
    if recent is None or group.first.kind not in {ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL}:
        return
    count = group.seats if recent.seats is None else min(group.seats, recent.seats)
    yield l10n.plural(
        "{count} of these seats was bought less than 7 days ago. The last day to remove it at once is {date}; after "
        "that, it is billed until the renewal.",
        "{count} of these seats were bought less than 7 days ago. The last day to remove them at once is {date}; after "
        "that, they are billed until the renewal.",
        count,
        date=l10n.day(recent.until),
    )
