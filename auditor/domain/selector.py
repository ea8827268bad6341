"""Populations as values: the sum type of everything `users:` can say, with names already resolved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """What a file defines under a name, wherever that name is used.

    Names are unique among files that are loaded together, so that equal names are equal populations: comparing them
    never walks through what they stand for, which may use other names many times over.
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
    | MemberOf
    | InactiveFor
    | NeverSignedIn
    | CreatedWithin
    | Every
    | AnyOf
    | Not
    | Population
)

EVERYBODY = Every()


def atoms(selector: Selector) -> tuple[Selector, ...]:
    """Flatten a selector into the tests it is made of, in order of writing; a named population counts once."""
    return tuple(_atoms(selector, set()))


def _atoms(selector: Selector, named: set[str]) -> Iterator[Selector]:
    waiting = [selector]
    while waiting:
        match waiting.pop():
            case Every(parts=parts) | AnyOf(parts=parts):
                waiting.extend(reversed(parts))
            case Not(part=part):
                waiting.append(part)
            case Population(name=name, selector=inner):
                if name not in named:
                    named.add(name)
                    waiting.append(inner)
            case atom:
                yield atom


def entails(selector: Selector, test: Callable[[Selector], bool], known: dict[str, bool] | None = None) -> bool:
    """Tell whether a test holds for everyone of a population, as far as the words of its selector show.

    `test` is asked about single conditions. `known` keeps the answers for named populations.
    """
    known = {} if known is None else known
    match selector:
        case Every(parts=parts):
            return any(entails(part, test, known) for part in parts)
        case AnyOf(parts=parts):
            return bool(parts) and all(entails(part, test, known) for part in parts)
        case Population(name=name, selector=inner):
            if name not in known:
                known[name] = entails(inner, test, known)
            return known[name]
        case _:
            return test(selector)
