"""Writes when to decide about an action: by the last day on which that is possible, or before the day of an event."""

from auditor.domain.actions.action import Action
from auditor.localization import Localization


def due_text(action: Action, l10n: Localization) -> str:
    """Return when to decide about an action, as part of a line; empty if no date is known."""
    if action.due is None:
        return ""
    day = l10n.date(action.due)
    if action.due_included:
        return l10n.gettext("decide by {date}", date=day)
    return l10n.gettext("decide before {date}", date=day)


def due_sentence(action: Action, l10n: Localization) -> str:
    """Return when to decide about an action, as a sentence; empty if no date is known."""
    if action.due is None:
        return ""
    day = l10n.date(action.due)
    if action.due_included:
        return l10n.gettext("Decide by {day}.", day=day)
    return l10n.gettext("Decide before {day}.", day=day)
