"""Values into the words of a report: numbers, dates, money, states and checks, all through one door for translation."""

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

_SHARE: Final = pattern(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")
_SEATS: Final = pattern("[0-9]{1,9}")
_EITHER: Final = pattern(r"\{percent: ([0-9]{1,3}(?:\.[0-9]{1,6})?)%?, seats: ([0-9]{1,9})\}")

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
    """Says values in one language: the wished one, or English where there is no such catalogue."""

    def __init__(self, locale: str) -> None:
        self._l10n = localization(locale)
        self._days: dict[int, str] = {}
        self._sums: dict[tuple[str, str], str] = {}

    @property
    def language(self) -> str:
        """The BCP 47 tag of what is in fact written."""
        return self._l10n.locale

    @property
    def fallback_from(self) -> str | None:
        """The tag that was wished for, where English is written for want of it."""
        return self._l10n.fallback_from

    @property
    def translations(self) -> NullTranslations:
        """The catalogue, for templates."""
        return self._l10n.translations

    def gettext(self, message: str) -> str:
        """Return the translation of a text."""
        return self._l10n.gettext(message)

    def check(self, check: str) -> str:
        """Return the name of a check; its id where a result of another version names one that does not exist here."""
        from auditor.checks.registry import known_check  # noqa: PLC0415 - brings NumPy and Arrow; `--help` needs neither

        definition = known_check(check)
        return check if definition is None else self.gettext(definition.name)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Return the translation of a text that counts, with its `{count}` filled in."""
        return self._l10n.plural(one, many, count)

    def of_count(self, message: str, count: int) -> str:
        """Return a message that counts without its number, which stands apart, in the form that belongs to it."""
        return self._l10n.ngettext(message, message, count).replace("{count}", "").strip()

    def graded(self, severity: Severity, count: int) -> str:
        """Return a severity in the form that belongs to the number of its findings, which stands apart."""
        of, formatted = self._l10n, ""
        match severity:
            case Severity.CRITICAL:
                formatted = of.ngettext("{count} critical", "{count} critical", count)
            case Severity.HIGH:
                formatted = of.ngettext("{count} high", "{count} high", count)
            case Severity.MEDIUM:
                formatted = of.ngettext("{count} medium", "{count} medium", count)
            case Severity.LOW:
                formatted = of.ngettext("{count} low", "{count} low", count)
            case Severity.INFO:
                formatted = of.ngettext("{count} info", "{count} info", count)
        return formatted.replace("{count}", "").strip()

    def subscription(self, status: object) -> str:
        """Return the state of a subscription; Graph's own name where it is a new one, empty where there is none."""
        if not isinstance(status, str):
            return ""
        return state_name(self.gettext, status)

    def translate(self, message: Message) -> str:
        """Return an error, notice or reason; what it quotes stays as it is."""
        return self._l10n.translate(message)

    def policy(self, text: str) -> str:
        """Return the title or the reason of a starter policy; anybody else's stays as it is written."""
        return self._l10n.policy(text)

    def number(self, value: int | None) -> str:
        """Return a whole number with its thousands apart; a dash for what is not known."""
        return self._l10n.number(value)

    def signed(self, value: int) -> str:
        """Return a whole number that always bears its sign."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def bound(self, written: str) -> str:
        """Return a number of seats or a share of them, as a policy writes it, with its percent sign in place.

        `5%` is a share, `{percent: 10, seats: 5}` the larger of two.
        """
        either = _EITHER.fullmatch(written)
        if either is not None:
            formatted = self.gettext("{share} ({seats} if that is more)")
            return formatted.replace("{share}", self.percent(either[1])).replace("{seats}", self.number(int(either[2])))
        if _SEATS.fullmatch(written):
            return self.number(int(written))
        return _SHARE.sub(lambda match: self.percent(match[1]), written)

    def percent(self, percent: str) -> str:
        """Return a share that is written in percent, such as `2.5`, with the sign where the locale has it."""
        return self._l10n.percent(Decimal(percent) / 100)

    def money(self, value: Decimal, currency: str) -> str:
        """Return an amount of money."""
        key = (str(value), currency)
        formatted = self._sums.get(key)
        if formatted is None:
            formatted = self._sums[key] = self._l10n.money(value, currency)
        return formatted

    def sums(self, values: Mapping[str, Decimal]) -> str:
        """Return amounts of several currencies, joined."""
        return " + ".join(self.money(value, currency) for currency, value in values.items())

    def date(self, moment: datetime | date) -> str:
        """Return a day; that of an instant in UTC."""
        return self._l10n.date(moment)

    def day(self, written: str) -> str:
        """Return a day that is written as YYYY-MM-DD."""
        return self._l10n.date(date.fromisoformat(written))

    def written_day(self, written: object) -> str:
        """Return a day that is written as YYYY-MM-DD as it is said; any other value as it is."""
        try:
            return self.day(str(written))
        except ValueError:
            return str(written)

    def instant(self, moment: datetime) -> str:
        """Return a day and minute, in UTC."""
        return self._l10n.instant(moment)

    def written_date(self, text: str) -> str:
        """Return the day of an RFC 3339 instant as it is said; any other text as it is."""
        moment = _parsed(text)
        if moment is None:
            return text
        # Hundreds of thousands of sign-ins fall on a few hundred days.
        try:
            day = (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).toordinal()
        except OverflowError:  # the first or last day of all, somewhere else
            return text
        formatted = self._days.get(day)
        if formatted is None:
            formatted = self._days[day] = self._l10n.date(date.fromordinal(day))
        return formatted

    def written_instant(self, text: str) -> str:
        """Return an RFC 3339 instant as it is said; any other text as it is."""
        moment = _parsed(text)
        try:
            return text if moment is None else self.instant(moment)
        except OverflowError:
            return text

    def joined(self, parts: Iterable[str]) -> str:
        """Return parts as a list in one line."""
        return ", ".join(parts)


def _parsed(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
