"""Converts names from data to file names that cannot lead to another folder."""

import re
from datetime import UTC, datetime
from typing import Final

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.syntax.limits import TENANT, TENANT_WORDS

_PART: Final = re.compile(r"[A-Za-z0-9_@+=,-][A-Za-z0-9._@+=,-]{0,254}")
"""A file or folder name without separators, colons, spaces, control characters and a leading dot."""
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
"""Names of Windows devices, which are reserved in every folder and with every extension."""
_MAX_QUOTED: Final = 80
"""Characters of a name that a message quotes."""


def tenant_name(name: str) -> str:
    """Return the name of a tenant, checked for use as a file name.

    Raises SnapshotError for anything but 1 to 63 lower-case ASCII letters, digits and hyphens, and for Windows devices.
    """
    if TENANT.fullmatch(name) is None:
        raise SnapshotError(
            "output-name",
            Message("{name} cannot be the name of a tenant's files", name=_quoted(name)),
            hint=TENANT_WORDS,
        )
    return name


def is_device(name: str) -> bool:
    """Return whether Windows reserves a file name for a device."""
    return _RESERVED.fullmatch(name) is not None


def object_parts(name: str) -> tuple[str, ...]:
    """Split the name of a store object, a relative path with slashes; the first of several parts is a tenant.

    Raises SnapshotError for a name that is absolute, leaves its folder, or names different files on different systems.
    """
    parts = tuple(name.split("/"))
    if not all(_PART.fullmatch(part) and not part.endswith(".") and not is_device(part) for part in parts):
        raise SnapshotError(
            "output-name",
            Message("{name} cannot be the name of an object in a store", name=_quoted(name)),
            hint=Message(
                "check where this snapshot, result or store comes from: this program does not write such names"
            ),
        )
    if len(parts) > 1:
        tenant_name(parts[0])
    return parts


def name_of_instant(instant: datetime) -> str:
    """Format an instant for a file name: RFC 3339 in UTC without colons, which Windows does not allow."""
    utc = instant.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H%M%S") + (f".{utc.microsecond:06}Z" if utc.microsecond else "Z")


def instant_of(name: str) -> datetime:
    """Parse the instant at the start of the last part of a path; inverts `name_of_instant`. Raises ValueError."""
    text = name.rpartition("/")[2].partition("Z")[0]
    return datetime.strptime(text, "%Y-%m-%dT%H%M%S.%f" if "." in text else "%Y-%m-%dT%H%M%S").replace(tzinfo=UTC)


def _quoted(name: str) -> str:
    return repr(name if len(name) <= _MAX_QUOTED else f"{name[:_MAX_QUOTED]}…")
