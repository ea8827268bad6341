"""Amounts of money as a language writes them; it imports the languages, which few audits need."""

from decimal import Decimal

from auditor.remedy.messages import Words
from auditor.wording import FALLBACK, Wording, wording


def money_label(value: Decimal, currency: str, words: Words) -> str:
    """Return an amount of money as the language writes it, in English where `words` are of no known language."""
    return (words if isinstance(words, Wording) else wording(FALLBACK)).money(value, currency)


def amount_label(amount: str, words: Words) -> str:
    """Return an amount such as `1200.5 EUR`, as a budget's remedy carries it, as the language writes it."""
    value, _, currency = amount.partition(" ")
    return money_label(Decimal(value), currency, words)
