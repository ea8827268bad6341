"""Gathers from a tenant's result and policies what the remedies of its findings depend on."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.catalogue import builtin
from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.enums import Source, Status, SubjectType
from auditor.domain.errors import printable
from auditor.domain.policy.model import Assignments, Policy, PolicySet
from auditor.domain.policy.prices import SeatPrice, SeatPrices, seat_prices
from auditor.domain.policy.selector import HasRole, InactiveFor, NeverSignedIn, entails
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import SeatCount, TenantResult
from auditor.guidance import Situation
from auditor.remedy.labels import owned_of, part_number, product_labels
from auditor.remedy.product_kinds import same_kind


class RoutedFinding(Struct, frozen=True):
    """The situation of a finding, and the id of the documented article that fixes it there."""

    situation: Situation
    article: str


class ProductFacts(NamedTuple):
    """What situations take from a product."""

    status: str | None = None
    """capabilityStatus."""
    self_service: bool | None = None
    """Whether people buy it for themselves, by Microsoft's own endings: `_DEPT`, viral trials, `_IW`."""
    is_trial: bool | None = None
    """Whether all of its subscriptions are trials."""


class PopulationFacts(NamedTuple):
    """What holds of everybody whom a policy is about."""

    inactive: bool = False
    """Inactive, or never signed in."""
    never_signed_in: bool = False
    administrators: bool = False
    """Whether all have a directory role."""


class RemediationContext(Struct, frozen=True):
    """What the remedies of a tenant's findings depend on, gathered once."""

    tenant: TenantResult
    findings: Sequence[Finding]
    """Those for which remedies are sought, with all about the same subjects."""
    policies: Mapping[str, Policy]
    today: date
    """The day of the audit, in UTC; the state may have been read before it."""
    prices: SeatPrices | None
    missing: Mapping[tuple[str, str], tuple[str, ...]]
    """(policy, user) → what the policy asks for and the user lacks, as it is written."""
    unwanted: Mapping[tuple[str, str], tuple[str, ...]]
    """(policy, user) → skuIds of products that the user should not hold by the policy."""
    user_properties: frozenset[str]
    """The user properties that were asked for."""
    states: Mapping[str, str | None]
    """SkuId and casefolded part number → capabilityStatus."""
    seats: Mapping[str, SeatCount]
    """By skuId."""
    skus: Mapping[str, str]
    """Casefolded skuId and part number → skuId."""
    labels: Mapping[str, str]
    """Casefolded skuId and part number → what people call the product."""
    part_numbers: Mapping[str, str]
    """SkuId → part number, of products that findings name."""
    pools: Mapping[str, str]
    """Set of products as a policy writes it → the names of its products, of the pools that findings are about."""
    populations: Mapping[str, PopulationFacts]
    """By the id of the policy."""
    routes_by_facts: dict[tuple[object, ...], RoutedFinding] = field(default_factory=dict)
    """A cache: most findings are in the situation of another."""
    routes: dict[tuple[object, ...], RoutedFinding] = field(default_factory=dict)
    """The same by the columns of findings."""
    facts: dict[str | None, Hashable] = field(default_factory=dict)
    """What situations take from the facts of findings, by their JSON."""
    paths: dict[str | None, Hashable] = field(default_factory=dict)
    """How assignment paths reach a user, by their JSON."""
    products: dict[tuple[object, ...], Hashable] = field(default_factory=dict)
    """What situations take from products, by the columns that name them."""
    choices_by_name: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """(policy, product as it is written) → the skuIds that it stands for, as far as they were looked up."""
    owned_by_name: dict[tuple[str, str], tuple[SeatCount, ...]] = field(default_factory=dict)
    """The same for the products with seats."""

    def of(self, findings: Sequence[Finding]) -> "RemediationContext":
        """Return the same about other findings, all about the same subjects."""
        open_ = [finding for finding in findings if finding.status is Status.OPEN]
        named = [(item.sku_id, item.sku_part_number) for each in findings if (item := each.product) is not None]
        return replace(
            self,
            findings=findings,
            missing=_products(open_, Correction.ASSIGN),
            unwanted=_products(open_, Correction.REPLACE),
            part_numbers={sku_id: part_number for sku_id, part_number in reversed(named) if sku_id and part_number},
            pools={each.subject.id: each.subject.name for each in findings if each.subject.type is SubjectType.PRODUCT},
        )

    def choices(self, policy: str, written: str) -> tuple[str, ...]:
        """Return the skuIds that a product of a policy's `require` stands for: of a set, those that have seats."""
        key = policy, written
        if key not in self.choices_by_name:
            self.choices_by_name[key] = self._choices(policy, written)
        return self.choices_by_name[key]

    def _choices(self, policy: str, written: str) -> tuple[str, ...]:
        sku_id = self.skus.get(written.casefold())
        if sku_id is not None:
            return (sku_id,)
        named = tuple(product.sku_id for product in builtin().by_part_number(written))
        return named or tuple(dict.fromkeys(seat.sku_id for seat in self.owned_of(policy, written)))

    def owned_of(self, policy: str, written: str) -> tuple[SeatCount, ...]:
        """Return the products with seats in the sets that a policy's `require` writes in this way."""
        key = policy, written
        if key not in self.owned_by_name:
            block = self.assignments(policy)
            sets = () if block is None else (element for element in block.require if element.written == written)
            owned = (seat for element in sets for seat in owned_of(element, self.tenant.seats))
            self.owned_by_name[key] = tuple(owned)
        return self.owned_by_name[key]

    def assignments(self, policy: str) -> Assignments | None:
        """Return the block of a policy about assignments; None for another kind of policy, or an unknown one."""
        rule = self.policies.get(policy)
        return rule.constraint if rule is not None and isinstance(rule.constraint, Assignments) else None

    def product_facts(self, sku_id: str | None, part_number: str | None) -> ProductFacts:
        """Return what situations take from a product."""
        part, own = (part_number or "").upper(), (sku_id or "").casefold()
        trials = [each.is_trial for each in self.tenant.subscriptions if each.sku_id.casefold() == own]
        return ProductFacts(
            status=self.states.get((sku_id or part_number or "").casefold()),
            self_service=True if part.endswith(("_DEPT", "_VIRAL", "_IW")) or "_VIRAL_" in part else None,
            is_trial=True if trials and all(trials) else None,
        )

    def product_label(self, name: str) -> str:
        """Return what people call a product: its friendly name, or the text of the policy."""
        label = self.labels.get(name.casefold()) or self.pools.get(name)
        if label is None and "+" in name:
            return " + ".join(self.product_label(part) for part in name.split("+") if part)
        part = self.part_numbers.get(name) or part_number(name) or name
        labels = {product.name for product in builtin().by_part_number(part)} if label is None else {label}
        return printable(labels.pop() if len(labels) == 1 else part)

    def replaces(self, policy: str, written: str, sku_id: str) -> bool:
        """Whether what a policy asks for is of the same kind as a product that it speaks against."""
        return any(same_kind(sku_id, new) for new in self.choices(policy, written))


