"""Amounts of money into words quickly: Babel shows once for a currency how it writes, the rest is filled in."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from re import search
from typing import Final

from auditor.render.text.labels import Labels

_SHOWN: Final = Decimal("1234567.1212")
_TRIED: Final = tuple(map(Decimal, ("0", "0.01", "9.995", "12.5", "999.99", "1234", "12345.6", "1000000")))
_MOST: Final = Decimal(10) ** 12
"""Amounts from here on are left to Babel, as those below zero are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    before: str
    thousands: str
    point: str
    decimals: int
    after: str

    def said(self, value: Decimal) -> str:
        units = int(value.scaleb(self.decimals).to_integral_value(ROUND_HALF_UP))
        whole, rest = divmod(units, 10**self.decimals)
        part = f"{self.point}{rest:0{self.decimals}d}" if self.decimals else ""
        return f"{self.before}{whole:,}".replace(",", self.thousands) + part + self.after


class Amounts:
    """Says amounts as `Words.money` says them, many thousands of them in a moment."""

    def __init__(self, words: Labels) -> None:
        self._words = words
        self._ways: dict[str, _Way | None] = {}

    def said(self, value: Decimal, currency: str) -> str:
        """Return an amount in words."""
        if currency not in self._ways:
            self._ways[currency] = self._way(currency)
        way = self._ways[currency]
        return self._words.money(value, currency) if way is None or not 0 <= value < _MOST else way.said(value)

    def _way(self, currency: str) -> _Way | None:
        """Return how a currency is written; None where groups or figures follow rules of their own."""
        found = search(r"1(\D*)234(\D*)567(?:(\D)(12\d*))?", self._words.money(_SHOWN, currency))
        if found is None or found[1] != found[2] or "," in found.string[: found.start()]:
            return None
        way = _Way(
            before=found.string[: found.start()],
            thousands=found[1],
            point=found[3] or "",
            decimals=len(found[4] or ""),
            after=found.string[found.end() :],
        )
        return way if all(way.said(value) == self._words.money(value, currency) for value in _TRIED) else None
