"""The next date of a subscription, night by night, and whether it moves by a month."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final

DatedNight = tuple[datetime, date]
"""The instant of a night, and the next date of a subscription in that night."""
EarlierDates = Mapping[str, Sequence[DatedNight]]
"""Id of a subscription → its next date in each earlier night."""
_DAYS_OF_MONTH: Final = range(27, 32)


def moved_by_a_month(nights: Iterable[DatedNight]) -> bool:
    """Return whether a date moved by 27 to 31 days between two nights."""
    dates = [day for day, _ in groupby(day for _, day in sorted(set(nights)))]
    return any((later - day).days in _DAYS_OF_MONTH for index, day in enumerate(dates) for later in dates[index:])
