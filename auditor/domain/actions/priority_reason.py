"""Words the reason for the rank of an action in one line."""

from datetime import date
from typing import Protocol

from auditor.domain.actions.priority import Reason, Weight


class _Localizer(Protocol):
    def gettext(self, message: str, /) -> str: ...

    def ngettext(self, singular: str, plural: str, number: int, /) -> str: ...


def why(l10n: _Localizer, reason: Reason, weight: Weight, today: date) -> str:
    """Return the reason: what the action is first in, otherwise its severity, saving and days left."""
    left = -1 if weight.due is None else (weight.due - today).days
    match reason:
        case Reason.BOTH:
            return l10n.gettext("The largest saving with a date in the next 90 days, and the nearest deadline.")
        case Reason.SAVING:
            return l10n.gettext("The largest saving with a date in the next 90 days.")
        case Reason.DEADLINE:
            text = l10n.ngettext(
                "The nearest deadline: {count} day left.", "The nearest deadline: {count} days left.", left
            )
        case Reason.WEIGHT if left >= 0 and weight.saves > 0:
            text = l10n.ngettext(
                "Severity: {severity}; it saves money; {count} day left.",
                "Severity: {severity}; it saves money; {count} days left.",
                left,
            )
        case Reason.WEIGHT if left >= 0:
            text = l10n.ngettext(
                "Severity: {severity}; {count} day left.", "Severity: {severity}; {count} days left.", left
            )
        case Reason.WEIGHT if weight.saves > 0:
            text = l10n.gettext("Severity: {severity}; it saves money.")
        case _:
            text = l10n.gettext("Severity: {severity}.")
    return text.replace("{count}", str(left)).replace("{severity}", l10n.gettext(weight.severity.value))
