"""Writes when to decide about an action: by the last day on which that is possible, or before the day of an event."""

from typing import Final

from auditor.domain.actions.action import Action
from auditor.domain.translation import N_
from auditor.localization import Localization

_TEXTS: Final = (N_("decide by {date}"), N_("decide before {date}"))
_SENTENCES: Final = (N_("Decide by {date}."), N_("Decide before {date}."))


def due_text(action: Action, l10n: Localization) -> str:
    """Return when to decide about an action, as part of a line; empty if no date is known."""
    return _dated(_TEXTS, action, l10n)


def due_sentence(action: Action, l10n: Localization) -> str:
    """Return when to decide about an action, as a sentence; empty if no date is known."""
    return _dated(_SENTENCES, action, l10n)


def _dated(forms: tuple[str, str], action: Action, l10n: Localization) -> str:
    if action.due is None:
        return ""
    last_day, event = forms
    return l10n.gettext(last_day if action.due_included else event, date=l10n.date(action.due))
