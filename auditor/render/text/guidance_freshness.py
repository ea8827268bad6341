"""When the guidance that a report shows was last held against its sources."""

from collections.abc import Iterable
from datetime import date

from auditor.domain.result.model import Action


def oldest(actions: Iterable[Action]) -> date | None:
    """Return the oldest day on which the guidance of some actions was checked; None where no action shows one."""
    return min((day for action in actions if (day := _day(action.checked)) is not None), default=None)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:  # a result that was written before actions told it, or by somebody else
        return None
