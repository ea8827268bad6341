"""Says in words what an action changes in the monthly cost."""

from decimal import Decimal

from auditor.domain.translation import Localizer


def amount_form(l10n: Localizer, per_month: Decimal, *, frees: bool) -> str:
    """Return the phrase for an amount, with the placeholder {money}; a negative amount is a cost.

    With `frees`, the amount is the price of seats that are free for other people and are paid for until they are
    removed; without, it is saved.
    """
    if per_month < 0:
        return l10n.gettext("costs {money} a month")
    return l10n.gettext("frees seats worth {money} a month") if frees else l10n.gettext("saves {money} a month")


def elsewhere_form(l10n: Localizer, per_month: Decimal) -> str:
    """Return the phrase for an amount of the same seats that other actions count, with the placeholder {money}."""
    if per_month < 0:
        return l10n.gettext("{money} a month counted as a cost of other actions")
    return l10n.gettext("{money} a month counted as a saving of other actions")
