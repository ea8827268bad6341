"""Formats amounts of money. Importing it loads the localizations, which few audits need."""

from decimal import Decimal

from auditor.domain.translation import Localizer
from auditor.localization import FALLBACK, Localization, localization


def money_label(value: Decimal, currency: str, l10n: Localizer) -> str:
    """Format an amount of money in the language of `l10n`; in English if `l10n` is not a Localization."""
    return (l10n if isinstance(l10n, Localization) else localization(FALLBACK)).money(value, currency)
