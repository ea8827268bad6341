"""Describes actions in words: what they free, save or cost a month, when to decide, and which policies they fix."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.domain.money import rounded, sum_by_currency
from auditor.domain.translation import N_, NN_, Localizer
from auditor.localization import Localization

_TEXTS: Final = (N_("decide by {date}"), N_("decide before {date}"))
_SENTENCES: Final = (N_("Decide by {date}."), N_("Decide before {date}."))
_MAX_TITLES: Final = 3
"""The maximum number of titles; the others are counted."""


def amount_text(per_month: Decimal, currency: str, l10n: Localizer, *, frees: bool, undecided: bool = False) -> str:
    """Return what an action saves a month; a negative amount is a cost.

    With `frees`, the amount is the price of seats that are free for other people and are paid for until they are
    removed; without, it is saved. An `undecided` amount depends on decisions.
    """
    money = l10n.money(abs(per_month), currency)
    if per_month < 0:
        text = N_("possible cost: {money} a month") if undecided else N_("cost: {money} a month")
    elif frees:
        text = N_("will free seats worth {money} a month")
    else:
        text = N_("possible saving: {money} a month") if undecided else N_("saving: {money} a month")
    return l10n.gettext(text, money=money)


def elsewhere_text(per_month: Decimal, currency: str, l10n: Localizer) -> str:
    """Return that other actions count a saving or, below zero, a cost of the same seats."""
    money = l10n.money(abs(per_month), currency)
    if per_month < 0:
        return l10n.gettext("cost counted in other actions: {money} a month", money=money)
    return l10n.gettext("saving counted in other actions: {money} a month", money=money)


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
    of freed seats, with what other actions count of it, follows their number.
    """
    own, others = ({name: value for name, value in each.items() if value} for each in (amounts, elsewhere))
    saved = others if min(others.values(), default=Decimal()) >= 0 else {}
    is_price = frees and freed > 0 and min(own.values(), default=Decimal()) >= 0
    price = sum_by_currency((own, saved)) if is_price else {}
    if price and not assigned:
        yield _with_saved(_freed_seats(freed, price, l10n), own, saved, l10n)
    else:
        yield from _numbers_of_seats(freed, assigned, l10n)
        if price:
            text = l10n.gettext("on balance worth {money} a month", money=_sum(price, l10n))
            yield _with_saved(text, own, saved, l10n)
        else:
            yield from (
                amount_text(value, currency, l10n, frees=frees, undecided=undecided) for currency, value in own.items()
            )
    if not price or not saved:
        yield from (elsewhere_text(value, currency, l10n) for currency, value in others.items())


def _with_saved(text: str, own: Mapping[str, Decimal], saved: Mapping[str, Decimal], l10n: Localizer) -> str:
    """Return a text about the price of freed seats, followed by what other actions count of it, if anything."""
    if not saved:
        return text
    if not own:
        return l10n.gettext("{text} (counted in other actions)", text=text)
    return l10n.gettext("{text} ({money} of it counted in other actions)", text=text, money=_sum(saved, l10n))


def _freed_seats(freed: int, price: Mapping[str, Decimal], l10n: Localizer) -> str:
    form = NN_("will free {count} seat worth {money} a month", "will free {count} seats worth {money} a month in total")
    return l10n.plural(*form, freed, money=_sum(price, l10n))


def _sum(amounts: Mapping[str, Decimal], l10n: Localizer) -> str:
    return " + ".join(l10n.money(value, currency) for currency, value in amounts.items())


def _numbers_of_seats(freed: int, assigned: int, l10n: Localizer) -> Iterator[str]:
    for count, form in (
        (freed, NN_("will free {count} seat", "will free {count} seats")),
        (assigned, NN_("will assign {count} seat", "will assign {count} seats")),
    ):
        if count:
            yield l10n.plural(*form, count)


def amounts_text(actions: Sequence[Action], l10n: Localization) -> str:
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
    return ", ".join(texts)


def reasons(action: Action, why: str, l10n: Localization) -> tuple[str, ...]:
    """Return what one of the most important actions saves or costs, when to decide, and why it is important."""
    return tuple(filter(None, (amounts_text((action,), l10n), due_text(action, l10n), why)))


def due_text(action: Action, l10n: Localization) -> str:
    """Return when to decide about an action, as part of a line; empty if no date is known."""
    return _dated(_TEXTS, action, l10n)


def due_sentence(action: Action, l10n: Localization) -> str:
    """Return when to decide about an action, as a sentence; empty if no date is known."""
    return _dated(_SENTENCES, action, l10n)


def _dated(forms: tuple[str, str], action: Action, l10n: Localization) -> str:
    if action.due is None:
        return ""
    last_day, event = forms
    return l10n.gettext(last_day if action.due_included else event, date=l10n.date(action.due))


def policies_line(titles: Iterable[str], l10n: Localization) -> str:
    """Return the first few titles as in "Policies: A; B; and 2 more"; empty without titles."""
    distinct = [*dict.fromkeys(titles)]
    if not distinct:
        return ""
    others = len(distinct) - _MAX_TITLES
    listed = [*distinct[:_MAX_TITLES], *([l10n.more(others)] if others > 0 else ())]
    return l10n.plural("Policy: {titles}", "Policies: {titles}", len(distinct), titles="; ".join(listed))
