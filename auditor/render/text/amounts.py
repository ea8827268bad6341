"""Describes in words what actions free, save or cost a month."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.domain.money import rounded
from auditor.domain.translation import NN_, Localizer
from auditor.render.text.labels import Labels


def amount_text(per_month: Decimal, currency: str, l10n: Localizer, *, frees: bool, undecided: bool = False) -> str:
    """Return what an action saves a month; a negative amount is a cost.

    With `frees`, the amount is the price of seats that are free for other people and are paid for until they are
    removed; without, it is saved. An `undecided` amount depends on decisions.
    """
    money = l10n.money(abs(per_month), currency)
    if per_month < 0:
        text = l10n.gettext("possible cost: {money} a month") if undecided else l10n.gettext("cost: {money} a month")
        return text.format(money=money)
    if undecided and not frees:
        return l10n.gettext("possible saving: {money} a month").format(money=money)
    text = l10n.gettext("will free seats worth {money} a month") if frees else l10n.gettext("saving: {money} a month")
    return text.format(money=money)


def elsewhere_text(per_month: Decimal, currency: str, l10n: Localizer) -> str:
    """Return that other actions count a saving or, below zero, a cost of the same seats."""
    money = l10n.money(abs(per_month), currency)
    if per_month < 0:
        return l10n.gettext("{money} a month counted as a cost of other actions").format(money=money)
    return l10n.gettext("{money} a month counted as a saving of other actions").format(money=money)


def seat_texts(
    freed: int,
    assigned: int,
    amounts: Mapping[str, Decimal],
    elsewhere: Mapping[str, Decimal],
    l10n: Localizer,
    *,
    frees: bool,
    undecided: bool = False,
) -> Iterator[str]:
    """Yield the numbers of seats that requests free and assign, and what they save or cost a month by currency.

    `elsewhere` are the amounts that other actions count; `frees` and `undecided` are as for `amount_text`. The price
    of freed seats follows their number.
    """
    own, others = ({name: value for name, value in each.items() if value} for each in (amounts, elsewhere))
    is_price = frees and freed > 0 and bool(own) and min(own.values()) > 0
    if is_price and not assigned:
        saved = others if others and min(others.values()) > 0 else {}
        yield _freed_seats(freed, own, saved, l10n)
        own, others = {}, {} if saved else others
    else:
        yield from _numbers_of_seats(freed, assigned, l10n)
    if is_price and own:
        yield l10n.gettext("on balance worth {money} a month").format(money=_sum(own, l10n))
    else:
        yield from (
            amount_text(value, currency, l10n, frees=frees, undecided=undecided) for currency, value in own.items()
        )
    yield from (elsewhere_text(value, currency, l10n) for currency, value in others.items())


def _freed_seats(freed: int, prices: Mapping[str, Decimal], elsewhere: Mapping[str, Decimal], l10n: Localizer) -> str:
    form = NN_("will free {count} seat worth {money} a month", "will free {count} seats worth {money} a month in total")
    if elsewhere:
        form = NN_(
            "will free {count} seat worth {money} a month, "
            "plus {elsewhere} a month counted as a saving of other actions",
            "will free {count} seats worth {money} a month, "
            "plus {elsewhere} a month counted as a saving of other actions",
        )
    return l10n.ngettext(*form, freed).format(
        count=l10n.number(freed), money=_sum(prices, l10n), elsewhere=_sum(elsewhere, l10n)
    )


def _sum(amounts: Mapping[str, Decimal], l10n: Localizer) -> str:
    return " + ".join(l10n.money(value, currency) for currency, value in amounts.items())


def _numbers_of_seats(freed: int, assigned: int, l10n: Localizer) -> Iterator[str]:
    for count, form in (
        (freed, NN_("will free {count} seat", "will free {count} seats")),
        (assigned, NN_("will assign {count} seat", "will assign {count} seats")),
    ):
        if count:
            yield l10n.ngettext(*form, count).format(count=l10n.number(count))


def amounts_text(actions: Sequence[Action], l10n: Labels) -> str:
    """Return what actions free, save or cost a month, in words; empty if not known or in several currencies.

    For a single action, the amount of its seats that other actions count follows. The sum of several leaves out
    questions whether a smaller product is enough.
    """
    decided = [action for action in actions if len(actions) == 1 or action.kind != ActionKind.DOWNGRADE]
    priced = [(action, action.money) for action in decided if action.money is not None]
    currencies = {money.currency for _, money in priced}
    texts = []
    if len(currencies) == 1:
        total = sum((rounded(money.per_month) for _, money in priced), Decimal())
        texts.append(amount_text(total, currencies.pop(), l10n, frees=all(action.frees for action, _ in priced)))
    if len(actions) == 1 and (elsewhere := actions[0].counted_elsewhere) is not None:
        texts.append(elsewhere_text(elsewhere.per_month, elsewhere.currency, l10n))
    return l10n.joined(texts)
