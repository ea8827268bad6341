"""Limits on names, instants and numbers in saved files, which are used in paths and calculations."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from auditor.domain.message import Message

TENANT: Final = re.compile(r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\Z)[a-z0-9-]{1,63}")
"""Pattern of a tenant name, which is used in paths; reserved device names of Windows are excluded."""
TENANT_WORDS: Final = Message(
    "write 1 to 63 lower-case letters, digits and hyphens, and no device name of Windows such as con"
)
"""Hint for an invalid tenant name."""
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest instant of a run, a snapshot or a night."""
END: Final = datetime(9001, 1, 1, tzinfo=UTC)
"""The exclusive upper bound of the instant of a run, a snapshot or a night, so that days can be added to it."""
LARGEST: Final = 1 << 53
"""The largest integer that every JSON reader represents exactly."""
LARGEST_SUM: Final = 8 * LARGEST
"""The bound for sums and differences of such numbers, such as the seats of one product."""


def tenant_name(value: Any) -> str:
    """Return a valid tenant name; raises ValueError otherwise."""
    if not isinstance(value, str) or not TENANT.fullmatch(value):
        raise ValueError(
            f"the tenant's name: {str(value)[:80]!r} is not of 1 to 63 lower-case letters, digits and hyphens"
        )
    return value


def run_instant(value: Any) -> datetime:
    """Return the instant of a run, a snapshot or a night; raises ValueError without a zone or outside 1970 to 9000."""
    if not isinstance(value, str):
        raise ValueError(f"an instant: {str(value)[:80]!r} is no text")  # noqa: TRY004 (one kind of error for all)
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(f"the instant {value!r} has no zone")
    if not FIRST <= instant < END:
        raise ValueError(f"the instant {value!r} is outside of the years 1970 to 9000")
    return instant


def count(value: Any) -> int:
    """Return an integer between -2^53 and 2^53; raises ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{str(value)[:80]!r} must be a whole number from -2^53 to 2^53")
    return value


def checked_amount(value: Decimal) -> Decimal:
    """Return an amount of at most 2^53 in magnitude with at most 30 decimals; raises ValueError otherwise."""
    # An exponent of a billion is short to write and has a billion digits when formatted.
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or not -30 <= exponent <= 18 or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"{str(value)[:57]} stands in place of an amount")
    return value
