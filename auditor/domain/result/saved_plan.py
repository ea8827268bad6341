"""Defines the data of plan.json that a verification reads: actions with their requests, findings, the state before."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from msgspec import Struct

from auditor.domain.actions.title import TitleArguments
from auditor.domain.enums import Severity
from auditor.domain.policy.decision import SavedQuestion
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.saved_field import Label, RunInstant, SavedField, TenantName

SCHEMA: Final = "auditor/plan/v1"


class Fact(StrEnum):
    """What a request changes."""

    LICENCE = "license"
    """A product that a person holds directly; the value is the list of disabled plans, or null without the product."""
    PROPERTY = "property"
    MEMBER = "member"
    """Whether a person is a direct member of a group."""
    GROUP_LICENCE = "groupLicense"
    """Whether a group licence assigns a product."""
    SEAT_ERROR = "seatError"
    """Whether a group licence of a person is in error that a retry may end; the key is its product."""


class Expectation(Struct, frozen=True, kw_only=True, gc=False):
    """A fact that a request of a plan changes, with its values before and after."""

    action: int
    """The number of the action in its tenant, from 1."""
    step: int
    """The number of the request in the action, from 1."""
    fact: Fact
    subject: str
    """The id of a person or group."""
    key: str
    """The skuId, the name of the property, or the id of the group."""
    before: Any = None
    after: Any = None
    known: bool = True
    """Whether `before` is known."""


class HoldingChange(Struct, frozen=True, kw_only=True, gc=False):
    """Products that a person stops or starts to hold through an action, over any assignment path."""

    action: int
    user: str
    lost: tuple[str, ...] = ()
    """SkuIds."""
    gained: tuple[str, ...] = ()


def released(changes: Iterable[HoldingChange]) -> Counter[str]:
    """Return the seats that are freed and not assigned again, by skuId."""
    balance: Counter[str] = Counter()
    for change in changes:
        balance.update(change.lost)
        balance.subtract(change.gained)
    return +balance


class SeatPrice(Struct, frozen=True, kw_only=True):
    """What a seat of a product costs a month."""

    sku_id: str
    currency: str
    per_month: Annotated[Decimal, SavedField.EXACT]
    over_assigned: Annotated[int | None, SavedField.OPTIONAL] = None
    """Seats that are assigned beyond the usable ones, for which nothing is paid; None if there are none."""


class SubscriptionSeats(Struct, frozen=True, kw_only=True):
    """A subscription once decisions about seats are carried out."""

    id: str
    total_licenses: int
    """0 if it ends."""
    next_lifecycle_date_time: datetime | None = None


class ContractSeats(Struct, frozen=True, kw_only=True):
    """The seats of a contract of the policies once decisions about seats are agreed."""

    id: str
    seats: int


class DecidedSeats(Struct, frozen=True, kw_only=True):
    """The seats of a product once decisions about purchases and renewals are carried out."""

    action: int | None
    """The number of the action with which a person carries them out, from 1; None if no action is about the product."""
    sku_id: str
    enabled_before: int
    """Graph's `prepaidUnits.enabled` in the snapshot."""
    enabled: int
    """Graph's `prepaidUnits.enabled` afterwards."""
    subscriptions: tuple[SubscriptionSeats, ...]
    """The subscriptions that change."""
    contracts: tuple[ContractSeats, ...]
    decisions: tuple[str, ...]
    """Ids of decisions."""


class PlannedFinding(Struct, frozen=True, kw_only=True):
    """An open finding that a plan is about."""

    fingerprint: str
    policy: str
    check: str
    severity: Severity
    subject: Subject
    product: ProductReference | None = None
    detail: str | None = None


class PlannedAction(Struct, frozen=True, kw_only=True):
    """An action of a plan."""

    id: str
    title: str
    title_arguments: Annotated[TitleArguments | None, SavedField.OPTIONAL] = None
    """None in plans of earlier versions."""
    kind: str = ""
    owner: Label = ""
    findings: tuple[str, ...]
    """Fingerprints."""
    requests: tuple[Mapping[str, Any], ...]


class SavedProof(Struct, frozen=True, kw_only=True):
    """The findings that the requests of a plan were proven to fix."""

    fixed: tuple[str, ...]
    """Fingerprints."""


class SavedStanding(Struct, frozen=True, kw_only=True):
    """The state of a tenant before a plan."""

    open: int | None
    """Number of open findings; None for a tenant without a plan, which could not be audited."""


class SavedTenantPlan(Struct, frozen=True, kw_only=True):
    """The plan of one tenant."""

    name: TenantName
    tenant_id: str
    before: SavedStanding
    actions: tuple[PlannedAction, ...]
    proof: SavedProof
    findings: tuple[PlannedFinding, ...]
    questions: tuple[SavedQuestion, ...] = ()
    expected: Annotated[tuple[Expectation, ...] | None, SavedField.OPTIONAL] = None
    """None in plans of earlier versions."""
    holdings: Annotated[tuple[HoldingChange, ...] | None, SavedField.OPTIONAL] = None
    prices: Annotated[tuple[SeatPrice, ...] | None, SavedField.OPTIONAL] = None
    decided_seats: Annotated[tuple[DecidedSeats, ...] | None, SavedField.OPTIONAL] = None


class SavedPlan(Struct, frozen=True, kw_only=True):
    """A plan.json."""

    as_of: RunInstant
    policy_digest: str
    tenants: tuple[SavedTenantPlan, ...]
    redacted: bool = False
    """Whether people are replaced by pseudonyms, so that nothing can be compared."""
