"""What names, instants and numbers of saved files may be: they become parts of paths, and are calculated with."""

import re
from datetime import UTC, datetime
from typing import Any, Final

TENANT: Final = re.compile(r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\Z)[a-z0-9-]{1,63}")
"""The name of a tenant, which is a part of paths: no device of Windows, which has its name in every folder."""
TENANT_WORDS: Final = "write 1 to 63 lower-case letters, digits and hyphens, and no device name of Windows such as con"
"""What mends the name of a tenant."""
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The earliest instant of a run, a snapshot or a night."""
END: Final = datetime(9001, 1, 1, tzinfo=UTC)
"""The instant before which a run, a snapshot or a night lies: what is added to it stays in the calendar."""
LARGEST: Final = 1 << 53
"""Numbers up to which every reader of JSON agrees on each whole number."""
LARGEST_SUM: Final = 8 * LARGEST
"""Numbers up to which a sum or difference of a few of these may go, as of the seats of one product."""


def tenant_name(value: Any) -> str:
    """Return the name of a tenant; raises ValueError for anything else."""
    if not isinstance(value, str) or not TENANT.fullmatch(value):
        raise ValueError(
            f"the tenant's name: {str(value)[:80]!r} is not of 1 to 63 lower-case letters, digits and hyphens"
        )
    return value


def run_instant(value: Any) -> datetime:
    """Return the instant of a run, a snapshot or a night; raises ValueError without a zone or outside 1970 to 9000."""
    if not isinstance(value, str):
        raise ValueError(f"an instant: {str(value)[:80]!r} is no text")  # noqa: TRY004 (one kind of error for all)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"the instant {value!r} has no zone")
    if not FIRST <= moment < END:
        raise ValueError(f"the instant {value!r} is outside of the years 1970 to 9000")
    return moment


def count(value: Any) -> int:
    """Return a whole number of at most 2^53 either way; raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int) or not -LARGEST <= value <= LARGEST:
        raise ValueError(f"a whole number: {str(value)[:80]!r} stands in its place")
    return value
