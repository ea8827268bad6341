"""Counts people by product and by group, for actions that combine several products."""

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.remedy.actions.remedies.model import Remedy

BreakdownPart = tuple[SubjectType, str]
"""A product with its skuId, a group with its id, or for a user the products of which one is kept, joined by `+`."""


class Breakdown(Struct):
    """The people of an action by product, and by the group that they leave."""

    smallest: str = ""
    """The smallest of overlapping products; empty if the action is about something else."""
    people: Counter[BreakdownPart] = field(default_factory=Counter)

    @property
    def products(self) -> Mapping[str, int]:
        """SkuId → number of people."""
        return self._of(SubjectType.PRODUCT)

    @property
    def groups(self) -> Mapping[str, int]:
        """Id of a group → number of people."""
        return self._of(SubjectType.GROUP)

    @property
    def choices(self) -> Mapping[str, int]:
        """Products of which a person keeps one, joined by `+` → number of people."""
        return self._of(SubjectType.USER)

    def _of(self, kind: SubjectType) -> dict[str, int]:
        return {name: count for (part_kind, name), count in self.people.items() if part_kind is kind}


def parts_of(remedy: Remedy) -> list[BreakdownPart]:
    """Return what the remedy of a person is about: products, groups that the person leaves, a choice of products."""
    products = [(SubjectType.PRODUCT, sku_id) for sku_id in remedy.old_products]
    choices = [(SubjectType.USER, remedy.old)] if remedy.kind is ActionKind.OVERLAP else []
    return [*products, *((SubjectType.GROUP, group) for group in remedy.old_groups), *choices]


def subject_of(remedy: Remedy, owners: Mapping[str, str]) -> tuple[str, ...]:
    """Return what the action of a remedy is about: its products, or their owner if the action combines products.

    For a leaver, for example, the question is the same for every product, and there are many combinations of products.
    Overlapping products are combined by the smallest one, which people usually lose.
    `owners` are the owners by policy id; the owner is that of the worst finding, and the first policy by id.
    """
    if not remedy.combines_products:
        return remedy.old, remedy.new, ", ".join(remedy.extra)
    policy = min((finding.severity.rank, finding.policy) for finding in remedy.findings)[1]
    return owners.get(policy, ""), "" if remedy.kind is ActionKind.LEAVE_GROUP else ", ".join(remedy.extra)
