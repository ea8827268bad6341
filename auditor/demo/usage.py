"""Use and devices of the demo's users, as Microsoft's usage reports and Intune show them."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from auditor.catalogue.services import services_of
from auditor.demo.people import ConversionContext, Person, assigned_products
from auditor.demo.products import plan_ids
from auditor.domain.enums import Source
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, APPS, REPORT_COLUMNS, SERVICE_COLUMNS, app_bits

_DELAY: Final = timedelta(days=2)
"""From the refresh date of a report to the night on which it is read."""
_FIRST_ROW: Final = timedelta(days=4)
"""From the creation of an account to its first row in a report."""
_COMMUNITIES: Final = frozenset({"Head office", "HR", "Marketing"})
"""Departments that use Viva Engage."""
_WITH_DESKTOP_APPS: Final = frozenset({"SPE_E3", "SPE_E5"})
_GIGABYTE: Final = 2**30


def usage_columns(person: Person, context: ConversionContext) -> dict[str, Any]:
    """Return the facts of a user that usage reports and Intune tell, under the names of their columns."""
    columns = _devices(person, context)
    if not _has_row(person, context):
        return {**columns, "notCollected": [Source.USAGE.value, Source.COPILOT_USAGE.value]}
    days = {service: _day(person, service, context) for service in _services(person)}
    columns |= {column: days.get(service) for service, column in SERVICE_COLUMNS.items()}
    columns |= _apps(person, max((day for day in days.values() if day), default=None), context)
    columns |= _mailbox(person, exchange="exchange" in days)
    if "copilot" in days:
        return columns | {ACTIVITY_COLUMNS["copilot"]: days["copilot"]}
    return {**columns, "notCollected": [Source.COPILOT_USAGE.value]}


def report_rows(users: Iterable[Mapping[str, Any]], instant: datetime) -> list[dict[str, Any]]:
    """Return the rows of `reports`: one for each report that was read for the users of a tenant."""
    every = list(users)
    refreshed = _refreshed(instant)
    return [
        {
            "source": source.value,
            "period": period,
            "refreshDate": refreshed,
            "rows": sum(column in user for user in every),
        }
        for source, (column, *_) in REPORT_COLUMNS.items()
        for period in (APP_USAGE_COLUMNS if source is Source.APP_USAGE else ("D180",))
    ]


def _refreshed(instant: datetime) -> date:
    return (instant - _DELAY).date()


def _has_row(person: Person, context: ConversionContext) -> bool:
    """Whether the reports know a person: only people with a licence, some days later, and no shared mailboxes."""
    known_since = context.reference - timedelta(days=person.created) + _FIRST_ROW
    return bool(assigned_products(person)) and person.mailbox != "shared" and known_since < context.instant


def _services(person: Person) -> tuple[str, ...]:
    """Return the services of everything that a person holds, less what is switched off."""
    return services_of(
        {
            name
            for part, off in assigned_products(person).items()
            if services_of(plan_ids(part))
            for name, plan in plan_ids(part).items()
            if plan not in off
        }
    )


def _day(person: Person, service: str, context: ConversionContext) -> date | None:
    """Return the day of the last activity in a service: that of the last sign-in, unless the person says otherwise."""
    if service == "yammer" and person.department not in _COMMUNITIES:
        return None
    days = person.used.get(service, person.seen)
    return None if days is None else min((context.reference - timedelta(days=days)).date(), _refreshed(context.instant))


def _apps(person: Person, latest: date | None, context: ConversionContext) -> dict[str, int]:
    """Return the apps used in each period: all of them on the platforms of the person."""
    platforms = person.platforms or _platforms(person)
    age = None if latest is None else (_refreshed(context.instant) - latest).days
    used = app_bits(APPS, platforms)
    return {
        column: used if age is not None and age <= int(period.removeprefix("D")) else 0
        for period, column in APP_USAGE_COLUMNS.items()
    }


def _platforms(person: Person) -> tuple[str, ...]:
    if _WITH_DESKTOP_APPS.isdisjoint(assigned_products(person)):
        return ("mobile", "web")
    return ("mac" if person.department == "Marketing" else "windows", "mobile", "web")


def _mailbox(person: Person, *, exchange: bool) -> dict[str, Any]:
    if not exchange or person.mailbox is None:
        return {}
    # Frontline mailboxes have two gigabytes at most, the others up to about thirty.
    largest = 30.0 if "SPE_F1" not in assigned_products(person) else 1.8
    size = person.mailbox_size or largest * (0.1 + sha256(person.address.encode()).digest()[1] / 300)
    return {"mailboxStorageUsed": int(size * _GIGABYTE), "mailboxHasArchive": size > 25}


def _devices(person: Person, context: ConversionContext) -> dict[str, Any]:
    """Return one managed computer for everybody who works with desktop apps, none for the others."""
    if person.seen is None or person.mailbox != "user" or "mobile" in (person.platforms or _platforms(person))[:1]:
        return {"managedDevices": 0}
    synchronised = min(context.reference - timedelta(days=person.seen), context.instant - timedelta(hours=3))
    return {"managedDevices": 1, "managedDeviceLastSyncDateTime": synchronised}
