"""Annotations of fields whose form in a saved JSON document cannot be derived from their type."""

from datetime import datetime
from enum import Enum, auto
from typing import Annotated


class SavedField(Enum):
    """How a field is written in a saved document; `auditor.result.codec` reads it from the field's type."""

    LABEL = auto()
    """Text for people: null is read as empty text."""
    TENANT_NAME = auto()
    """The name of a tenant, which is used in paths."""
    RUN_INSTANT = auto()
    """An instant from 1970 to 9000, so that days can be added to it."""
    SEAT_SUM = auto()
    """A sum of seat counts, which has a higher bound than a count."""
    EXACT = auto()
    """An amount with all its decimals; other amounts are rounded to cents."""
    OPTIONAL = auto()
    """Left out of the document if it has its default value."""
    UNSAVED = auto()
    """Not part of the document."""


Label = Annotated[str, SavedField.LABEL]
TenantName = Annotated[str, SavedField.TENANT_NAME]
RunInstant = Annotated[datetime, SavedField.RUN_INSTANT]
SeatSum = Annotated[int, SavedField.SEAT_SUM]
