"""Evaluates selectors on Microsoft's usage reports: for each user true, false or unknown."""

from datetime import date
from functools import reduce
from operator import and_
from typing import Final, assert_never

from auditor.arrays.columns import Flags, flags_of
from auditor.domain.enums import Source
from auditor.domain.policy.selector import (
    APPS,
    PLATFORMS,
    Agent,
    AppsUnused,
    InactiveIn,
    MailboxArchive,
    MailboxLargerThan,
)
from auditor.engine.columns.users import NO_ACTIVITY, UserColumns
from auditor.engine.skus.masks import Mask
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, REPORT_COLUMNS, SOURCE_OF_COLUMN, app_bits

UsageSelector = InactiveIn | AppsUnused | MailboxLargerThan | MailboxArchive | Agent

_APP_BITS: Final = {f"{app}:{platform}": app_bits((app,), (platform,)) for app in APPS for platform in PLATFORMS}
_EPOCH: Final = date(1970, 1, 1)
_MAILBOX_SIZE, _MAILBOX_ARCHIVE = REPORT_COLUMNS[Source.MAILBOX_USAGE]


def usage_mask(people: UserColumns, selector: UsageSelector) -> Mask:
    """Return the users who match a selector on usage, and those for whom that is not known."""
    match selector:
        case InactiveIn(services=services, duration=duration):
            return reduce(and_, (_inactive_in(people, service, duration.days) for service in services))
        case AppsUnused(apps=apps, platforms=platforms, period=period):
            return _apps_unused(people, APP_USAGE_COLUMNS[period], app_bits(apps, platforms))
        case MailboxLargerThan(size=size):
            return known_of(people, people.integers(_MAILBOX_SIZE, absent=0) > size, _MAILBOX_SIZE)
        case MailboxArchive():
            return known_of(people, people.booleans(_MAILBOX_ARCHIVE)[0], _MAILBOX_ARCHIVE)
        case Agent():
            return known_of(people, people.booleans("agent")[0], "agent")
        case _:
            assert_never(selector)


def _apps_unused(people: UserColumns, column: str, apps: int) -> Mask:
    """Return the users who used none of `apps`; unknown if the report lacks an app and no other was used."""
    coverage = people.facts.coverage(Source.APP_USAGE)
    used = people.integers(column, absent=0)
    if column in coverage.asked or not coverage.status.is_read:
        return known_of(people, (used & apps) == 0, column)
    covered = sum(bit for name, bit in _APP_BITS.items() if f"{column}:{name}" in coverage.asked)
    absent = flags_of(people.column(column).is_null())
    unused = (used & apps & covered) == 0
    if apps & ~covered:
        return Mask(people.nobody, unused | absent)
    return Mask(unused & ~absent, absent)


def known_of(people: UserColumns, true: Flags, fact: str) -> Mask:
    """Return the answers; users for whom the fact was not collected are unknown."""
    unknown = people.unknown(fact)
    if unknown is people.nobody:
        return Mask(true, unknown, sure=True)
    return Mask(true & ~unknown, unknown)


def _inactive_in(people: UserColumns, service: str, days: int) -> Mask:
    """Return the users without activity in a service in the last `days` days that its report covers."""
    column = ACTIVITY_COLUMNS[service]
    refreshed = people.facts.refresh_dates.get(SOURCE_OF_COLUMN[column], date.min)
    latest = people.integers(column, absent=NO_ACTIVITY)
    return known_of(people, latest < (refreshed - _EPOCH).days - days, column)
