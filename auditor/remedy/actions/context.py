"""Collects from a tenant's result and policies the facts on which the remedies of its findings depend."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.catalogue import builtin
from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.actions.product_names import pooled
from auditor.domain.enums import Source, Status, SubjectType
from auditor.domain.errors import printable
from auditor.domain.policy.model import Assignments, Policy, PolicySet
from auditor.domain.policy.prices import AgreedPrice, SeatPrices, seat_prices
from auditor.domain.policy.selector import HasRole, InactiveFor, NeverSignedIn, entails
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import SeatCount, TenantResult
from auditor.guidance import Situation
from auditor.remedy.product_kinds import for_people, same_kind, smallest


class RoutedFinding(Struct, frozen=True):
    """The situation of a finding, and the id of the documented article that fixes it."""

    situation: Situation
    article: str


class ProductFacts(NamedTuple):
    """The facts of a product that are part of a situation."""

    status: str | None = None
    """Graph's `capabilityStatus`."""
    self_service: bool | None = None
    """Whether users buy it themselves, by Microsoft's suffixes of part numbers: `_DEPT`, viral trials, `_IW`."""
    is_trial: bool | None = None
    """Whether all of its subscriptions are trials."""


class PopulationFacts(NamedTuple):
    """Facts that apply to everybody in the scope of a policy."""

    inactive: bool = False
    """Inactive, or never signed in."""
    never_signed_in: bool = False
    administrators: bool = False
    """Whether all have a directory role."""


