"""Users of the demo, and their conversion to Graph users."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import UNSET, Struct, UnsetType, field

from auditor.demo.products import identifier, plan_ids, sku_id


class Licence(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An assignment of a product to a user; with an error, the user does not have the product."""

    part: str
    group: str | None = None
    """The group that assigns it; None for a direct assignment."""
    error: str = "None"
    """Graph's error of the assignment; `None`, as text, without error."""
    off: tuple[str, ...] = ()
    """Names of disabled service plans."""


class Person(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account; the defaults describe an employee who signed in yesterday."""

    name: str
    address: str
    """The user principal name before the @; for guests the complete mail address."""
    department: str | None = None
    title: str | None = None
    licences: tuple[Licence, ...] = ()
    country: str = "NL"
    city: str | None = None
    """None for the default city of the country."""
    office: str | None = None
    location: str | UnsetType | None = UNSET
    """The usage location; None if it is missing, UNSET for the country."""
    created: float = 900
    """Age of the account on the demo's night, in days."""
    seen: float | None = 0.6
    """Days from the last sign-in to the demo's night; None for never."""
    enabled: bool = True
    guest: bool = False
    synced: bool = True
    mailbox: str | None = "user"
    kind: str | None = "Employee"
    groups: tuple[str, ...] = ()
    """Groups without a licence."""
    used: Mapping[str, float | None] = field(default_factory=dict)
    """Service → days from its last activity to the demo's night; None for never. The default is the last sign-in."""
    platforms: tuple[str, ...] = ()
    """Platforms on which the person uses apps; empty for the usual platforms of the suite."""
    mailbox_size: float | None = None
    """In gigabytes; None for a generated size."""


class ConversionContext(Struct, frozen=True, kw_only=True):
    """The tenant, company, domain and instants with which users are converted to Graph users."""

    tenant: str
    company: str
    domain: str
    reference: datetime
    """The instant of the current snapshot, from which days are counted."""
    instant: datetime
    """The instant of the snapshot: the reference, or a day before."""
    group_id: Callable[[str], str]


_COUNTRIES = {"NL": "Netherlands", "BE": "Belgium", "DK": "Denmark", "SE": "Sweden", "PL": "Poland"}
_DEFAULT_CITIES = {"NL": "Utrecht", "BE": "Antwerpen", "DK": "København", "SE": "Malmö", "PL": "Poznań"}

_COST_CENTRES = {
    "Head office": ("Corporate", "CC-1000"),
    "Finance": ("Corporate", "CC-1000"),
    "HR": ("Corporate", "CC-1000"),
    "IT": ("Corporate", "CC-2000"),
    "Sales": ("Commercial", "CC-3000"),
    "Marketing": ("Commercial", "CC-3000"),
    "Stores": ("Retail", "CC-4000"),
    "Warehouse": ("Retail", "CC-4500"),
}
"""Department → (division, cost centre)."""


def principal(person: Person, context: ConversionContext) -> str:
    """Return the userPrincipalName."""
    if person.guest:
        return f"{person.address.replace('@', '_')}#EXT#@{context.tenant}.onmicrosoft.com"
    return f"{person.address}@{context.domain}"


def user_id(person: Person, context: ConversionContext) -> str:
    """Return the object id, which is derived from the user principal name only."""
    return identifier("user", principal(person, context))


def graph_user(person: Person, context: ConversionContext) -> dict[str, Any]:
    """Return the user as Graph returns it, including signInActivity and mailbox type."""
    name = principal(person, context)
    mail = person.address if person.guest else name if person.mailbox else None
    return {
        "id": user_id(person, context),
        "userPrincipalName": name,
        "displayName": person.name,
        "mail": mail,
        "accountEnabled": person.enabled,
        "userType": "Guest" if person.guest else "Member",
        "department": person.department,
        "companyName": None if person.guest else context.company,
        "jobTitle": person.title,
        "employeeType": person.kind,
        "country": None if person.guest else _COUNTRIES[person.country],
        "city": None if person.guest else person.city or _DEFAULT_CITIES[person.country],
        "officeLocation": person.office,
        "usageLocation": person.country if person.location is UNSET else person.location,
        "onPremisesSyncEnabled": True if person.synced else None,
        "createdDateTime": context.reference - timedelta(days=person.created),
        "mailboxType": person.mailbox,
        "employeeOrgData": _organisation_data(person),
        "signInActivity": _sign_in_activity(person, context),
        "assignedLicenses": [
            {"skuId": sku_id(part), "disabledPlans": off} for part, off in assigned_products(person).items()
        ],
        "licenseAssignmentStates": [_assignment_state(licence, person, context) for licence in person.licences],
    }


def assigned_products(person: Person) -> dict[str, list[str]]:
    """Return part number → ids of the service plans that all assignments of the product to the person disable."""
    off: dict[str, set[str]] = {}
    for licence in person.licences:
        if licence.error == "None":
            disabled = {plan_ids(licence.part)[plan] for plan in licence.off}
            off[licence.part] = off[licence.part] & disabled if licence.part in off else disabled
    return {part: sorted(plans) for part, plans in off.items()}


def _assignment_state(licence: Licence, person: Person, context: ConversionContext) -> dict[str, Any]:
    return {
        "skuId": sku_id(licence.part),
        "assignedByGroup": None if licence.group is None else context.group_id(licence.group),
        "state": "Active" if licence.error == "None" else "Error",
        "error": licence.error,
        "disabledPlans": [plan_ids(licence.part)[plan] for plan in licence.off],
        "lastUpdatedDateTime": context.reference - timedelta(days=min(40.0, person.created * 0.9)),
    }


def _sign_in_activity(person: Person, context: ConversionContext) -> Mapping[str, Any] | None:
    """Return the three sign-in timestamps; in the previous snapshot, a later sign-in is moved back by whole days."""
    if person.seen is None:
        return None
    latest = context.reference - timedelta(days=person.seen)
    while latest >= context.instant:
        latest -= timedelta(days=1)
    # Phones fetch mail without the user, so that the non-interactive timestamp is the latest.
    interactive = latest - timedelta(minutes=20 + sha256(person.address.encode()).digest()[0])
    return {
        "lastSignInDateTime": interactive,
        "lastNonInteractiveSignInDateTime": latest,
        "lastSuccessfulSignInDateTime": interactive,
    }


def _organisation_data(person: Person) -> Mapping[str, str] | None:
    """Return division and cost centre; retail has a cost centre for each country."""
    division, cost_centre = _COST_CENTRES.get(person.department or "", ("", ""))
    if not cost_centre:
        return None
    full_cost_centre = f"{cost_centre} {person.country}" if division == "Retail" else cost_centre
    return {"division": division, "costCenter": full_cost_centre}
