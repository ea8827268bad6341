"""Chooses the language of texts, and formats numbers, money and dates in it."""

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from gettext import NullTranslations
from re import fullmatch, sub
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from auditor.domain.message import Message
from auditor.localization import catalogues

if TYPE_CHECKING:
    from babel.core import Locale

FALLBACK: Final = "en"
"""The language of the messages themselves."""
_HOME: Final = {"en": "en_GB"}
"""Whose figures a language without a territory takes: the program writes British English."""
_TAG: Final = r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|[0-9]{3}))?(?:[-_][A-Za-z0-9_-]+)?"
_UNKNOWN: Final = "\u2013"
_GROUPED: Final = 1000
"""From here on numbers have their thousands apart."""

_Day = date


class Localization(Struct, frozen=True, kw_only=True):
    """Says messages and values in one language, and only in that one."""

    locale: str
    """The BCP 47 tag of what is written, such as `nl` or `nl-BE`."""
    figures: str
    """Babel's name of the locale whose numbers, money and dates are written; its language is that of `locale`."""
    fallback_from: str | None
    """The tag that was asked for, where it is no language of ours and English is written instead."""
    translations: NullTranslations

    @property
    def language(self) -> str:
        """The language of `locale` without its territory."""
        return self.locale.partition("-")[0]

    def gettext(self, message: str, /) -> str:
        """Return the translation of a message; the empty text stays empty, it is the header's key in a catalogue."""
        return self.translations.gettext(message) if message else ""

    def ngettext(self, singular: str, plural: str, count: int, /) -> str:
        """Return the translation of the form that belongs to a count, its `{count}` not filled in."""
        return self.translations.ngettext(singular, plural, count)

    def plural(self, singular: str, plural: str, count: int) -> str:
        """Return a message that counts, with its `{count}` filled in."""
        return self.ngettext(singular, plural, count).replace("{count}", self.number(count))

    def translate(self, message: Message) -> str:
        """Return an error, notice or reason; what it quotes stays as it is, and days are in the language's form."""
        return message.translated(self.gettext, self.date)

    def policy(self, text: str) -> str:
        """Return the title or the reason of a starter policy; anybody else's words stay as they are written."""
        if self.language == FALLBACK or not text:
            return text
        return catalogues.policies(self.language).gettext(text)

    def number(self, value: int | None) -> str:
        """Return a whole number with its thousands apart; a dash for what is not known."""
        if value is None:
            return _UNKNOWN
        if -_GROUPED < value < _GROUPED:
            return _minus(str(value))  # the same in every language, without a wait for CLDR
        from babel.numbers import format_decimal  # noqa: PLC0415

        return _minus(format_decimal(value, locale=self._babel()))

    def percent(self, share: Decimal) -> str:
        """Return a share, 1 being all of it, in percent with at most one decimal."""
        from babel.numbers import format_percent  # noqa: PLC0415

        rounded = (share * 100).quantize(Decimal("0.1"), ROUND_HALF_UP).normalize() / 100
        return _minus(format_percent(rounded, locale=self._babel(), decimal_quantization=False))

    def money(self, value: Decimal, currency: str) -> str:
        """Return an amount with the decimals that its currency (ISO 4217) has."""
        from babel.numbers import format_currency, get_currency_precision  # noqa: PLC0415

        # Half a cent goes away from zero, as in every other output; what rounds to nothing has no sign.
        rounded = value.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), ROUND_HALF_UP) + 0
        text = format_currency(abs(rounded) if rounded == 0 else rounded, currency, locale=self._babel())
        # CLDR's currency spacing, which Babel leaves out: a code of letters does not touch its number.
        return _minus(sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", text))

    def date(self, moment: datetime | date) -> str:
        """Return a day; that of an instant in UTC."""
        from babel.dates import format_date  # noqa: PLC0415

        day = moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment
        return format_date(day, format="medium", locale=self._babel())

    def day(self, moment: _Day) -> str:
        """Return a day as sentences write it, with the month in letters."""
        from babel.dates import format_date  # noqa: PLC0415

        return format_date(moment, format="long", locale=self._babel())

    def instant(self, moment: datetime) -> str:
        """Return a day and minute, in UTC."""
        from babel.dates import format_time  # noqa: PLC0415

        utc = moment.astimezone(UTC)
        return f"{self.date(utc)}, {format_time(utc.time(), format='short', locale=self._babel())} UTC"

    def _babel(self) -> "Locale":
        return _locale(self.figures)


def languages() -> tuple[str, ...]:
    """Return the languages in which everything can be said, English first."""
    return (FALLBACK, *catalogues.languages())


def localization(locale: str | None, *, environment_locale: str | None = None) -> Localization:
    """Return the words for a wished locale (`nl`, `nl-BE`, `nl_NL.UTF-8`), else for the environment's, else English.

    The first of the two that is given decides. Where it is no language of ours the whole is English, and
    `fallback_from` keeps what was wished. The `C` and `POSIX` locales wish nothing.
    """
    wished = next((tag for tag in (_cleaned(locale), _cleaned(environment_locale)) if tag), None)
    if wished is None:
        return _english(None)
    parts = fullmatch(_TAG, wished)
    language = parts[1].lower() if parts is not None else ""
    if language == FALLBACK and parts is not None:
        return _said(FALLBACK, parts[3], NullTranslations())
    if parts is None or not catalogues.is_complete(language):
        return _english(wished)
    return _said(language, parts[3], catalogues.translations(language))


def _cleaned(tag: str | None) -> str:
    """Return a tag without the encoding and modifier of POSIX (`nl_NL.UTF-8@euro`); empty where it wishes nothing."""
    bare = sub(r"(?<=\w)(?:\.[\w-]+)?(?:@\w+)?\Z", "", (tag or "").strip())
    return "" if bare in {"C", "POSIX"} else bare


def _english(wished: str | None) -> Localization:
    return Localization(locale=FALLBACK, figures=_HOME[FALLBACK], fallback_from=wished, translations=NullTranslations())


def _said(language: str, territory: str | None, messages: NullTranslations) -> Localization:
    home = _HOME.get(language, language)
    wanted = f"{language}_{territory.upper()}" if territory else home
    supported = not territory or _known(wanted)
    return Localization(
        locale=wanted.replace("_", "-") if territory and supported else language,
        figures=wanted if supported else home,
        fallback_from=None,
        translations=messages,
    )


def _known(name: str) -> bool:
    from babel.localedata import exists  # noqa: PLC0415

    return exists(name)


@cache
def _locale(name: str) -> "Locale":
    from babel.core import Locale  # noqa: PLC0415

    return Locale.parse(name)


def _minus(text: str) -> str:
    """Return figures whose minus is one; CLDR has a hyphen in most locales."""
    return text.replace("-", "\u2212")
