"""Selectors as values: the sum type of everything `users:` can express, with names resolved."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from auditor.domain.policy.product_set import ProductSet

Scalar = str | bool | datetime
Signal = Literal["any", "successful", "interactive"]
RoleAssignment = Literal["active", "eligible", "any"]
ELIGIBLE: Final = {"active": (False,), "eligible": (True,), "any": (False, True)}
"""Whether the assignments that a selector matches are eligible, not active."""

NESTED_PROPERTIES = {
    "employeeOrgData": ("costCenter", "division"),
    "onPremisesExtensionAttributes": tuple(f"extensionAttribute{number}" for number in range(1, 16)),
}
"""Object of Graph's users → its nested properties, which policies and snapshots name without the object."""
GRAPH_PROPERTIES = {name: outer for outer, names in NESTED_PROPERTIES.items() for name in names}
"""Nested property → the object that contains it, which a request has to select."""

TEXT_PROPERTIES = (
    "id",
    "userPrincipalName",
    "displayName",
    "mail",
    "userType",
    "department",
    "companyName",
    *NESTED_PROPERTIES["employeeOrgData"],
    "jobTitle",
    "employeeType",
    "country",
    "city",
    "officeLocation",
    "usageLocation",
    "mailboxType",
    *NESTED_PROPERTIES["onPremisesExtensionAttributes"],
)
BOOLEAN_PROPERTIES = ("accountEnabled", "onPremisesSyncEnabled")
INSTANT_PROPERTIES = ("createdDateTime",)
USER_PROPERTIES = (*TEXT_PROPERTIES, *BOOLEAN_PROPERTIES, *INSTANT_PROPERTIES)

SERVICES = ("exchange", "onedrive", "sharepoint", "skype", "yammer", "teams", "copilot")
"""Services whose last activity is in a report: `copilot` in the source `copilotUsage`, all others in `usage`."""
EVERY_SERVICE = ("exchange", "onedrive", "sharepoint", "yammer", "teams")
"""The services that `'*'` stands for in `inactiveIn`."""
APPS = ("outlook", "word", "excel", "powerpoint", "onenote", "teams")
PLATFORMS = ("windows", "mac", "mobile", "web")

ABSENT_READS_AS: dict[str, str | bool] = {"userType": "Member", "onPremisesSyncEnabled": False}
"""Documented defaults of absent properties (policy language, section 2)."""


class OneOf(Struct, frozen=True, kw_only=True):
    """The property equals one of the values; `None` means absent or empty."""

    property: str
    values: tuple[Scalar | None, ...]


class Matches(Struct, frozen=True, kw_only=True):
    """The text property matches a shell glob, ignoring case."""

    property: str
    pattern: str


class Before(Struct, frozen=True, kw_only=True):
    """The instant is strictly before the bound."""

    property: str
    bound: datetime | timedelta
    """An instant in UTC, or a span of time before the audit's instant."""


class After(Struct, frozen=True, kw_only=True):
    """The instant is strictly after the bound."""

    property: str
    bound: datetime | timedelta


class Holds(Struct, frozen=True, kw_only=True):
    """The user has at least one SKU of the set in `assignedLicenses`."""

    products: ProductSet


class Licensed(Struct, frozen=True, kw_only=True):
    """The user has any SKU at all in `assignedLicenses`."""


class HeldFor(Struct, frozen=True, kw_only=True):
    """The user holds a SKU of the set whose active paths all last changed at least this long ago."""

    products: ProductSet
    duration: timedelta


class LicensedVia(Struct, frozen=True, kw_only=True):
    """The user has an active path of this kind for any SKU."""

    path: Literal["group", "direct"]


class ManagedDevice(Struct, frozen=True, kw_only=True):
    """The user has a device managed by Intune; if a duration is given, one that synchronised within it."""

    seen_within: timedelta | None = None


class MemberOf(Struct, frozen=True, kw_only=True):
    """The user is a member of one of the groups, each named by id or display name."""

    groups: tuple[str, ...]
    transitive: bool = False


class InactiveFor(Struct, frozen=True, kw_only=True):
    """The latest known sign-in is longer ago than this. No recorded sign-in is not inactivity."""

    duration: timedelta
    signal: Signal = "any"


