"""The policy language's rules for letter case, globs, instants, durations and identifiers."""

import fnmatch
import re
from datetime import UTC, date, datetime

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)")
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def same(left: str, right: str) -> bool:
    return left.casefold() == right.casefold()


def glob(pattern: str, text: str) -> bool:
    """Whether a shell glob matches the entire text; both are case-folded first, as in every comparison."""
    return fnmatch.fnmatchcase(text.casefold(), pattern.casefold())


def is_glob(name: str) -> bool:
    return any(character in name for character in "*?[")


def is_guid(name: str) -> bool:
    return _GUID.fullmatch(name) is not None


def days(duration: str) -> int:
    """A duration such as `30d` in nanoseconds."""
    assert duration.endswith("d")
    return int(duration[:-1]) * DAY


def _of_day(day: str) -> int:
    return date.fromisoformat(day).toordinal() * DAY


def instant(text: str | None) -> int | None:
    """An RFC 3339 timestamp or a date (midnight UTC) in nanoseconds since the day before year 1; None if empty."""
    if text is None or text == "":
        return None
    stamp = _STAMP.fullmatch(text)
    if stamp is None:
        return _of_day(text)
    day, hour, minute, second, fraction, zone = stamp.groups()
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    if zone not in "Zz":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return _of_day(day) + seconds * SECOND + int(((fraction or "") + "000000000")[:9])


NEVER = instant("0001-01-01T00:00:00Z")


def signed_in(text: str | None) -> int | None:
    """A sign-in time as an instant; absent, empty and year 1 all mean that there was no sign-in."""
    stamp = instant(text)
    return None if stamp == NEVER else stamp


def audit_instant(as_of: datetime) -> int:
    """The audit's instant in the unit of `instant`."""
    utc = as_of.astimezone(UTC)
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second
    return utc.toordinal() * DAY + seconds * SECOND + utc.microsecond * 1000
