"""Formats numbers, dates, money, states and check names in the reader's language: the entry point for translation."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from gettext import NullTranslations
from re import compile as pattern
from typing import Final

from auditor.domain.enums import Change, Outcome, Severity, Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.translation import N_
from auditor.guidance.portal_names import state_name
from auditor.localization import localization

_PERCENTAGE: Final = pattern(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_SEATS: Final = pattern("[0-9]{1,9}")
_PERCENT_OR_SEATS: Final = pattern(r"\{percent: ([0-9]{1,3}(?:\.[0-9]{1,6})?)%?, seats: ([0-9]{1,9})\}")

SEVERITIES: Final[Mapping[Severity, str]] = {
    Severity.CRITICAL: N_("critical"),
    Severity.HIGH: N_("high"),
    Severity.MEDIUM: N_("medium"),
    Severity.LOW: N_("low"),
    Severity.INFO: N_("info"),
}
OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.PASS: N_("passed"),
    Outcome.FAIL: N_("failed"),
    Outcome.WAIVED: N_("waived"),
    Outcome.REPORT_ONLY: N_("report-only"),
    Outcome.NOT_EVALUATED: N_("not evaluated"),
}
CHANGES: Final[Mapping[Change, str]] = {
    Change.NEW: N_("new"),
    Change.REOPENED: N_("reopened"),
    Change.UNCHANGED: N_("unchanged"),
}
SOURCES: Final[Mapping[Source, str]] = {
    Source.ORGANIZATION: N_("Organisation"),
    Source.SUBSCRIBED_SKUS: N_("Subscribed products"),
    Source.SUBSCRIPTIONS: N_("Subscriptions"),
    Source.USERS: N_("Users and their licences"),
    Source.SIGN_IN_ACTIVITY: N_("Sign-in activity"),
    Source.MAILBOXES: N_("Mailbox types"),
    Source.GROUPS: N_("Groups"),
    Source.MEMBERS: N_("Group members"),
    Source.USAGE: N_("Usage of services"),
    Source.APP_USAGE: N_("Usage of Microsoft 365 Apps"),
    Source.COPILOT_USAGE: N_("Usage of Microsoft 365 Copilot"),
    Source.MAILBOX_USAGE: N_("Usage of mailboxes"),
    Source.DIRECTORY_ROLES: N_("Directory roles"),
    Source.CONDITIONAL_ACCESS: N_("Conditional Access policies"),
    Source.DEVICES: N_("Managed devices"),
}
SOURCE_STATES: Final[Mapping[SourceStatus, str]] = {
    SourceStatus.COMPLETE: N_("complete"),
    SourceStatus.PARTIAL: N_("partly read"),
    SourceStatus.DENIED: N_("denied"),
    SourceStatus.UNAVAILABLE: N_("unavailable"),
    SourceStatus.NOT_NEEDED: N_("not needed"),
}


class Labels:
    """Formats values in one language: the requested one, or English if there is no catalogue for it."""

    def __init__(self, locale: str) -> None:
        self._l10n = localization(locale)
        self._days: dict[int, str] = {}
        self._sums: dict[tuple[str, str], str] = {}

    @property
    def language(self) -> str:
        """The BCP 47 tag of the language that is used."""
        return self._l10n.locale

    @property
    def fallback_from(self) -> str | None:
        """The requested tag, if English is used because there is no catalogue for it; else None."""
        return self._l10n.fallback_from

    @property
    def translations(self) -> NullTranslations:
        """The message catalogue, for templates."""
        return self._l10n.translations

    def gettext(self, message: str) -> str:
        """Return the translation of a text."""
        return self._l10n.gettext(message)

    def check(self, check: str) -> str:
        """Return the name of a check; its id if it is unknown, as in a result of another version."""
        from auditor.checks.registry import known_check  # noqa: PLC0415 - imports NumPy and Arrow, which `--help` does not need

        definition = known_check(check)
        return check if definition is None else self.gettext(definition.name)

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """Return the translation of a text with a plural form, with `{count}` filled in."""
        return self._l10n.plural(singular, plural, count)

    def plural_form(self, message: str, count: int) -> str:
        """Return a message in the plural form for `count`, without the number, which is shown separately."""
        return self._l10n.ngettext(message, message, count).replace("{count}", "").strip()

    def severity_name(self, severity: Severity, count: int) -> str:
        """Return a severity in the plural form for `count`, without the number, which is shown separately."""
        l10n, formatted = self._l10n, ""
        match severity:
            case Severity.CRITICAL:
                formatted = l10n.ngettext("{count} critical", "{count} critical", count)
            case Severity.HIGH:
                formatted = l10n.ngettext("{count} high", "{count} high", count)
            case Severity.MEDIUM:
                formatted = l10n.ngettext("{count} medium", "{count} medium", count)
            case Severity.LOW:
                formatted = l10n.ngettext("{count} low", "{count} low", count)
            case Severity.INFO:
                formatted = l10n.ngettext("{count} info", "{count} info", count)
        return formatted.replace("{count}", "").strip()

    def subscription(self, status: object) -> str:
        """Return the state of a subscription; Graph's name if it is unknown, empty if there is none."""
        if not isinstance(status, str):
            return ""
        return state_name(self.gettext, status)

    def translate(self, message: Message) -> str:
        """Return the translation of an error, notice or reason; quoted values are not translated."""
        return self._l10n.translate(message)

    def policy(self, text: str) -> str:
        """Return the translated title or rationale of a starter policy; those of other policies are unchanged."""
        return self._l10n.policy(text)

    def number(self, value: int | Decimal | None) -> str:
        """Return a number with thousands separators; a dash for None."""
        return self._l10n.number(value)

    def signed(self, value: int) -> str:
        """Return an integer that always has a sign."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def bound(self, text: str) -> str:
        """Return a number or percentage of seats in the syntax of policies, formatted for the locale.

        `5%` is a percentage, `{percent: 10, seats: 5}` the larger of the two.
        """
        alternatives = _PERCENT_OR_SEATS.fullmatch(text)
        if alternatives is not None:
            formatted = self.gettext("{share} ({seats} if that is more)")
            share, seats = self.percent(alternatives[1]), self.number(int(alternatives[2]))
            return formatted.replace("{share}", share).replace("{seats}", seats)
        if _SEATS.fullmatch(text):
            return self.number(int(text))
        return _PERCENTAGE.sub(lambda match: self.percent(match[1]), text)

    def percent(self, percent: str) -> str:
        """Return a percentage such as `2.5`, with the percent sign as in the locale."""
        return self._l10n.percent(Decimal(percent) / 100)

    def money(self, value: Decimal, currency: str) -> str:
        """Return an amount of money."""
        key = (str(value), currency)
        formatted = self._sums.get(key)
        if formatted is None:
            formatted = self._sums[key] = self._l10n.money(value, currency)
        return formatted

    def sums(self, values: Mapping[str, Decimal]) -> str:
        """Return amounts in several currencies, joined by plus signs."""
        return " + ".join(self.money(value, currency) for currency, value in values.items())

    def date(self, moment: datetime | date) -> str:
        """Return a date; of an instant, the date in UTC."""
        return self._l10n.date(moment)

    def day(self, text: str) -> str:
        """Format a date that is given as YYYY-MM-DD."""
        return self._l10n.date(date.fromisoformat(text))

    def written_day(self, value: object) -> str:
        """Format a date that is given as YYYY-MM-DD; any other value is returned unchanged, as text."""
        try:
            return self.day(str(value))
        except ValueError:
            return str(value)

    def instant(self, moment: datetime) -> str:
        """Return date, hour and minute in UTC."""
        return self._l10n.instant(moment)

    def written_date(self, text: str) -> str:
        """Format the date of an RFC 3339 instant; any other text is returned unchanged."""
        moment = _parse_instant(text)
        if moment is None:
            return text
        # Cached, because hundreds of thousands of sign-ins have only a few hundred different dates.
        try:
            day = (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).toordinal()
        except OverflowError:  # outside of the range of `datetime` in UTC
            return text
        formatted = self._days.get(day)
        if formatted is None:
            formatted = self._days[day] = self._l10n.date(date.fromordinal(day))
        return formatted

    def written_instant(self, text: str) -> str:
        """Format an RFC 3339 instant; any other text is returned unchanged."""
        moment = _parse_instant(text)
        try:
            return text if moment is None else self.instant(moment)
        except OverflowError:
            return text

    def joined(self, parts: Iterable[str]) -> str:
        """Return parts as a comma-separated list."""
        return ", ".join(parts)


def _parse_instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
