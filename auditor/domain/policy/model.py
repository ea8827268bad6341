"""Policies as values: a population and one constraint block, waivers and prices, each with its source location."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.errors import Span
from auditor.domain.message import Message
from auditor.domain.policy.prices import Contract, Prices
from auditor.domain.policy.product_set import EVERY_PRODUCT, PAID_PRODUCTS, ProductSet
from auditor.domain.policy.selector import EVERYBODY, Scalar, Selector


class Services(Struct, frozen=True, kw_only=True):
    """Service plans that must, or must not, be enabled in any product of a user; names as written."""

    require: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class Assignments(Struct, frozen=True, kw_only=True):
    """What each user of the population may hold, must hold, and how it must be assigned."""

    of: ProductSet = EVERY_PRODUCT
    allow: ProductSet | None = None
    deny: ProductSet | None = None
    require: tuple[ProductSet, ...] = ()
    exclusive: tuple[tuple[ProductSet, ...], ...] = ()
    redundant: bool = False
    """Whether a SKU contained in another held SKU is reported."""
    via: Literal["group", "direct"] | None = None
    duplicates: bool = False
    """Whether a SKU held over two or more paths is reported."""
    services: Services = Services()
    downgrade_to: ProductSet | None = None
    """Smaller products: the cheapest one that keeps what a person uses is proposed instead of a larger product."""


class Bound(Struct, frozen=True, kw_only=True):
    """A number of seats and a share of usable seats; the larger one applies."""

    seats: int = 0
    percent: Fraction = Fraction(0)
    written: str = ""

    def seats_of(self, usable: int) -> Fraction:
        """Return the bound in seats for a number of usable seats, as an exact fraction."""
        return max(Fraction(self.seats), self.percent * usable / 100)


class Seats(Struct, frozen=True, kw_only=True):
    """Limits on the spare seats of each SKU, on the people who hold or need a seat, and on the seats bought."""

    of: ProductSet = PAID_PRODUCTS
    minimum: Bound | None = None
    maximum: Bound | None = None
    quota: Bound | None = None
    """Maximum number of people of the population who hold it (`assigned.max`); a share is of the consumed units."""
    purchased: int | None = None
    """The maximum of enabled, warning and suspended units together (`purchased.max`)."""
    covers: bool = False
    """Whether the pool must have a usable seat for everyone in the population (`covers: users`)."""
    pool: bool = False
    count_grace_units: bool = True

    @property
    def limits_spare(self) -> bool:
        """Whether it evaluates spare seats; False if it sets only a quota, a cap or coverage."""
        other_limit = self.quota is not None or self.purchased is not None or self.covers
        return not other_limit or self.minimum is not None or self.maximum is not None

    def usable(self, enabled: int | None, warning: int | None) -> int | None:
        """Return the usable seats: enabled ones, and those in their grace period unless `graceUnits: ignore`.

        None if one of the numbers is unknown.
        """
        return None if enabled is None or warning is None else enabled + (warning if self.count_grace_units else 0)


class Purchases(Struct, frozen=True, kw_only=True):
    """The SKUs of which the tenant may own usable seats."""

    allow: ProductSet | None = None
    deny: ProductSet | None = None
    trials: bool = False
    unknown: bool = False


class Subscriptions(Struct, frozen=True, kw_only=True):
    """The states and dates of subscriptions that are reported."""

    of: ProductSet = EVERY_PRODUCT
    expiring: timedelta | None = None
    idle: Bound | None = None
    """Minimum number of spare seats of a SKU whose expiring subscriptions are reported (`expiring.idle.min`)."""
    except_monthly: bool = False
    """Whether subscriptions that are known to renew every month are left out (`expiring.exceptTerm`)."""
    states: tuple[str, ...] = ()
    trials_ending: timedelta | None = None


class Attributes(Struct, frozen=True, kw_only=True):
    """The properties that users must have, and the values that are allowed."""

    require: tuple[str, ...] = ()
    allow: tuple[tuple[str, tuple[Scalar, ...]], ...] = ()


class Health(Struct, frozen=True, kw_only=True):
    """Whether assignment errors of users and faults of licensed groups are reported."""

    errors: bool = False
    groups: bool = False
    nested: bool = False
    """Whether a licensed group may have no groups among its direct members."""
    paused: bool = False
    """Whether the rule of a licensed dynamic group must be processed."""
    empty: bool = False
    """Whether a licensed group must have members."""


class Balance(Struct, frozen=True, kw_only=True):
    """Spare seats evaluated per SKU over all tenants of the run."""

    of: ProductSet = PAID_PRODUCTS
    minimum: Bound | None = None
    maximum: Bound | None = None


class Contracts(Struct, frozen=True, kw_only=True):
    """What is reported about contracts: different seats, days to give notice, ends, products without a contract."""

    match: bool = False
    notice: timedelta | None = None
    ending: timedelta | None = None
    missing: bool = False


class Budget(Struct, frozen=True, kw_only=True):
    """The maximum cost of usable seats per month, in the currency of the price list."""

    limit: Decimal


Constraint = Assignments | Seats | Purchases | Subscriptions | Attributes | Health | Balance | Budget | Contracts


class Reference(Struct, frozen=True, kw_only=True):
    """A page that explains a policy."""

    title: str
    url: str
    """Begins with `https://`."""


class Policy(Struct, frozen=True, kw_only=True):
    """One rule: a population and one constraint block."""

    id: str
    severity: Severity
    constraint: Constraint
    span: Span
    """Location of the policy in its file."""
    title: str = ""
    rationale: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    frameworks: tuple[str, ...] = ()
    """Controls of standards that a finding violates."""
    report_only: bool = False
    """Whether its findings are shown but do not count (`status: report-only`)."""
    tenants: tuple[str, ...] | None = None
    """The tenants it evaluates; None for every tenant."""
    users: Selector = EVERYBODY
    spec: Mapping[str, Any] = field(default_factory=dict)
    """The policy as loaded, in plain values."""

    def applies_to(self, tenant: str) -> bool:
        """Whether the policy evaluates the tenant."""
        return self.tenants is None or tenant in self.tenants


class Waiver(Struct, frozen=True, kw_only=True):
    """An approved, dated exception."""

    id: str
    policies: tuple[str, ...] | None
    """Policy ids; None for every policy (`'*'`)."""
    reason: str
    owner: str
    expires: date
    """The last day, in UTC, on which it applies."""
    span: Span
    users: Selector | None = None
    products: ProductSet | None = None
    tenants: tuple[str, ...] | None = None

    def covers(self, policy: str) -> bool:
        """Whether the waiver applies to the policy."""
        return self.policies is None or policy in self.policies

    def applies_to(self, tenant: str) -> bool:
        """Whether the waiver applies to the tenant."""
        return self.tenants is None or tenant in self.tenants

    @property
    def expired_message(self) -> Message:
        """The message about it after its last day."""
        values = {"waiver": self.id, "owner": self.owner, "day": self.expires}
        return Message("the waiver {waiver} ({owner}) applied until {day}: its findings are open again", **values)


MentionKind = Literal["product", "service", "role", "pattern"]


class Mention(Struct, frozen=True, kw_only=True):
    """A product, service, role or pattern of part numbers in a file, and the tenants in which it must exist."""

    kind: MentionKind
    name: str
    tenants: tuple[str, ...] | None = None
    fleet: bool = False
    """Whether a `balance` policy names it, so that it need not exist in any particular tenant."""


class PolicySet(Struct, frozen=True, kw_only=True):
    """Everything that was loaded together: policies, waivers and contracts in order of id, and the price list."""

    policies: tuple[Policy, ...]
    waivers: tuple[Waiver, ...] = ()
    prices: Prices | None = None
    contracts: tuple[Contract, ...] = ()
    currency: str | None = None
    """Currency of the price list and of all contracts; None if nothing has a price."""
    free: tuple[ProductSet, ...] = ()
    """Additions of the files to the built-in set `free`."""
    definitions: Mapping[str, Any] = field(default_factory=dict)
    """Named sets, populations, waivers and prices as loaded, in plain values; merging results needs them."""
    mentions: tuple[Mention, ...] = ()
    digest: str = ""
    """`sha256:` over the loaded content; the order and names of files do not matter."""

    @property
    def enabled(self) -> "PolicySet":
        """The set without report-only policies, on which actions, plans and completeness depend."""
        return replace(self, policies=tuple(policy for policy in self.policies if not policy.report_only))
