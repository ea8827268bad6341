"""The outcome of an audit as values: findings, outcomes, seats, notices, actions, tenants, the run."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from msgspec import Struct, field

from auditor.domain.actions.action import Action
from auditor.domain.enums import Agreement, Cloud, Outcome, Severity, Source, SourceStatus
from auditor.domain.message import Message
from auditor.domain.policy.model import Reference
from auditor.domain.result.finding import Finding, Findings, SourceLine
from auditor.domain.result.purchases import ContractPrice, RecentPurchase, RenewalPrice
from auditor.domain.result.seat_usage import DepartmentReport, SeatCoverage, SmallerProductCount, UsageReport
from auditor.domain.result.verification import TenantVerification
from auditor.domain.saved_field import Label, RunInstant, SavedField, SeatSum, TenantName


class Notice(Struct, frozen=True, kw_only=True):
    """Information that is not a finding, such as an expiring waiver or an unknown name."""

    code: str
    message: Message
    subject: Label


class PolicyOutcome(Struct, frozen=True, kw_only=True):
    """The outcome of a policy in one tenant."""

    id: str
    status: Outcome
    findings: int
    """Number of findings, including waived ones."""
    reason: Message | None = None
    """Why it was not evaluated."""
    missing: tuple[str, ...] = ()
    """The facts that were missing: sources or properties."""
    judged: int | None = None
    """Number of people, products, subscriptions or groups that it evaluated; None if unknown."""
    report_only: Annotated[bool | None, SavedField.OPTIONAL] = None
    """True for a report-only policy: the audit is complete even if it was not evaluated. Otherwise None."""

    @property
    def unknown(self) -> bool:
        """Whether it was not evaluated, which makes the audit incomplete."""
        return self.status is Outcome.NOT_EVALUATED and not self.report_only


class Coverage(Struct, frozen=True, kw_only=True):
    """How much of one source was read, when, and why not all of it."""

    name: Source
    status: SourceStatus
    count: int = 0
    read_at: str | None = None
    """RFC 3339, UTC; None if nothing was read."""
    reason: Message | None = None
    """Why it is not complete, and what to do about it."""
    asked: tuple[str, ...] = ()
    """The requested properties, under their names in Graph."""


class SeatBounds(Struct, frozen=True, kw_only=True):
    """The bounds of a policy for the spare seats of one SKU, with percentages converted to whole seats."""

    policy: str
    usable: SeatSum
    """Usable seats as the policy counts them: without those in their grace period if it ignores them."""
    minimum: int | None
    """The smallest number of spare seats that satisfies the policy; None if it has no lower bound."""
    maximum: int | None


class SeatCount(Struct, frozen=True, kw_only=True):
    """The seats of one SKU of a tenant; a number that Graph did not return is None."""

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
    trial: Annotated[int | None, SavedField.OPTIONAL] = None
    """Usable seats of trials, which cost nothing and end by themselves; None if there are none."""
    bounds: tuple[SeatBounds, ...] = ()
    """The bounds of every policy that evaluates its spare seats, satisfied or not."""


class Subscription(Struct, frozen=True, kw_only=True):
    """A purchase of one SKU that has a next date, with or without a finding about it."""

    id: str
    sku_id: Label
    sku_part_number: Label
    name: Label
    status: str | None
    is_trial: bool | None
    total_licenses: int | None
    """Seats bought; None if Graph did not return the number."""
    next_lifecycle_date_time: datetime
    """When it renews, or changes to its next state."""


class ContractTerm(Struct, frozen=True, kw_only=True):
    """A contract of the tenant with its dates."""

    id: str
    name: Label
    """The name of the product, or the set as written in the contract."""
    sku_ids: tuple[str, ...]
    """The SKUs of the tenant that the contract covers."""
    ends: date
    """The last day."""
    notice: date | None
    """The last day to give notice; None without a notice period."""
    renews: str
    seats: int | None


class WaiverShare(Struct, frozen=True, kw_only=True):
    """The SKUs of a tenant that are among the products of a waiver."""

    waiver: str
    sku_ids: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """SKUs for which this is unknown."""


class BalanceShare(Struct, frozen=True, kw_only=True):
    """The part of one tenant in a `balance` policy: the SKUs that the policy evaluates."""

    policy: str
    sku_ids: tuple[str, ...]
    doubtful: tuple[str, ...] = ()
    """SKUs for which it is unknown whether the policy evaluates them."""
    reason: Message | None = None
    """Why the seats of the tenant are not completely known."""
    waivers: Annotated[tuple[WaiverShare, ...] | None, SavedField.OPTIONAL] = None
    """For waivers of the policy that name products and apply to the fleet; None in results of earlier versions."""


class ProductSetMembers(Struct, frozen=True, kw_only=True):
    """The products of a tenant in a product set that a policy requires or whose seats it counts together."""

    written: Label
    """The set as written in the policy."""
    sku_ids: tuple[str, ...]
    """The SKUs with usable seats for people that are certainly in the set, in order of part number."""


class GroupProducts(Struct, frozen=True, kw_only=True):
    """The products that a group assigns to people with findings."""

    group: str
    """Its id."""
    sku_ids: tuple[str, ...]


class TenantResult(Struct, frozen=True, kw_only=True):
    """The result of the audit for one tenant."""

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
    """Subscriptions with a next date, as far as the source was read; see `sources`."""
    product_sets: Annotated[tuple[ProductSetMembers, ...] | None, SavedField.OPTIONAL] = None
    """In order of text; None if there are none, and in results of earlier versions."""
    contracts: Annotated[tuple[ContractTerm, ...] | None, SavedField.OPTIONAL] = None
    """In order of id; None if no policy file has a contract for the tenant."""
    contract_prices: Annotated[tuple[ContractPrice, ...] | None, SavedField.OPTIONAL] = None
    """In order of skuId; None if no contract has a price for its products."""
    renewal_prices: Annotated[tuple[RenewalPrice, ...] | None, SavedField.OPTIONAL] = None
    """Prices that differ from today's, in order of skuId and day; None if there are none."""
    recent_purchases: Annotated[tuple[RecentPurchase, ...] | None, SavedField.OPTIONAL] = None
    """In order of skuId; None if there are none, or the agreement has no such period."""
    group_products: Annotated[tuple[GroupProducts, ...] | None, SavedField.OPTIONAL] = None
    """In order of group; None if no group assigns any, and in results of earlier versions."""
    policies: tuple[PolicyOutcome, ...] = ()
    findings: Findings = field(default_factory=Findings)
    """In report order."""
    actions: Sequence[Action] = ()
    notices: tuple[Notice, ...] = ()
    fixed: tuple[Finding, ...] = ()
    """Findings of the previous run that are gone, as they were in that run."""
    unconfirmed: tuple[Finding, ...] = ()
    """Findings of an earlier run whose policy could not be evaluated since, as they were in that run: neither fixed nor
    found."""
    closed: tuple[str, ...] = ()
    """Fingerprints that an earlier run reported as fixed; a later run needs them to report `reopened`."""
    balance: tuple[BalanceShare, ...] = ()
    """A merge of results needs it to evaluate `balance` again."""
    touched_waivers: tuple[str, ...] = ()
    """Ids of waivers that matched, or may match, a finding; a merge needs them to detect unused waivers."""
    usage: Annotated[UsageReport | None, SavedField.OPTIONAL] = None
    """Usage and cost of each product; None if no usage report was read."""
    departments: Annotated[DepartmentReport | None, SavedField.OPTIONAL] = None
    """Seats and cost by department; None if no users were read."""
    smaller_products: Annotated[tuple[SmallerProductCount, ...] | None, SavedField.OPTIONAL] = None
    """Cheaper products that findings about usage propose, the highest saving first; None if there are none."""
    coverage: Annotated[tuple[SeatCoverage, ...] | None, SavedField.OPTIONAL] = None
    """People and seats of each policy with `covers: users` that was evaluated; None if there is none."""
    verification: Annotated[TenantVerification | None, SavedField.OPTIONAL] = None
    """The outcome of an earlier remediation plan; None if there is none."""

    @property
    def title(self) -> str:
        """Its display name; its name if it has none. `auditor.domain.result.tenant_titles` tells equal ones apart."""
        return self.display_name or self.name

    @property
    def fully_evaluated(self) -> bool:
        """Whether its sources were read and every policy was evaluated."""
        return self.complete and self.failure is None and not any(outcome.unknown for outcome in self.policies)

    @property
    def has_all_products(self) -> bool:
        """Whether all its products were read; if not, the seats of a missing product are unknown, not zero."""
        return self.failure is None and all(
            source.status is SourceStatus.COMPLETE for source in self.sources if source.name is Source.SUBSCRIBED_SKUS
        )


