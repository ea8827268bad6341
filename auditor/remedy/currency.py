"""Formats amounts of money. Importing it loads the localizations, which few audits need."""

import re
from decimal import Decimal
from functools import cache

from auditor.domain.translation import Localizer
from auditor.localization import FALLBACK, Localization, localization


def money_label(value: Decimal, currency: str, l10n: Localizer) -> str:
    """Format an amount of money in the language of `l10n`; in English if `l10n` is not a Localization."""
    return (l10n if isinstance(l10n, Localization) else localization(FALLBACK)).money(value, currency)


def amount_label(amount: str, l10n: Localizer) -> str:
    """Format an amount such as `1200.5 EUR`, as stored in a budget's remedy, in the language of `l10n`."""
    value, _, currency = amount.partition(" ")
    return money_label(Decimal(value), currency, l10n)


def relabelled_money(text: str, l10n: Localizer) -> str:
    """Translate an amount that `money_label` formatted in English; other text is returned unchanged."""
    digits = re.sub(r"[^0-9.]", "", text)
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", digits):
        return text
    value, english = Decimal(digits), localization(FALLBACK)
    candidates = (code for code, sign in _signs(english.number_locale) if sign in text)
    currency = next((code for code in candidates if english.money(value, code) == text), None)
    return text if currency is None else money_label(value, currency, l10n)


@cache
def _signs(figures: str) -> tuple[tuple[str, str], ...]:
    """Return the code and the sign of each currency, sorted by code."""
    from babel.numbers import get_currency_symbol, list_currencies  # noqa: PLC0415  few titles contain an amount

    return tuple((code, get_currency_symbol(code, locale=figures)) for code in sorted(list_currencies()))
