"""Usage and devices of the demo's users, as in Microsoft's usage reports and in Intune."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from auditor.catalogue.services import services_of
from auditor.demo.people import ConversionContext, Person, assigned_products
from auditor.demo.products import plan_ids
from auditor.domain.enums import Source
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APP_USAGE_COLUMNS, APPS, REPORT_COLUMNS, SERVICE_COLUMNS, app_bits

_REPORT_DELAY: Final = timedelta(days=2)
"""Time from the refresh date of a report to the night on which it is read."""
_FIRST_ROW_DELAY: Final = timedelta(days=4)
"""Time from the creation of an account to its first row in a report."""
_VIVA_ENGAGE_DEPARTMENTS: Final = frozenset({"Head office", "HR", "Marketing"})
"""Departments that use Viva Engage."""
_DESKTOP_SUITES: Final = frozenset({"SPE_E3", "SPE_E5"})
_GIGABYTE: Final = 2**30


def usage_columns(person: Person, context: ConversionContext) -> dict[str, Any]:
    """Return the columns of a user that are read from usage reports and Intune."""
    columns = _devices(person, context)
    if not _has_row(person, context):
        return {**columns, "notCollected": [Source.USAGE.value, Source.COPILOT_USAGE.value]}
    days = {service: _last_activity(person, service, context) for service in _services(person)}
    columns |= {column: days.get(service) for service, column in SERVICE_COLUMNS.items()}
    columns |= _apps(person, max((day for day in days.values() if day), default=None), context)
    columns |= _mailbox(person, exchange="exchange" in days)
    if "copilot" in days:
        return columns | {ACTIVITY_COLUMNS["copilot"]: days["copilot"]}
    return {**columns, "notCollected": [Source.COPILOT_USAGE.value]}


def report_rows(users: Iterable[Mapping[str, Any]], instant: datetime) -> list[dict[str, Any]]:
    """Return the rows of the table `reports`, one for each report and period."""
    user_list = list(users)
    refresh_date = _refresh_date(instant)
    return [
        {
            "source": source.value,
            "period": period,
            "refreshDate": refresh_date,
            "rows": sum(column in user for user in user_list),
        }
        for source, (column, *_) in REPORT_COLUMNS.items()
        for period in (APP_USAGE_COLUMNS if source is Source.APP_USAGE else ("D180",))
    ]


def _refresh_date(instant: datetime) -> date:
    return (instant - _REPORT_DELAY).date()


def _has_row(person: Person, context: ConversionContext) -> bool:
    """Return whether a person is in the reports: with a licence, not a new account, and not a shared mailbox."""
    first_row = context.reference - timedelta(days=person.created) + _FIRST_ROW_DELAY
    return bool(assigned_products(person)) and person.mailbox != "shared" and first_row < context.instant


def _services(person: Person) -> tuple[str, ...]:
    """Return the services of all products of a person, without disabled service plans."""
    return services_of(
        {
            name
            for part, off in assigned_products(person).items()
            if services_of(plan_ids(part))
            for name, plan in plan_ids(part).items()
            if plan not in off
        }
    )


def _last_activity(person: Person, service: str, context: ConversionContext) -> date | None:
    """Return the day of the last activity in a service: as in `person.used`, else that of the last sign-in."""
    if service == "yammer" and person.department not in _VIVA_ENGAGE_DEPARTMENTS:
        return None
    days = person.used.get(service, person.seen)
    return (
        None if days is None else min((context.reference - timedelta(days=days)).date(), _refresh_date(context.instant))
    )


def _apps(person: Person, latest: date | None, context: ConversionContext) -> dict[str, int]:
    """Return the apps used in each period: all apps, on the platforms of the person."""
    platforms = person.platforms or _platforms(person)
    age = None if latest is None else (_refresh_date(context.instant) - latest).days
    used = app_bits(APPS, platforms)
    return {
        column: used if age is not None and age <= int(period.removeprefix("D")) else 0
        for period, column in APP_USAGE_COLUMNS.items()
    }


def _platforms(person: Person) -> tuple[str, ...]:
    if _DESKTOP_SUITES.isdisjoint(assigned_products(person)):
        return ("mobile", "web")
    return ("mac" if person.department == "Marketing" else "windows", "mobile", "web")


def _mailbox(person: Person, *, exchange: bool) -> dict[str, Any]:
    if not exchange or person.mailbox is None:
        return {}
    # Frontline mailboxes have at most two gigabytes, others up to about thirty.
    largest = 30.0 if "SPE_F1" not in assigned_products(person) else 1.8
    size = person.mailbox_size or largest * (0.1 + sha256(person.address.encode()).digest()[1] / 300)
    return {"mailboxStorageUsed": int(size * _GIGABYTE), "mailboxHasArchive": size > 25}


def _devices(person: Person, context: ConversionContext) -> dict[str, Any]:
    """Return one managed computer for people with desktop apps, none for others."""
    if person.seen is None or person.mailbox != "user" or "mobile" in (person.platforms or _platforms(person))[:1]:
        return {"managedDevices": 0}
    synchronised = min(context.reference - timedelta(days=person.seen), context.instant - timedelta(hours=3))
    return {"managedDevices": 1, "managedDeviceLastSyncDateTime": synchronised}
