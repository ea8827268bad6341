"""Describes in words what actions free, save or cost a month."""

from collections.abc import Sequence
from decimal import Decimal

from auditor.domain.actions.action import Action
from auditor.domain.actions.money import rounded
from auditor.domain.translation import Localizer
from auditor.render.text.labels import Labels


def amount_text(per_month: Decimal, currency: str, l10n: Localizer, *, frees: bool) -> str:
    """Return what an action saves a month; a negative amount is a cost.

    With `frees`, the amount is the price of seats that are free for other people and are paid for until they are
    removed; without, it is saved.
    """
    money = l10n.money(abs(per_month), currency)
    if per_month < 0:
        return l10n.gettext("costs {money} a month").format(money=money)
    text = l10n.gettext("frees seats worth {money} a month") if frees else l10n.gettext("saves {money} a month")
    return text.format(money=money)


def elsewhere_text(per_month: Decimal, currency: str, l10n: Localizer) -> str:
    """Return that other actions count a saving or, below zero, a cost of the same seats."""
    money = l10n.money(abs(per_month), currency)
    if per_month < 0:
        return l10n.gettext("{money} a month counted as a cost of other actions").format(money=money)
    return l10n.gettext("{money} a month counted as a saving of other actions").format(money=money)


def amounts_text(actions: Sequence[Action], l10n: Labels) -> str:
    """Return what actions free, save or cost a month, in words; empty if not known or in several currencies.

    For a single action, the amount of its seats that other actions count follows.
    """
    priced = [(action, action.money) for action in actions if action.money is not None]
    currencies = {money.currency for _, money in priced}
    texts = []
    if len(currencies) == 1:
        total = sum((rounded(money.per_month) for _, money in priced), Decimal())
        texts.append(amount_text(total, currencies.pop(), l10n, frees=all(action.frees for action, _ in priced)))
    if len(actions) == 1 and (elsewhere := actions[0].counted_elsewhere) is not None:
        texts.append(elsewhere_text(elsewhere.per_month, elsewhere.currency, l10n))
    return l10n.joined(texts)
