"""Formats amounts of money; imports the languages, which few audits need."""

import re
from decimal import Decimal
from functools import cache

from auditor.localization import FALLBACK, Localization, localization
from auditor.remedy.messages import Localizer


def money_label(value: Decimal, currency: str, l10n: Localizer) -> str:
    """Return an amount of money as the language writes it, in English where `l10n` is of no known language."""
    return (l10n if isinstance(l10n, Localization) else localization(FALLBACK)).money(value, currency)


def amount_label(amount: str, l10n: Localizer) -> str:
    """Return an amount such as `1200.5 EUR`, as a budget's remedy carries it, as the language writes it."""
    value, _, currency = amount.partition(" ")
    return money_label(Decimal(value), currency, l10n)


def relabelled_money(text: str, l10n: Localizer) -> str:
    """Return an amount that `money_label` wrote in English as another language writes it; other text stays."""
    digits = re.sub(r"[^0-9.]", "", text)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", digits):
        return text
    value, english = Decimal(digits), localization(FALLBACK)
    known = (each for each, sign in _signs(english.figures) if sign in text)
    currency = next((each for each in known if english.money(value, each) == text), None)
    return text if currency is None else money_label(value, currency, l10n)


@cache
def _signs(figures: str) -> tuple[tuple[str, str], ...]:
    """Return the code of each currency with the sign that its amounts have, sorted by code."""
    from babel.numbers import get_currency_symbol, list_currencies  # noqa: PLC0415  only few titles name an amount

    return tuple((code, get_currency_symbol(code, locale=figures)) for code in sorted(list_currencies()))