class NeverSignedIn(Struct, frozen=True, kw_only=True):
    """No sign-in is recorded and the account is at least this old; a missing creation date counts as older."""

    duration: timedelta


class InactiveIn(Struct, frozen=True, kw_only=True):
    """In each service, no activity is recorded, or the last one is more than this before the report's refresh date."""

    services: tuple[str, ...]
    """Members of SERVICES."""
    duration: timedelta


class AppsUnused(Struct, frozen=True, kw_only=True):
    """None of the apps was used on any of the platforms in the period of the report."""

    apps: tuple[str, ...] = APPS
    platforms: tuple[str, ...] = PLATFORMS
    period: str
    """`D7`, `D30`, `D90` or `D180`."""


class MailboxLargerThan(Struct, frozen=True, kw_only=True):
    """The mailbox takes more than this many bytes."""

    size: int


class MailboxArchive(Struct, frozen=True, kw_only=True):
    """The mailbox has an archive."""


class Agent(Struct, frozen=True, kw_only=True):
    """The directory object is the user of an agent."""


class CreatedWithin(Struct, frozen=True, kw_only=True):
    """The account was created within this span."""

    duration: timedelta


class HasRole(Struct, frozen=True, kw_only=True):
    """The user has one of the directory roles, themselves or as a direct member of a group."""

    roles: tuple[str, ...] | None = None
    """Names or template ids; None is any role."""
    assigned: RoleAssignment = "active"
    privileged: bool = False
    """Whether only roles that Microsoft labels as privileged count."""


class CoveredBy(Struct, frozen=True, kw_only=True):
    """At least one enabled Conditional Access policy includes the user and does not exclude them."""

    conditional_access: Literal["any", "risk"] = "any"
    """`risk`: only policies with levels of user risk or sign-in risk count."""


class Every(Struct, frozen=True, kw_only=True):
    """All parts hold; without parts, everybody matches."""

    parts: tuple["Selector", ...] = ()


class AnyOf(Struct, frozen=True, kw_only=True):
    """At least one part holds."""

    parts: tuple["Selector", ...]


class Not(Struct, frozen=True, kw_only=True):
    """The part does not hold."""

    part: "Selector"


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """A named selector, shared by all uses of the name.

    Names are unique among files that are loaded together, so populations are compared by name. Comparing their
    selectors could take exponential time, since they may refer to each other repeatedly.
    """

    name: str
    selector: "Selector" = field(compare=False, repr=False)


Selector = (
    OneOf
    | Matches
    | Before
    | After
    | Holds
    | Licensed
    | HeldFor
    | LicensedVia
    | ManagedDevice
    | MemberOf
    | InactiveFor
    | NeverSignedIn
    | InactiveIn
    | AppsUnused
    | MailboxLargerThan
    | MailboxArchive
    | Agent
    | CreatedWithin
    | HasRole
    | CoveredBy
    | Every
    | AnyOf
    | Not
    | Population
)

EVERYBODY = Every()


def atoms(selector: Selector, *, negated: bool = True) -> tuple[Selector, ...]:
    """Return the elementary conditions of a selector in the order of the file; a named population is visited once.

    Without `negated`, those under `not` are left out.
    """
    found: list[Selector] = []
    visited: set[str] = set()
    stack = [selector]
    while stack:
        match stack.pop():
            case Every(parts=parts) | AnyOf(parts=parts):
                stack.extend(reversed(parts))
            case Not(part=part):
                stack += [part] if negated else []
            case Population(name=name, selector=inner):
                if name not in visited:
                    visited.add(name)
                    stack.append(inner)
            case atom:
                found.append(atom)
    return tuple(found)


def entails(selector: Selector, test: Callable[[Selector], bool], cache: dict[str, bool] | None = None) -> bool:
    """Return whether a test holds for everyone in a population, as far as its selector implies it.

    `test` is called with elementary conditions. `cache` stores the results of named populations.
    """
    cache = {} if cache is None else cache
    match selector:
        case Every(parts=parts):
            return any(entails(part, test, cache) for part in parts)
        case AnyOf(parts=parts):
            return bool(parts) and all(entails(part, test, cache) for part in parts)
        case Population(name=name, selector=inner):
            if name not in cache:
                cache[name] = entails(inner, test, cache)
            return cache[name]
        case _:
            return test(selector)
