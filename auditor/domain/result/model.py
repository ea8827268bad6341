"""The outcome of an audit as values: findings, outcomes, seats, notices, actions, tenants, the run."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Struct, field

from auditor.domain.actions.action import Action
from auditor.domain.actions.money import Money
from auditor.domain.enums import Agreement, Cloud, Outcome, Severity, Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.model import Reference
from auditor.domain.result.finding import Finding, Findings, NoFindings, SourceLine
from auditor.domain.result.seat_usage import DepartmentReport, SeatCoverage, SmallerProductCount, UsageReport
from auditor.domain.result.verification import TenantVerification
from auditor.domain.saved_field import Label, RunInstant, SavedField, SeatSum, TenantName


class Notice(Struct, frozen=True, kw_only=True):
    """Information that is not a finding, such as an expiring waiver or an unknown name."""

    code: str
    message: Message
    subject: Label


class PolicyOutcome(Struct, frozen=True, kw_only=True):
    """What a policy came to in one tenant."""

    id: str
    status: Outcome
    findings: int
    """How many findings it raised, waived ones included."""
    reason: Message | None = None
    """Why it was not evaluated, in words."""
    missing: tuple[str, ...] = ()
    """The facts that were missing: sources or properties."""
    judged: int | None = None
    """How many people, products, subscriptions or groups it looked at; None where that is not known."""
    report_only: Annotated[bool | None, SavedField.OPTIONAL] = None
    """True for a policy that is report-only: that it was not evaluated leaves the audit complete. Else None."""

    @property
    def unknown(self) -> bool:
        """Whether it was not evaluated, and so makes the audit incomplete."""
        return self.status is Outcome.NOT_EVALUATED and not self.report_only


class Coverage(Struct, frozen=True, kw_only=True):
    """How much of one source was read, when, and why not all of it."""

    name: Source
    status: SourceStatus
    count: int = 0
    read_at: str | None = None
    """RFC 3339, UTC; None when nothing was read."""
    reason: Message | None = None
    """Why it is not complete, with what to do about it."""
    asked: tuple[str, ...] = ()
    """The properties asked for, in Graph's names."""


class SeatBounds(Struct, frozen=True, kw_only=True):
    """How many seats of one SKU a policy wants spare, with percentages converted to whole seats."""

    policy: str
    usable: SeatSum
    """Usable seats as the policy counts them: without those in their grace period where it ignores them."""
    minimum: int | None
    """The fewest spare seats that keep it; None where it has no lower bound."""
    maximum: int | None


class SeatCount(Struct, frozen=True, kw_only=True):
    """The seats of one SKU of a tenant; a number Graph did not give is None."""

    sku_id: str
    sku_part_number: Label
    name: Label
    applies_to: str = "User"
    capability_status: str | None
    enabled: int | None
    warning: int | None
    suspended: int | None
    locked_out: int | None
    consumed: int | None
    usable: SeatSum | None
    spare: SeatSum | None
    bounds: tuple[SeatBounds, ...] = ()
    """Of every policy that evaluates its spare seats and has a bound, whether it is kept or not."""


class Subscription(Struct, frozen=True, kw_only=True):
    """A purchase of one SKU that has a next date, whether a finding is about it or not."""

    id: str
    sku_id: Label
    sku_part_number: Label
    name: Label
    status: str | None
    is_trial: bool | None
    total_licenses: int | None
    """Seats bought; None where Graph did not say."""
    next_lifecycle_date_time: datetime
    """When it renews, or falls into its next state."""


class ContractTerm(Struct, frozen=True, kw_only=True):
    """A contract of the tenant with its dates."""

    id: str
    name: Label
    """The product's name, or the set as the contract writes it."""
    sku_ids: tuple[str, ...]
    """The SKUs of the tenant that it covers."""
    ends: date
    """The last day."""
    notice: date | None
    """The last day to give notice; None without a notice period."""
    renews: str
    seats: int | None


class ContractPrice(Struct, frozen=True, kw_only=True):
    """What contracts make a seat cost a month."""

    sku_id: str
    money: Money | None
    """None where it is not known how contracts with different prices share the seats."""


class RenewalPrice(Struct, frozen=True, kw_only=True):
    """What a seat costs on the day on which a subscription renews."""

    sku_id: str
    day: date
    money: Money | None
    """A month; None where it is not known."""


class WaiverShare(Struct, frozen=True, kw_only=True):
    """Which of a tenant's SKUs the products of a waiver contain."""

    waiver: str
    sku_ids: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """SKUs for which this is unknown."""


class BalanceShare(Struct, frozen=True, kw_only=True):
    """What one tenant brings to a `balance` policy: which of its SKUs the policy looks at."""

    policy: str
    sku_ids: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """SKUs of which it is not known whether the policy looks at them."""
    reason: Message | None = None
    """Why the tenant's seats are not known whole."""
    waivers: Annotated[tuple[WaiverShare, ...] | None, SavedField.OPTIONAL] = None
    """Of the waivers for the policy that have products and are for the fleet; None in results of earlier versions."""


