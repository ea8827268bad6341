"""Chooses the language of texts, and formats numbers, money and dates in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, lru_cache
from gettext import NullTranslations
from re import fullmatch, sub
from typing import TYPE_CHECKING, Final

from auditor.domain.message import Count, Formatted, Message, fill_template
from auditor.domain.money import Money
from auditor.domain.translation import NN_
from auditor.localization import catalogues

if TYPE_CHECKING:
    from babel.core import Locale

FALLBACK: Final = "en"
"""The language of the messages themselves."""
_DEFAULT_LOCALES: Final = {"en": "en_GB"}
"""Locale for numbers, money and dates of a language without territory; the program writes British English."""
_TAG: Final = r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_][A-Za-z0-9_-]+)?"
_DASH: Final = "\u2013"
_MIN_GROUPED: Final = 1000
"""Smallest number with a thousands separator."""

_Day = date


@dataclass(frozen=True, slots=True, kw_only=True)  # not a Struct, whose subclasses cannot have another `__init__`
class Localization:
    """Translates messages and formats values in one language."""

    locale: str
    """The BCP 47 tag of the output, such as `nl` or `nl-BE`."""
    number_locale: str
    """Babel's name of the locale for numbers, money and dates; its language is that of `locale`."""
    fallback_from: str | None
    """The requested tag, if it has no catalogues and English is used instead; else None."""
    translations: NullTranslations

    @property
    def language(self) -> str:
        """The language of `locale` without its territory."""
        return self.locale.partition("-")[0]

    def gettext(self, message: str, /, **values: object) -> str:
        """Return the translation of a message, with its placeholders filled in at once if there are `values`.

        The empty text, which is the key of the header, stays empty.
        """
        text = self.translations.gettext(message) if message else ""
        return fill_template(text, values) if values else text

    def plural(self, singular: str, plural: str, count: int, /, **values: object) -> str:
        """Return the translated plural form for a count, with `{count}` and `values` filled in at once."""
        text = self.translations.ngettext(singular, plural, count)
        return fill_template(text, {"count": self.number(count), **values})

    def more(self, count: int, /, *, file: str = "") -> str:
        """Return how many items a shortened list omits, and the file that contains them, if there is one."""
        if file:
            return self.plural("{count} more in {file}", "{count} more in {file}", count, file=file)
        return self.plural("and {count} more", "and {count} more", count)

    def more_in_reports(self, count: int, /) -> str:
        """Return how many items of a list are only in the reports."""
        return self.plural("{count} more in the reports", "{count} more in the reports", count)

    def first_of(self, texts: Sequence[str], limit: int, /, *, total: int | None = None) -> str:
        """Return the first `limit` texts as a list, and how many others there are, of `total` if that is given."""
        return self._first(texts, limit, total, NN_("{names} and {count} more", "{names} and {count} more"))

    def first_people(self, names: Sequence[str], limit: int, /, *, total: int | None = None) -> str:
        """Return the first `limit` names of people as a list, and how many others there are, as `first_of` does."""
        return self._first(names, limit, total, NN_("{names} and {count} other", "{names} and {count} others"))

    def _first(self, texts: Sequence[str], limit: int, total: int | None, forms: tuple[str, str]) -> str:
        listed = ", ".join(texts[:limit])
        others = (len(texts) if total is None else total) - len(texts[:limit])
        return listed if others <= 0 else self.plural(*forms, others, names=listed)

    def translate(self, message: Message) -> str:
        """Return a translated error, notice or reason; of its values, only days, amounts and counts are formatted."""
        return message.translated(self.gettext, self._shown)

    def policy(self, text: str, /) -> str:
        """Return the translated title or rationale of a starter policy, and texts of other policies unchanged."""
        if self.language == FALLBACK or not text:
            return text
        return catalogues.policies(self.language).gettext(text)

    def number(self, value: int | Decimal | None) -> str:
        """Return a number with thousands separators; a dash for None."""
        if value is None:
            return _DASH
        if isinstance(value, int) and -_MIN_GROUPED < value < _MIN_GROUPED:
            return _minus(str(value))  # the same in every language; CLDR is slow to load
        from babel.numbers import format_decimal  # noqa: PLC0415

        return _minus(format_decimal(value, locale=self._babel()))

    def percent(self, share: Decimal) -> str:
        """Return a share in percent with at most one decimal; 1 is 100 %."""
        from babel.numbers import format_percent  # noqa: PLC0415

        rounded = (share * 100).quantize(Decimal("0.1"), ROUND_HALF_UP).normalize() / 100
        return _minus(format_percent(rounded, locale=self._babel(), decimal_quantization=False))

    def money(self, value: Decimal, currency: str) -> str:
        """Return an amount with the number of decimals of its currency (ISO 4217)."""
        return _money(value, currency, self.number_locale)

    def sums(self, values: Mapping[str, Decimal]) -> str:
        """Return amounts in several currencies, joined by plus signs."""
        return " + ".join(self.money(value, currency) for currency, value in values.items())

    def date(self, day: datetime | date) -> str:
        """Return a day in the medium form; an instant is converted to UTC."""
        return _day(day.astimezone(UTC).date() if isinstance(day, datetime) else day, self.number_locale)

    def day(self, day: _Day) -> str:
        """Return a day in the long form for sentences, with the month in letters."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(day, format="long", locale=self._babel())

    def instant(self, instant: datetime) -> str:
        """Return a day and time in UTC, without seconds."""
        from babel.dates import format_time  # noqa: PLC0415

        utc = instant.astimezone(UTC)
        return f"{self.date(utc)}, {format_time(utc.time(), format='short', locale=self._babel())} UTC"

    def _shown(self, value: Formatted) -> str:
        if isinstance(value, Count):
            return self.number(int(value))
        return self.money(value.per_month, value.currency) if isinstance(value, Money) else self.date(value)

    def _babel(self) -> "Locale":
        return _locale(self.number_locale)


def languages() -> tuple[str, ...]:
    """Return English and the languages with complete catalogues."""
    return (FALLBACK, *catalogues.languages())


def localization(locale: str | None) -> Localization:
    """Return the Localization of a locale (`nl`, `nl-BE`, `nl_NL.UTF-8`); English for None, `C` and `POSIX`.

    If its language has no complete catalogues, the localization is English, with the requested tag in `fallback_from`.
    """
    requested = _without_suffix(locale)
    parts = fullmatch(_TAG, requested)
    language, territory = (parts[1].lower(), parts[3]) if parts is not None else ("", None)
    if language == FALLBACK:
        return _localization(FALLBACK, territory, NullTranslations())
    if not language or not catalogues.is_complete(language):
        return _localization(FALLBACK, None, NullTranslations(), fallback_from=requested or None)
    return _localization(language, territory, catalogues.translations(language))


def _without_suffix(tag: str | None) -> str:
    """Return a tag without POSIX encoding and modifier (`nl_NL.UTF-8@euro`); empty for `C` and `POSIX`."""
    stripped = sub(r"(?<=\w)(?:\.[\w-]+)?(?:@\w+)?\Z", "", (tag or "").strip())
    return "" if stripped in {"C", "POSIX"} else stripped


def _localization(
    language: str, territory: str | None, messages: NullTranslations, *, fallback_from: str | None = None
) -> Localization:
    default = _DEFAULT_LOCALES.get(language, language)
    name = f"{language}_{territory.upper()}" if territory else default
    is_supported = not territory or _is_supported(name)
    return Localization(
        locale=name.replace("_", "-") if territory and is_supported else language,
        number_locale=name if is_supported else default,
        fallback_from=fallback_from,
        translations=messages,
    )


def _is_supported(name: str) -> bool:
    from babel.localedata import exists  # noqa: PLC0415

    return exists(name)


# Cached, because hundreds of thousands of findings have only a few hundred different days and amounts.
@lru_cache(maxsize=4096)
def _day(day: date, locale: str) -> str:
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(day, format="medium", locale=_locale(locale))


@lru_cache(maxsize=4096)
def _money(value: Decimal, currency: str, locale: str) -> str:
    from babel.numbers import format_currency, get_currency_precision  # noqa: PLC0415

    # Half a cent is rounded away from zero, as in every other output; zero has no sign.
    rounded = value.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), ROUND_HALF_UP) + 0
    text = format_currency(abs(rounded) if rounded == 0 else rounded, currency, locale=_locale(locale))
    # CLDR's currency spacing, which Babel does not implement: a space between a currency code and its number.
    return _minus(sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", text))


@cache
def _locale(name: str) -> "Locale":
    from babel.core import Locale  # noqa: PLC0415

    return Locale.parse(name)


def _minus(text: str) -> str:
    """Replace hyphens by minus signs: most locales of CLDR use a hyphen for negative numbers."""
    return text.replace("-", "\u2212")
