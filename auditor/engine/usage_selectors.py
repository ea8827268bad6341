"""Selectors by what Microsoft's reports of usage say: for each user yes, no, or not known."""

from datetime import date
from functools import reduce
from operator import and_
from typing import Final, assert_never

from auditor.domain.enums import Source
from auditor.domain.selector import Agent, AppsUnused, InactiveIn, MailboxArchive, MailboxLargerThan
from auditor.engine.columns.strings import Flags
from auditor.engine.columns.users import NO_ACTIVITY, People
from auditor.engine.skus.masks import Mask
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, REPORT_COLUMNS, SOURCE_OF_COLUMN, app_bits

UsageSelector = InactiveIn | AppsUnused | MailboxLargerThan | MailboxArchive | Agent

_EPOCH: Final = date(1970, 1, 1)
_MAILBOX_SIZE, _MAILBOX_ARCHIVE = REPORT_COLUMNS[Source.MAILBOX_USAGE]


def usage_mask(people: People, selector: UsageSelector) -> Mask:
    """Return who belongs to a population by usage, and for whom that is not known."""
    match selector:
        case InactiveIn(services=services, duration=duration):
            return reduce(and_, (_inactive_in(people, service, duration.days) for service in services))
        case AppsUnused(apps=apps, platforms=platforms, period=period):
            column = APP_USAGE_COLUMNS[period]
            return known_of(people, (people.integers(column, absent=0) & app_bits(apps, platforms)) == 0, column)
        case MailboxLargerThan(size=size):
            return known_of(people, people.integers(_MAILBOX_SIZE, absent=0) > size, _MAILBOX_SIZE)
        case MailboxArchive():
            return known_of(people, people.booleans(_MAILBOX_ARCHIVE)[0], _MAILBOX_ARCHIVE)
        case Agent():
            return known_of(people, people.booleans("agent")[0], "agent")
        case _:
            assert_never(selector)


def known_of(people: People, true: Flags, fact: str) -> Mask:
    """Return the answers of those whose fact was collected; for others it is unknown."""
    unknown = people.unknown(fact)
    if unknown is people.nobody:
        return Mask(true, unknown, sure=True)
    return Mask(true & ~unknown, unknown)


def _inactive_in(people: People, service: str, days: int) -> Mask:
    """No activity in one service, or too long before the day up to which its report knows activity."""
    column = ACTIVITY_COLUMNS[service]
    refreshed = people.facts.refresh_dates.get(SOURCE_OF_COLUMN[column], date.min)
    latest = people.integers(column, absent=NO_ACTIVITY)
    return known_of(people, latest < (refreshed - _EPOCH).days - days, column)
