"""Formats check names, states and saved values in the language of the reader."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from re import compile as pattern
from typing import Final

from auditor.domain.enums import Change, Outcome, Severity, SourceStatus
from auditor.domain.money import Money
from auditor.domain.translation import N_, NN_
from auditor.guidance.portal_names import state_name
from auditor.localization import Localization, localization

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
SOURCE_STATES: Final[Mapping[SourceStatus, str]] = {
    SourceStatus.COMPLETE: N_("complete"),
    SourceStatus.PARTIAL: N_("partly read"),
    SourceStatus.DENIED: N_("denied"),
    SourceStatus.UNAVAILABLE: N_("unavailable"),
    SourceStatus.NOT_NEEDED: N_("not needed"),
}


_COUNTED: Final[Mapping[Severity, tuple[str, str]]] = {
    Severity.CRITICAL: NN_("{count} critical", "{count} critical"),
    Severity.HIGH: NN_("{count} high", "{count} high"),
    Severity.MEDIUM: NN_("{count} medium", "{count} medium"),
    Severity.LOW: NN_("{count} low", "{count} low"),
    Severity.INFO: NN_("{count} info", "{count} info"),
}


COUNTED_CHANGES: Final[Mapping[str, tuple[str, str]]] = {
    "new": NN_("{count} new", "{count} new"),
    "reopened": NN_("{count} reopened", "{count} reopened"),
    "fixed": NN_("{count} fixed", "{count} fixed"),
}
CHANGED_FINDINGS: Final[Mapping[str, tuple[str, str]]] = {
    "new": NN_("{count} new finding", "{count} new findings"),
    "reopened": NN_("{count} reopened finding", "{count} reopened findings"),
    "fixed": NN_("{count} fixed finding", "{count} fixed findings"),
}
VIOLATIONS: Final = NN_("violation of “{title}”", "violations of “{title}”")
"""Label of findings by the title of their policy, which says what should be the case."""


class Labels(Localization):
    """A localization that also formats what results contain: checks, states, bounds of seats, and dates as text."""

    def __init__(self, locale: str) -> None:
        """Use the requested language, or English if there is no catalogue for it."""
        found = localization(locale)
        super().__init__(
            locale=found.locale,
            number_locale=found.number_locale,
            fallback_from=found.fallback_from,
            translations=found.translations,
        )

    def check(self, check: str) -> str:
        """Return the name of a check; its id if it is unknown, as in a result of another version."""
        from auditor.checks.registry import known_check  # noqa: PLC0415 - imports NumPy and Arrow, which `--help` does not need

        definition = known_check(check)
        return check if definition is None else self.gettext(definition.name)

    def plural_form(self, message: str, count: int) -> str:
        """Return a message in the plural form for `count`, without the number, which is shown separately."""
        return self.plural(message, message, count, count="").strip()

    def severity_name(self, severity: Severity, count: int) -> str:
        """Return a severity in the plural form for `count`, without the number, which is shown separately."""
        return self.plural_form(_COUNTED[severity][0], count)

    def subscription(self, status: object) -> str:
        """Return the state of a subscription; Graph's name if it is unknown, empty if there is none."""
        if not isinstance(status, str):
            return ""
        return state_name(self.gettext, status)

    def signed(self, value: int) -> str:
        """Return an integer that always has a sign."""
        return f"+{self.number(value)}" if value > 0 else self.number(value)

    def bound(self, text: str, *, of_seats: bool = False) -> str:
        """Return a number or percentage of seats in the syntax of policies, formatted for the locale.

        `5%` is a percentage, `{percent: 10, seats: 5}` the larger of the two. With `of_seats`, a percentage is followed
        by "of the seats", for a sentence that also has a number of seats.
        """
        alternatives = _PERCENT_OR_SEATS.fullmatch(text)
        if alternatives is not None:
            share, seats = self._share(alternatives[1], of_seats), self.number(int(alternatives[2]))
            return self.gettext("{share} ({seats} if that is more)", share=share, seats=seats)
        if _SEATS.fullmatch(text):
            return self.number(int(text))
        return _PERCENTAGE.sub(lambda match: self._share(match[1], of_seats), text)

    def _share(self, percent: str, of_seats: bool) -> str:  # noqa: FBT001
        share = self.percent(Decimal(percent) / 100)
        return self.gettext("{share} of the seats", share=share) if of_seats else share

    def spare(self, seats: int | None) -> str:
        """Return a number of spare seats in words, with a dash for None."""
        return self.plural("{count} spare", "{count} spare", seats or 0, count=self.number(seats))

    def amount(self, money: Money | None) -> str:
        """Return an amount of money; empty if it is not known."""
        return "" if money is None else self.money(money.per_month, money.currency)

    def written_day(self, value: object) -> str:
        """Format a date that is given as YYYY-MM-DD; any other value is returned unchanged, as text."""
        try:
            return self.date(date.fromisoformat(str(value)))
        except ValueError:
            return str(value)

    def written_date(self, text: str) -> str:
        """Format the date of an RFC 3339 instant; any other text is returned unchanged."""
        return _formatted_instant(text, self.date)

    def written_instant(self, text: str) -> str:
        """Format an RFC 3339 instant; any other text is returned unchanged."""
        return _formatted_instant(text, self.instant)

    def joined(self, parts: Iterable[str]) -> str:
        """Return parts as a comma-separated list."""
        return ", ".join(parts)


def _formatted_instant(text: str, form: Callable[[datetime], str]) -> str:
    try:
        instant = datetime.fromisoformat(text)
        return text if instant.tzinfo is None else form(instant)
    except (ValueError, OverflowError):  # no instant, or outside of the range of `datetime` in UTC
        return text
