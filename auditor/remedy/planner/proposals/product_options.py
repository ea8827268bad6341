"""The products that can be assigned in a tenant, the groups that give them, and their prices."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

from msgspec import Struct, field

from auditor.domain.policy.decision import Answer, AnswerKind, is_left
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.prices import SeatPrices
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import Finding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.actions.context import RemediationContext, RoutedFinding
from auditor.remedy.actions.remedies.targets import written_of
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.planner.simulation.memberships import Memberships
from auditor.remedy.product_kinds import for_people

_MAX_CANDIDATES = 4


def seat_price(facts: TenantFacts, prices: SeatPrices | None, sku_id: str) -> Decimal | None:
    """Return the monthly price of a seat of a product in a tenant; None if it is not known."""
    index = facts.index.get(sku_id)
    part_number = None if index is None else facts.skus[index].part_number
    return None if prices is None else prices.of(sku_id=sku_id, part_number=part_number)


class ProductOptions(Struct, frozen=True, kw_only=True, dict=True):
    """The products that can be assigned in a tenant, the groups that give them, and their prices."""

    bound: BoundPolicies
    context: RemediationContext
    routes: Mapping[str, RoutedFinding]
    """Fingerprint → situation and article of each finding."""
    memberships: Memberships
    fixed_groups: frozenset[str] = frozenset()
    """Groups with a change of their own licences: nobody leaves or joins them in the same plan."""
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    """Fingerprint → the answers to the questions of the finding."""
    ranked: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """Cache: policy and product as written in it → the skuIds that satisfy it, the cheapest first."""

    def value(self, finding: Finding, kind: AnswerKind) -> Any:
        """Return the answer of a kind to the question of a finding; None if there is none."""
        answers = self.answers.get(finding.fingerprint, ())
        return next((answer.value for answer in answers if answer.kind is kind), None)

    def is_left(self, finding: Finding) -> bool:
        """Return whether it was decided to leave a finding as it is."""
        return any(map(is_left, self.answers.get(finding.fingerprint, ())))

    def chosen_group(self, finding: Finding) -> str | None:
        """Return the id of the group chosen to give the product of a finding; None if nobody chose one."""
        answer = self.value(finding, AnswerKind.GROUP)
        return None if answer is None else str(answer["id"])

    def part_numbers(self, sku_ids: Iterable[str]) -> tuple[str, ...]:
        """Return the part numbers of SKUs; the id for a SKU without part number."""
        facts = self.bound.facts
        return tuple(facts.skus[facts.index[sku_id]].part_number or sku_id for sku_id in sku_ids)

    def names_in(self, products: ProductSet) -> tuple[str, ...]:
        """Return the part numbers and ids of the tenant's SKUs that a product set contains."""
        return tuple(name for sku in self.bound.skus_in(products) for name in (sku.part_number, sku.sku_id) if name)

    def via(self, finding: Finding) -> str | None:
        """Return the assignment path that the policy of a finding requires; None if it requires none."""
        block = self.context.assignments(finding.policy)
        return None if block is None else block.via

    def can_change(self, group: str) -> bool:
        """Return whether requests can change who is a member of a group."""
        return group not in self.fixed_groups and self.memberships.refusal(group) is None

    def group_to_join(self, account: Account, sku_id: str, chosen: str | None) -> str | None:
        """Return the only group that a person can join to get a product; None if there is none, or more than one."""
        groups = [group for group in self.memberships.changeable_groups(sku_id) if self.can_change(group)]
        groups = [group for group in groups if group == chosen] if chosen else groups
        return groups[0] if len(groups) == 1 and self._can_join(account, groups[0]) else None

    def alternative_groups(self, account: Account, sku_id: str) -> tuple[str, ...]:
        """Return the groups that a person can join to get a product, if several groups give it."""
        groups = self.memberships.changeable_groups(sku_id)
        return tuple(group for group in groups if self._can_join(account, group)) if len(groups) > 1 else ()

    def _can_join(self, account: Account, group: str) -> bool:
        """Return whether the licences of a group are known, and the person has none of them from the group yet."""
        return self.memberships.licences_of(group) is not None and all(grant.group != group for grant in account.grants)

    def plans(self, sku_id: str) -> Mapping[str, str]:
        """Return the service plans of a product, id → name; empty if they are not known."""
        index = self.bound.facts.index.get(sku_id)
        return {} if index is None else self.bound.facts.skus[index].plans or {}

    def price(self, sku_id: str) -> Decimal | None:
        """Return the monthly price of a seat; None if it is not known."""
        return seat_price(self.bound.facts, self.bound.prices, sku_id)

    def highest_price(self) -> Decimal:
        """Return the highest known price; 0 if none is known."""
        return Decimal(0) if self.bound.prices is None else self.bound.prices.highest

    def candidates(self, finding: Finding) -> tuple[str, ...]:
        """Return the products that would satisfy an `assignment.missing` finding, the cheapest first."""
        chosen = self._ranked(finding.policy, written_of(finding))
        answer = self.value(finding, AnswerKind.GIVE)
        if answer is not None:
            return tuple(sku for sku in chosen if sku in self.named([str(answer)]))
        return for_people(chosen)[:_MAX_CANDIDATES]

    def _ranked(self, policy: str, written: str) -> tuple[str, ...]:
        """Return the skuIds of the products that satisfy a requirement of a policy, the cheapest first."""
        if (policy, written) not in self.ranked:
            block = self.context.assignments(policy)
            elements = () if block is None else [element for element in block.require if element.written == written]
            ranked: list[tuple[bool, Decimal, int, str]] = []
            for sku in chain.from_iterable(map(self.bound.with_seats, elements)):
                price = self.price(sku.sku_id)
                ranked.append((price is None, price or Decimal(0), -(sku.spare or 0), sku.sku_id))
            self.ranked[policy, written] = tuple(sku_id for *_, sku_id in sorted(ranked))
        return self.ranked[policy, written]

    def named(self, part_numbers: Iterable[str]) -> tuple[str, ...]:
        """Return the skuIds of products with these part numbers; a product without part number is named by its id."""
        names = set(part_numbers)
        return tuple(sku.sku_id for sku in self.bound.facts.skus if (sku.part_number or sku.sku_id) in names)

    @cached_property
    def services_denied(self) -> frozenset[str]:
        """The service plans that some policy of the tenant denies, names and ids casefolded."""
        blocks = [policy.constraint for policy in self.bound.policies if isinstance(policy.constraint, Assignments)]
        return frozenset(plan.casefold() for block in blocks for plan in block.services.deny)
