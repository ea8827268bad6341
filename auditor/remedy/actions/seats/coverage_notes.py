"""Sentences about the people who need a seat of a product, and about the other seats that its purchase covers."""

from collections.abc import Callable, Iterator

from auditor.checks.seats.not_covered import NOT_COVERED, missing_product
from auditor.domain.enums import Status
from auditor.domain.translation import Localizer
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import ActionGroup


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
            form = l10n.ngettext(
                "{count} person needs {product} or a product that contains it; {usable} seats are usable, {missing} "
                "are missing.",
                "{count} people need {product} or a product that contains it; {usable} seats are usable, {missing} "
                "are missing.",
                needed,
            )
            yield form.format(count=l10n.number(needed), **numbers)
        elif finding.money is None:
            yield l10n.gettext("Missing seats of {product} that these seats also cover: {missing}.").format(**numbers)
        else:
            form = l10n.gettext("Missing seats of {product} that these seats also cover: {missing} ({money} a month).")
            yield form.format(money=l10n.money(finding.money.per_month, finding.money.currency), **numbers)
    if group.replacing:
        form = l10n.ngettext(
            "{count} of the seats to buy replaces a seat that another action removes.",
            "{count} of the seats to buy replace seats that other actions remove.",
            group.replacing,
        )
        yield form.format(count=l10n.number(group.replacing))


def removal_notes(group: ActionGroup, l10n: Localizer) -> Iterator[str]:
    """Yield what the removal of seats means for the policies that count them for people."""
    replaced: list[str] = []
    unknown: list[str] = []
    for policy, left in group.counted_for.items():
        if left.usable is not None:
            form = l10n.ngettext(
                "The policy {policy} counts these seats too: {usable} would be left for {count} person who needs one. "
                "Remove fewer, or buy seats of another product that it counts.",
                "The policy {policy} counts these seats too: {usable} would be left for {count} people who need one. "
                "Remove fewer, or buy seats of another product that it counts.",
                left.people,
            )
            yield form.format(policy=policy, usable=l10n.number(left.usable), count=l10n.number(left.people))
        else:
            (replaced if left.replaced else unknown).append(policy)
    if replaced:
        text = l10n.gettext("For these policies, seats to buy replace the removed ones: {policies}.")
        yield text.format(policies=", ".join(replaced))
    if unknown:
        text = l10n.gettext(
            "Check that the seats afterwards are enough for these policies, which count them: {policies}."
        )
        yield text.format(policies=", ".join(unknown))