class TenantResult(Struct, frozen=True, kw_only=True):
    """Everything the audit says about one tenant."""

    name: TenantName
    tenant_id: Label
    display_name: str = ""
    cloud: Cloud
    agreement: Agreement = Agreement.UNKNOWN
    locale: str | None = None
    as_of: RunInstant
    """When the state was read: the snapshot's instant."""
    complete: bool
    failure: Message | None = None
    """Why the tenant could not be audited at all."""
    sources: tuple[Coverage, ...] = ()
    seats: tuple[SeatCount, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    """Those with a next date, as far as the source was read; `sources` shows how far."""
    contracts: Annotated[tuple[ContractTerm, ...] | None, SavedField.OPTIONAL] = None
    """In order of id; None where no policy file has a contract for the tenant."""
    contract_prices: Annotated[tuple[ContractPrice, ...] | None, SavedField.OPTIONAL] = None
    """In order of skuId; None where no contract has a price for its products."""
    renewal_prices: Annotated[tuple[RenewalPrice, ...] | None, SavedField.OPTIONAL] = None
    """In order of skuId and day, where the price differs from today's; None where it never does."""
    policies: tuple[PolicyOutcome, ...] = ()
    findings: Findings = field(default_factory=NoFindings)
    """In report order."""
    actions: Sequence[Action] = ()
    notices: tuple[Notice, ...] = ()
    fixed: tuple[Finding, ...] = ()
    """Findings of the previous run that are gone, as they stood then."""
    unconfirmed: tuple[Finding, ...] = ()
    """Findings of an earlier run whose policy could not be evaluated since, as they stood then: neither fixed nor
    found."""
    closed: tuple[str, ...] = ()
    """Fingerprints that an earlier run reported as fixed: what lets a later run say "reopened"."""
    balance: tuple[BalanceShare, ...] = ()
    """What a merge of results needs to judge `balance` again."""
    touched_waivers: tuple[str, ...] = ()
    """Ids of waivers that matched, or may match, a finding: what a merge needs to know which are unused."""
    usage: Annotated[UsageReport | None, SavedField.OPTIONAL] = None
    """Use of each product beside its cost; None where no report of usage was read."""
    departments: Annotated[DepartmentReport | None, SavedField.OPTIONAL] = None
    """Seats and cost by department; None where no people were read."""
    smaller_products: Annotated[tuple[SmallerProductCount, ...] | None, SavedField.OPTIONAL] = None
    """Whom findings about use propose a cheaper product for, the highest saving first; None where nobody."""
    coverage: Annotated[tuple[SeatCoverage, ...] | None, SavedField.OPTIONAL] = None
    """People and seats of each policy with `covers: users` that was evaluated; None where there is none."""
    verification: Annotated[TenantVerification | None, SavedField.OPTIONAL] = None
    """What became of an earlier remediation plan; None where none is known."""

    @property
    def products_whole(self) -> bool:
        """Whether all its products were read: of those that were not, the seats are not none but unknown."""
        return self.failure is None and all(
            source.status is SourceStatus.COMPLETE for source in self.sources if source.name is Source.SUBSCRIBED_SKUS
        )


class FleetPast(Struct, frozen=True, kw_only=True):
    """What the previous run knew of the fleet: what lets a merge of shards say what changed in it."""

    findings: tuple[Finding, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    closed: tuple[str, ...] = ()
    """Fingerprints that it, or an earlier run, reported as fixed."""
    tenants: tuple[str, ...] = ()
    """The names of the tenants over which it was found."""


class FleetResult(Struct, frozen=True, kw_only=True):
    """What only all tenants together can say."""

    policies: tuple[PolicyOutcome, ...] = ()
    findings: Findings = field(default_factory=NoFindings)
    actions: tuple[Action, ...] = ()
    """What each tenant would do for itself."""
    notices: tuple[Notice, ...] = ()
    fixed: tuple[Finding, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    closed: tuple[str, ...] = ()
    """The change since the previous run, as of a tenant."""
    past: FleetPast | None = None
    """None where the run was compared with no other."""


class PolicyHeader(Struct, frozen=True, kw_only=True):
    """A policy as the result quotes it."""

    id: str
    title: Label
    severity: Severity
    rationale: Label
    owner: Label
    tags: tuple[str, ...]
    references: Annotated[tuple[Reference, ...] | None, SavedField.OPTIONAL] = None
    """Pages that explain the rule; None where the policy names none."""
    frameworks: Annotated[tuple[str, ...] | None, SavedField.OPTIONAL] = None
    """Controls of standards that a finding violates; None where the policy names none."""
    report_only: Annotated[bool | None, SavedField.OPTIONAL] = None
    """True for a policy that is report-only, else None."""
    source: SourceLine
    spec: Mapping[str, Any]


class Redaction(Struct, frozen=True, kw_only=True):
    """What a redacted result shows of the key of its pseudonyms and fingerprints."""

    key: str
    """By which the key is known again: the same in all results that were redacted with it."""
    stable: bool
    """Whether the key was given; with a random one the pseudonyms are of one run only."""


class Run(Struct, frozen=True, kw_only=True):
    """What was run: instant, policies and their digest."""

    id: str
    as_of: RunInstant
    policy_digest: str
    policies: tuple[PolicyHeader, ...]
    definitions: Mapping[str, Any] = field(default_factory=dict)
    tool_version: Annotated[str, SavedField.UNSAVED]
    previous: RunInstant | None = None
    """The instant of the run that this one was compared with."""
    redacted: bool = False
    """Whether pseudonyms stand for people."""
    redaction: Annotated[Redaction | None, SavedField.OPTIONAL] = None


class Summary(Struct, frozen=True, kw_only=True):
    """Open findings by severity, waived ones, and policies that could not be evaluated, over the whole run."""

    open: Mapping[Severity, int]
    waived: int
    not_evaluated: int
    report_only: Annotated[int | None, SavedField.OPTIONAL] = None
    """Findings of policies that are report-only; None where there is none."""


class Result(Struct, frozen=True, kw_only=True):
    """One run over one or many tenants."""

    run: Run
    tenants: tuple[TenantResult, ...]
    fleet: FleetResult
    summary: Summary

    @property
    def complete(self) -> bool:
        """Whether every tenant was read whole and every policy evaluated."""
        return self.summary.not_evaluated == 0 and all(tenant.complete for tenant in self.tenants)
