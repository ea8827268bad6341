"""The markup of guidance texts, and the day on which guidance was last compared with its sources."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from auditor.domain.actions.action import Action

MARKUP: Final = re.compile(r"\*\*([^*]+)\*\*|`([^`]+)`")
"""**bold** and `code`, the only markup in guidance."""


def plain(text: str) -> str:
    """Return guidance without markup."""
    return MARKUP.sub(lambda match: match[1] or match[2], text)


def oldest(actions: Iterable[Action]) -> date | None:
    """Return the oldest day on which the guidance of some actions was checked; None if no action has one."""
    return min((day for action in actions if (day := _day(action.checked)) is not None), default=None)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:  # a result of an earlier version or of another program
        return None