class FleetPast(Struct, frozen=True, kw_only=True):
    """The fleet-wide findings of the previous run; a merge of shards needs them to report changes."""

    findings: tuple[Finding, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    closed: tuple[str, ...] = ()
    """Fingerprints that the previous run, or an earlier one, reported as fixed."""
    tenants: tuple[str, ...] = ()
    """The names of the tenants of that run."""


class FleetResult(Struct, frozen=True, kw_only=True):
    """The results that are computed over all tenants together."""

    policies: tuple[PolicyOutcome, ...] = ()
    findings: Findings = field(default_factory=Findings)
    actions: tuple[Action, ...] = ()
    """One action for each tenant that has to buy or give up seats."""
    notices: tuple[Notice, ...] = ()
    fixed: tuple[Finding, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    closed: tuple[str, ...] = ()
    """`fixed`, `unconfirmed` and `closed` as in `TenantResult`."""
    past: FleetPast | None = None
    """None if the run was not compared with another."""

    @property
    def fully_evaluated(self) -> bool:
        """Whether every policy was evaluated."""
        return not any(outcome.unknown for outcome in self.policies)


class PolicyHeader(Struct, frozen=True, kw_only=True):
    """The data of a policy that a result contains."""

    id: str
    title: Label
    severity: Severity
    rationale: Label
    owner: Label
    tags: tuple[str, ...]
    references: Annotated[tuple[Reference, ...] | None, SavedField.OPTIONAL] = None
    """Pages that explain the rule; None if the policy names none."""
    frameworks: Annotated[tuple[str, ...] | None, SavedField.OPTIONAL] = None
    """Controls of standards that a finding violates; None if the policy names none."""
    report_only: Annotated[bool | None, SavedField.OPTIONAL] = None
    """True for a report-only policy, otherwise None."""
    source: SourceLine
    spec: Mapping[str, Any]


class Redaction(Struct, frozen=True, kw_only=True):
    """Public information on the key of the pseudonyms and fingerprints of a redacted result."""

    key: str
    """Identifier of the key; the same in all results that were redacted with it."""
    stable: bool
    """Whether the key was provided; the pseudonyms of a random key differ from run to run."""


class Run(Struct, frozen=True, kw_only=True):
    """The data of a run: instant, policies and their digest."""

    id: str
    as_of: RunInstant
    policy_digest: str
    policies: tuple[PolicyHeader, ...]
    definitions: Mapping[str, Any] = field(default_factory=dict)
    tool_version: Annotated[str, SavedField.UNSAVED]
    previous: RunInstant | None = None
    """The instant of the run that this one was compared with."""
    redacted: bool = False
    """Whether people are replaced by pseudonyms."""
    redaction: Annotated[Redaction | None, SavedField.OPTIONAL] = None

    @property
    def policy_titles(self) -> dict[str, str]:
        """The titles of policies by id; the id of a policy without a title."""
        return {policy.id: policy.title or policy.id for policy in self.policies}


class Summary(Struct, frozen=True, kw_only=True):
    """Counts over all tenants: open findings by severity, waived findings, policies that could not be evaluated."""

    open: Mapping[Severity, int]
    waived: int
    not_evaluated: int
    report_only: Annotated[int | None, SavedField.OPTIONAL] = None
    """Findings of report-only policies; None if there are none."""


class Result(Struct, frozen=True, kw_only=True):
    """The result of one run over one or more tenants."""

    run: Run
    tenants: tuple[TenantResult, ...]
    fleet: FleetResult
    summary: Summary

    @property
    def complete(self) -> bool:
        """Whether every tenant was read completely and every policy evaluated."""
        return self.summary.not_evaluated == 0 and all(tenant.complete for tenant in self.tenants)

    @property
    def nothing_audited(self) -> bool:
        """Whether there are tenants, and none of them could be audited."""
        return bool(self.tenants) and all(tenant.failure is not None for tenant in self.tenants)
