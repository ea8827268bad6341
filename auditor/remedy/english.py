"""The texts of actions and plans in English, as they are in the code; reports translate them when they are written."""

from datetime import date
from decimal import Decimal
from typing import Final

from auditor.domain.message import fill_template

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


class English:
    """Returns every message untranslated; formats numbers and days without loading the localizations."""

    def gettext(self, message: str, /, **values: object) -> str:
        """Return the message, with its placeholders filled in if there are `values`."""
        return fill_template(message, values) if values else message

    def plural(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        """Return the English form for a count, with `{count}` and `values` filled in."""
        return fill_template(singular if count == 1 else plural, {"count": self.number(count), **values})

    def policy(self, title: str, /) -> str:
        """Return the title unchanged."""
        return title

    def number(self, value: int | None, /) -> str:
        """Return a whole number with thousands separators; a dash for None."""
        return "\u2013" if value is None else f"{value:,}"

    def day(self, day: date, /) -> str:
        """Return a day with the month in letters."""
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def money(self, value: Decimal, currency: str, /) -> str:
        """Return an amount with the number of decimals of its currency (ISO 4217)."""
        from auditor.localization import FALLBACK, localization  # noqa: PLC0415  few audits need it

        return localization(FALLBACK).money(value, currency)


ENGLISH = English()
