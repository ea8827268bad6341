"""The marks in guidance, and the day on which it was last compared with its sources."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Final

from auditor.domain.actions.action import Action

MARKS: Final = re.compile(r"\*\*([^*]+)\*\*|`([^`]+)`")
"""**bold** and `code`, the only two marks of guidance."""


def plain(text: str) -> str:
    """Return guidance without its marks."""
    return MARKS.sub(lambda match: match[1] or match[2], text)


def oldest(actions: Iterable[Action]) -> date | None:
    """Return the oldest day on which the guidance of some actions was checked; None where no action shows one."""
    return min((day for action in actions if (day := _day(action.checked)) is not None), default=None)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:  # a result that was written before actions told it, or by somebody else
        return None
