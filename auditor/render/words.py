"""Values into the words of a report: numbers, dates, money, states and checks, all through one door for translation."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from gettext import NullTranslations
from types import MappingProxyType
from typing import Final

from auditor.domain.words import Change, Outcome, Severity, Source, SourceStatus
from auditor.render.json_text import amount


def N_(message: str) -> str:  # noqa: N802 - the name that message extractors look for
    """Mark a text for translation where it is kept, not yet where it is said."""
    return message


_SYMBOLS: Final = MappingProxyType({"EUR": "€", "GBP": "£", "USD": "$"})
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SEVERITIES: Final[Mapping[Severity, str]] = MappingProxyType(
    {
        Severity.CRITICAL: N_("critical"),
        Severity.HIGH: N_("high"),
        Severity.MEDIUM: N_("medium"),
        Severity.LOW: N_("low"),
        Severity.INFO: N_("info"),
    }
)
OUTCOMES: Final[Mapping[Outcome, str]] = MappingProxyType(
    {
        Outcome.PASS: N_("passed"),
        Outcome.FAIL: N_("failed"),
        Outcome.WAIVED: N_("waived"),
        Outcome.NOT_EVALUATED: N_("not evaluated"),
    }
)
CHANGES: Final[Mapping[Change, str]] = MappingProxyType(
    {Change.NEW: N_("new"), Change.REOPENED: N_("reopened"), Change.UNCHANGED: N_("unchanged")}
)
SOURCES: Final[Mapping[Source, str]] = MappingProxyType(
    {
        Source.ORGANIZATION: N_("Organisation"),
        Source.SUBSCRIBED_SKUS: N_("Subscribed products"),
        Source.SUBSCRIPTIONS: N_("Subscriptions"),
        Source.USERS: N_("Users and their licences"),
        Source.SIGN_IN_ACTIVITY: N_("Sign-in activity"),
        Source.MAILBOXES: N_("Mailbox types"),
        Source.GROUPS: N_("Groups"),
        Source.MEMBERS: N_("Group members"),
    }
)
SOURCE_STATES: Final[Mapping[SourceStatus, str]] = MappingProxyType(
    {
        SourceStatus.COMPLETE: N_("complete"),
        SourceStatus.PARTIAL: N_("partly read"),
        SourceStatus.DENIED: N_("denied"),
        SourceStatus.UNAVAILABLE: N_("unavailable"),
        SourceStatus.NOT_NEEDED: N_("not needed"),
    }
)
CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "assignment.not-allowed": N_("product not allowed"),
        "assignment.denied": N_("product denied"),
        "assignment.missing": N_("product missing"),
        "assignment.overlap": N_("products that overlap"),
        "assignment.redundant": N_("contained in another product"),
        "assignment.path": N_("assigned on the wrong path"),
        "assignment.duplicate": N_("assigned twice"),
        "assignment.error": N_("assignment in error"),
        "service.missing": N_("service not enabled"),
        "service.denied": N_("service enabled"),
        "seats.over-assigned": N_("over-assigned"),
        "seats.below-minimum": N_("too few spare"),
        "seats.above-maximum": N_("too many spare"),
        "seats.quota-exceeded": N_("quota exceeded"),
        "purchase.not-allowed": N_("purchase not allowed"),
        "purchase.trial": N_("trial"),
        "purchase.unknown": N_("product in no catalogue"),
        "subscription.expiring": N_("ends soon"),
        "subscription.state": N_("state not allowed"),
        "subscription.trial-ending": N_("trial ends soon"),
        "attribute.missing": N_("property missing"),
        "attribute.not-allowed": N_("value not allowed"),
        "group.license-errors": N_("members in error"),
        "group.processing": N_("licences not processed"),
        "balance.imbalance": N_("seats lie in the wrong tenant"),
        "budget.exceeded": N_("budget exceeded"),
    }
)


class Words:
    """Says values in one language; English forms stand until a catalogue is given."""

    def __init__(self, locale: str, translations: NullTranslations | None = None) -> None:
        self.locale = locale
        self._translations = translations or NullTranslations()

    @property
    def language(self) -> str:
        """The BCP 47 tag of what is in fact written: English where no catalogue is given."""
        return "en" if type(self._translations) is NullTranslations else self.locale

    @property
    def translations(self) -> NullTranslations:
        """The catalogue, for templates."""
        return self._translations

    def gettext(self, message: str) -> str:
        """Return the translation of a text."""
        return self._translations.gettext(message)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the translation of a text that counts, with its `{count}` filled in."""
        return self._translations.ngettext(one, many, count).replace("{count}", self.number(count))

    def number(self, value: int | None) -> str:
        """Return a whole number with its thousands apart; a dash for what is not known."""
        return "\u2013" if value is None else f"{value:,}".replace("-", "\u2212")

    def signed(self, value: int) -> str:
        """Return a whole number that always bears its sign."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def money(self, value: Decimal, currency: str) -> str:
        """Return an amount of money with its cents."""
        text = f"{amount(abs(value)):,.2f}"
        symbol = _SYMBOLS.get(currency)
        text = f"{symbol}{text}" if symbol else f"{currency}\u00a0{text}"
        return f"\u2212{text}" if value < 0 else text

    def sums(self, values: Mapping[str, Decimal]) -> str:
        """Return amounts of several currencies, joined."""
        return " + ".join(self.money(value, currency) for currency, value in values.items())

    def date(self, moment: datetime) -> str:
        """Return the day of an instant, in UTC."""
        day = moment.astimezone(UTC)
        return f"{day.day} {self.gettext(_MONTHS[day.month - 1])} {day.year}"

    def instant(self, moment: datetime) -> str:
        """Return a day and minute, in UTC."""
        return f"{self.date(moment)}, {moment.astimezone(UTC):%H:%M} UTC"

    def written_date(self, text: str) -> str:
        """Return the day of an RFC 3339 instant as it is said; any other text as it is."""
        moment = _parsed(text)
        return text if moment is None else self.date(moment)

    def written_instant(self, text: str) -> str:
        """Return an RFC 3339 instant as it is said; any other text as it is."""
        moment = _parsed(text)
        return text if moment is None else self.instant(moment)

    def joined(self, parts: Iterable[str]) -> str:
        """Return parts as a list in one line."""
        return ", ".join(parts)


def _parsed(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
