"""Says what actions free, save or cost a month."""

from collections.abc import Sequence
from decimal import Decimal

from auditor.domain.actions.action import Action
from auditor.domain.actions.amount import amount_form, elsewhere_form
from auditor.domain.actions.money import rounded
from auditor.render.text.labels import Labels


def worth(actions: Sequence[Action], l10n: Labels) -> str:
    """Return what actions free, save or cost a month, in words; empty if not known or in several currencies.

    For a single action, the amount of its seats that other actions count follows.
    """
    if len(actions) == 1:
        return l10n.joined(filter(None, (_own(actions, l10n), _elsewhere(actions[0], l10n))))
    return _own(actions, l10n)


def _elsewhere(action: Action, l10n: Labels) -> str:
    money = action.counted_elsewhere
    if money is None:
        return ""
    return elsewhere_form(l10n, money.per_month).replace("{money}", l10n.money(abs(money.per_month), money.currency))


def _own(actions: Sequence[Action], l10n: Labels) -> str:
    priced = [(action, action.money) for action in actions if action.money is not None]
    currencies = {money.currency for _, money in priced}
    if len(currencies) != 1:
        return ""
    total = sum((rounded(money.per_month) for _, money in priced), Decimal())
    text = amount_form(l10n, total, frees=all(action.frees for action, _ in priced))
    return text.replace("{money}", l10n.money(abs(total), currencies.pop()))
