"""Populations as values: the sum type of everything `users:` can say, with names already resolved."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from auditor.domain.product_set import ProductSet

Scalar = str | bool | datetime
Signal = Literal["any", "successful", "interactive"]

TEXT_PROPERTIES = (
    "id",
    "userPrincipalName",
    "displayName",
    "mail",
    "userType",
    "department",
    "companyName",
    "jobTitle",
    "employeeType",
    "country",
    "city",
    "officeLocation",
    "usageLocation",
    "mailboxType",
    *(f"extensionAttribute{number}" for number in range(1, 16)),
)
BOOLEAN_PROPERTIES = ("accountEnabled", "onPremisesSyncEnabled")
INSTANT_PROPERTIES = ("createdDateTime",)
USER_PROPERTIES = (*TEXT_PROPERTIES, *BOOLEAN_PROPERTIES, *INSTANT_PROPERTIES)

ABSENT_READS_AS: dict[str, str | bool] = {"userType": "Member", "onPremisesSyncEnabled": False}
"""Documented defaults of absent properties (policy language, section 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf:
    """The property equals one of the values; `None` among them stands for absent or empty."""

    property: str
    values: tuple[Scalar | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The text property matches a shell glob, letter case aside."""

    property: str
    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The instant lies before the moment, the moment itself excluded."""

    property: str
    moment: datetime | timedelta
    """An instant in UTC, or a span of time before the audit's instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """The instant lies after the moment, the moment itself excluded."""

    property: str
    moment: datetime | timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The user has at least one SKU of the set in `assignedLicenses`."""

    products: ProductSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Licensed:
    """The user has any SKU at all in `assignedLicenses`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOf:
    """The user is a member of one of the groups, each named by id or display name."""

    groups: tuple[str, ...]
    transitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InactiveFor:
    """The latest known sign-in is longer ago than this; no recorded sign-in at all is not inactivity."""

    duration: timedelta
    signal: Signal = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverSignedIn:
    """No sign-in is recorded and the account is at least this old; no creation date counts as older."""

    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedWithin:
    """The account was created no longer ago than this."""

    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """All parts hold; with no part, everybody."""

    parts: tuple["Selector", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Selector", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """The part does not hold."""

    part: "Selector"


Selector = (
    OneOf
    | Matches
    | Before
    | After
    | Holds
    | Licensed
    | MemberOf
    | InactiveFor
    | NeverSignedIn
    | CreatedWithin
    | Every
    | AnyOf
    | Not
)

EVERYBODY = Every()


def atoms(selector: Selector) -> tuple[Selector, ...]:
    """Flatten a selector into the tests it is made of, in order of writing."""
    match selector:
        case Every(parts=parts) | AnyOf(parts=parts):
            return tuple(atom for part in parts for atom in atoms(part))
        case Not(part=part):
            return atoms(part)
        case _:
            return (selector,)
