"""The day by which something has to be decided."""

from datetime import date

from msgspec import Struct


class Deadline(Struct, frozen=True, kw_only=True):
    """The last day on which somebody can act, or the day of an event before which they have to."""

    day: date
    included: bool = False
    """Whether it can still be done on that day."""