class RemediationContext(Struct, frozen=True):
    """The facts on which the remedies of a tenant's findings depend, collected once."""

    tenant: TenantResult
    findings: Sequence[Finding]
    """The findings to fix; all findings about a subject are included."""
    policies: Mapping[str, Policy]
    today: date
    """The day of the audit, in UTC; the state may have been read before it."""
    prices: SeatPrices | None
    members: Mapping[str, tuple[str, ...]]
    """Product set as written in a policy → the skuIds of its products with seats."""
    missing: Mapping[tuple[str, str], tuple[str, ...]]
    """(policy, user) → required products that the user lacks, as written in the policy."""
    unwanted: Mapping[tuple[str, str], tuple[str, ...]]
    """(policy, user) → skuIds of products that the user should not hold according to the policy."""
    user_properties: frozenset[str]
    """The user properties that were requested from Graph."""
    states: Mapping[str, str | None]
    """Casefolded skuId and part number → capabilityStatus."""
    seats: Mapping[str, SeatCount]
    """By skuId."""
    skus: Mapping[str, str]
    """Casefolded skuId and part number → skuId."""
    labels: Mapping[str, str]
    """Casefolded skuId and part number → display name of the product."""
    part_numbers: Mapping[str, str]
    """SkuId → part number, for products in findings."""
    pools: Mapping[str, str]
    """Product set as written in a policy → the names of its products, for sets that findings are about."""
    populations: Mapping[str, PopulationFacts]
    """By policy id."""
    routed: dict[tuple[str, Situation], RoutedFinding] = field(default_factory=dict)
    """Cache: check and situation → route, because most findings share their situation with another one."""
    routes: dict[tuple[object, ...], RoutedFinding] = field(default_factory=dict)
    """The same cache by the columns of findings."""
    facts: dict[str | None, Hashable] = field(default_factory=dict)
    """Cache: facts of findings as JSON → the values that are part of a situation."""
    paths: dict[str | None, Hashable] = field(default_factory=dict)
    """Cache: assignment paths as JSON → how they reach a user."""
    products: dict[tuple[str | None, str | None], ProductFacts] = field(default_factory=dict)
    """Cache: skuId and part number of a product → the facts that are part of a situation."""
    choices_by_name: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Cache: product as written → the skuIds that it stands for."""

    def of(self, findings: Sequence[Finding]) -> "RemediationContext":
        """Return the context with other findings, which include all findings about their subjects."""
        open_findings = [finding for finding in findings if finding.status is Status.OPEN]
        products = [
            (item.sku_id, item.sku_part_number) for finding in findings if (item := finding.product) is not None
        ]
        return replace(
            self,
            findings=findings,
            missing=_products(open_findings, Correction.ASSIGN),
            unwanted=_products(open_findings, Correction.REPLACE),
            part_numbers={sku_id: part_number for sku_id, part_number in reversed(products) if sku_id and part_number},
            pools={
                finding.subject.id: finding.subject.name
                for finding in findings
                if finding.subject.type is SubjectType.PRODUCT
            }
            | {
                written: pooled(self.seats[sku_id].name for sku_id in sku_ids)
                for written, sku_ids in self.members.items()
            },
        )

    @property
    def owners(self) -> Mapping[str, str]:
        """Policy id → owner, for policies that name one."""
        return {name: policy.owner for name, policy in self.policies.items() if policy.owner}

    def choices(self, written: str) -> tuple[str, ...]:
        """Return the skuIds that a product in `require` stands for; for a set, those for people that have seats."""
        if written not in self.choices_by_name:
            choices = self.members.get(written)  # a named set takes precedence over a product of the same name
            if choices is None and (sku_id := self.skus.get(written.casefold())) is not None:
                choices = (sku_id,)
            if choices is None:
                choices = tuple(product.sku_id for product in builtin().by_part_number(written))
            self.choices_by_name[written] = for_people(choices)
        return self.choices_by_name[written]

    def assignments(self, policy: str) -> Assignments | None:
        """Return the assignments block of a policy; None for another kind of policy, or an unknown one."""
        rule = self.policies.get(policy)
        return rule.constraint if rule is not None and isinstance(rule.constraint, Assignments) else None

    def product_facts(self, sku_id: str | None, part_number: str | None) -> ProductFacts:
        """Return the facts of a product that are part of a situation."""
        key = sku_id, part_number
        if key not in self.products:
            self.products[key] = self._product_facts(*key)
        return self.products[key]

    def _product_facts(self, sku_id: str | None, part_number: str | None) -> ProductFacts:
        part, sku_key = (part_number or "").upper(), (sku_id or "").casefold()
        trials = [
            subscription.is_trial
            for subscription in self.tenant.subscriptions
            if subscription.sku_id.casefold() == sku_key
        ]
        return ProductFacts(
            status=self.states.get((sku_id or part_number or "").casefold()),
            self_service=True if part.endswith(("_DEPT", "_VIRAL", "_IW")) or "_VIRAL_" in part else None,
            is_trial=True if trials and all(trials) else None,
        )

    def product_label(self, name: str) -> str:
        """Return the display name of a product: its friendly name, or the text of the policy."""
        label = self.pools.get(name) or self.labels.get(name.casefold())
        if label is None and "+" in name:
            return " + ".join(self.product_label(part) for part in name.split("+") if part)
        if label is None:
            label = builtin().title(self.part_numbers.get(name) or _part_number(name) or name)
        return printable(label)

    def price(self, sku_id: str) -> Decimal | None:
        """Return the monthly price of a seat, or of one seat each of products joined by `+`; None if it is unknown."""
        if "+" in sku_id:
            prices = [price for part in sku_id.split("+") if (price := self.price(part)) is not None]
            return sum(prices, Decimal(0)) if len(prices) > sku_id.count("+") else None
        if self.prices is None or not sku_id:
            return None
        seat = self.seats.get(sku_id)
        return self.prices.of(sku_id=sku_id, part_number=_part_number(sku_id) if seat is None else seat.sku_part_number)

    def smallest(self, names: str) -> str:
        """Return the product with the fewest service plans, of part numbers joined by `+`; empty if not known."""
        name_by_id: dict[str, str] = {}
        for name in names.split("+"):
            catalogue_ids = [product.sku_id for product in builtin().by_part_number(name)]
            known_id = self.skus.get(name.casefold()) or (catalogue_ids[0] if len(catalogue_ids) == 1 else name)
            name_by_id[known_id] = name
        sku_id = smallest(name_by_id)
        return "" if sku_id is None else name_by_id[sku_id]

    def replaces(self, written: str, sku_id: str) -> bool:
        """Whether a product that a policy requires is of the same kind as a product that it denies."""
        return any(same_kind(sku_id, new) for new in self.choices(written))


def context_of(
    tenant: TenantResult, policies: PolicySet, today: date, findings: Sequence[Finding] | None = None
) -> RemediationContext:
    """Collect the facts on which remedies of a tenant's findings depend; `today` is the day of the audit, in UTC.

    `findings` are the findings to fix, including all about their subjects; the default is all findings of the tenant.
    """
    names_by_seat = [
        (seat, [name.casefold() for name in (seat.sku_id, seat.sku_part_number) if name]) for seat in tenant.seats
    ]
    # The prices in the tenant's result are those of the contracts.
    agreed = {
        price.sku_id: AgreedPrice(amount=None if price.money is None else price.money.per_month, starts=date.min)
        for price in tenant.contract_prices or ()
    }
    seats = {seat.sku_id: seat for seat in reversed(tenant.seats)}
    members = {item.written: tuple(filter(seats.__contains__, item.sku_ids)) for item in tenant.product_sets or ()}
    context = RemediationContext(
        tenant=tenant,
        findings=(),
        policies={policy.id: policy for policy in policies.policies},
        today=today,
        prices=seat_prices(policies.prices, policies.currency, today, agreed),
        members=members,
        missing={},
        unwanted={},
        user_properties=frozenset(
            name for source in tenant.sources if source.name is Source.USERS for name in source.asked
        ),
        states={name: seat.capability_status for seat, names in names_by_seat for name in names},
        # If two products share a name, the first one is used.
        seats=seats,
        skus={name: seat.sku_id for seat, names in reversed(names_by_seat) for name in names},
        labels={name: seat.name for seat, names in names_by_seat for name in names if seat.name},
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
    """Return (policy, user) → the products of findings with this correction."""
    products: dict[tuple[str, str], tuple[str, ...]] = {}
    for finding in findings:
        if correction_of(finding) is correction and (product := finding.product) is not None:
            key = finding.policy, finding.subject.id
            products[key] = (*products.get(key, ()), product.sku_id or product.sku_part_number or "")
    return products


def _part_number(sku_id: str) -> str | None:
    """Return the catalogue's part number of a product; None if the catalogue does not have the skuId."""
    product = builtin().product(sku_id)
    return None if product is None else product.part_number