def context_of(
    tenant: TenantResult, policies: PolicySet, today: date, findings: Sequence[Finding] | None = None
) -> RemediationContext:
    """Gather what the remedies of a tenant's findings depend on; `today` is the day of the audit, in UTC.

    `findings` are those for which remedies are sought, all about the same subjects; without them it is all of the
    tenant's.
    """
    named = [(seat, [name.casefold() for name in (seat.sku_id, seat.sku_part_number) if name]) for seat in tenant.seats]
    # The tenant's result shows what contracts make of the price list.
    agreed = {
        price.sku_id: SeatPrice(amount=None if price.money is None else price.money.per_month, starts=date.min)
        for price in tenant.contract_prices or ()
    }
    context = RemediationContext(
        tenant=tenant,
        findings=(),
        policies={policy.id: policy for policy in policies.policies},
        today=today,
        prices=seat_prices(policies.prices, policies.currency, today, agreed),
        missing={},
        unwanted={},
        user_properties=frozenset(name for each in tenant.sources if each.name is Source.USERS for name in each.asked),
        states={name: seat.capability_status for seat, names in named for name in names},
        # Where two seats share a name, the first stands for it.
        seats={seat.sku_id: seat for seat in reversed(tenant.seats)},
        skus={name: seat.sku_id for seat, names in reversed(named) for name in names},
        labels=product_labels(tenant.seats, policies.policies),
        part_numbers={},
        pools={},
        populations={policy.id: _population(policy) for policy in policies.policies},
    )
    return context.of(tenant.findings if findings is None else findings)


def _population(policy: Policy) -> PopulationFacts:
    return PopulationFacts(
        inactive=entails(policy.users, lambda atom: isinstance(atom, InactiveFor | NeverSignedIn)),
        never_signed_in=entails(policy.users, lambda atom: isinstance(atom, NeverSignedIn)),
        administrators=entails(policy.users, lambda atom: isinstance(atom, HasRole)),
    )


def _products(findings: Iterable[Finding], correction: Correction) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return (policy, user) → the products that findings with this correction are about."""
    products: dict[tuple[str, str], tuple[str, ...]] = {}
    for finding in findings:
        if correction_of(finding) is correction and (product := finding.product) is not None:
            key = finding.policy, finding.subject.id
            products[key] = (*products.get(key, ()), product.sku_id or product.sku_part_number or "")
    return products
