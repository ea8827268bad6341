"""Counts people by product and by group, for actions that combine several products, and describes the numbers."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct, field

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.translation import N_, Localizer
from auditor.remedy.actions.remedies.model import Remedy

_PRODUCTS: Final = N_("Products: {products}.")
_GROUPS: Final = N_("Groups: {groups}.")
_WITHOUT_PRICE: Final = N_("Not in the amount, because no price is known: {products}.")
_HELD_WITH: Final = N_("Together with {product}, people have: {products}.")
_MAX_NAMED: Final = 2
"""Products or groups that a title names in full."""
_MAX_LISTED: Final = 10
LabelOf = Callable[[str], str]
"""Returns the name of a product or group by its id."""
Price = Callable[[str], Decimal | None]
"""Returns the monthly price of one seat of a product, by its id."""
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


def named_products(breakdown: Breakdown, people: int, label: LabelOf, price: Price) -> tuple[tuple[str, ...], int]:
    """Return the products that a title names, all or the most valuable one, and the number of the others.

    Overlapping products begin with the smallest one.
    """
    products = breakdown.products
    if breakdown.smallest:
        others = list(_held_with_smallest(breakdown))
        named = [label(breakdown.smallest), *map(label, others[: _MAX_NAMED - 1])]
        return ((" + ".join(named),), 0) if len(others) < _MAX_NAMED else ((named[0],), len(others))
    if len(products) <= _MAX_NAMED and set(products.values()) == {people}:
        return (" + ".join(map(label, sorted(products))),), 0
    ordered = [label(sku_id) for sku_id in _by_value(products, label, price)]
    shown = ordered if len(ordered) <= _MAX_NAMED else ordered[:1]
    return tuple(shown), len(ordered) - len(shown)


def named_groups(breakdown: Breakdown, label: LabelOf) -> tuple[str, ...]:
    """Return the groups that a title names; none if there are too many."""
    groups = breakdown.groups
    return tuple(label(group) for group in _by_count(groups, label)) if len(groups) <= _MAX_NAMED else ()


def breakdown_notes(
    l10n: Localizer, breakdown: Breakdown, product_label: LabelOf, group_label: LabelOf, price: Price
) -> Iterator[str]:
    """Yield how many people there are by product and by group."""
    products, groups = breakdown.products, breakdown.groups
    if breakdown.smallest:
        others = _held_with_smallest(breakdown)
        if len(others) > 1:
            listed = _counted(l10n, others, _by_count(others, product_label), product_label)
            yield l10n.gettext(_HELD_WITH, product=product_label(breakdown.smallest), products=listed)
    elif len(products) > 1:
        ordered = _by_value(products, product_label, price)
        yield l10n.gettext(_PRODUCTS, products=_counted(l10n, products, ordered, product_label))
    if len(groups) > 1:
        ordered = _by_count(groups, group_label)
        yield l10n.gettext(_GROUPS, groups=_counted(l10n, groups, ordered, group_label))


def price_notes(l10n: Localizer, breakdown: Breakdown, label: LabelOf, price: Price) -> Iterator[str]:
    """Yield which products the amount leaves out because they have no price, unless it leaves out all."""
    products = breakdown.products
    unpriced = {sku_id: count for sku_id, count in products.items() if price(sku_id) is None}
    if unpriced and len(unpriced) < len(products):
        listed = _counted(l10n, unpriced, _by_count(unpriced, label), label)
        yield l10n.gettext(_WITHOUT_PRICE, products=listed)


def _held_with_smallest(breakdown: Breakdown) -> Mapping[str, int]:
    """Return how many people have each of the products that overlap with the smallest one."""
    return {sku_id: count for sku_id, count in breakdown.products.items() if sku_id != breakdown.smallest}


def _by_value(products: Mapping[str, int], label: LabelOf, price: Price) -> list[str]:
    """Return the products in descending order of their monthly price for everybody, then of people."""
    return sorted(products, key=lambda sku: (-(price(sku) or Decimal(0)) * products[sku], -products[sku], label(sku)))


def _by_count(counts: Mapping[str, int], label: LabelOf) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], label(name)))


def _counted(l10n: Localizer, counts: Mapping[str, int], ordered: list[str], label: LabelOf) -> str:
    """Return the first names in an order, each with its count, and how many more there are."""
    shown = [f"{label(name)} ({l10n.number(counts[name])})" for name in ordered[:_MAX_LISTED]]
    listed, more = ", ".join(shown), len(ordered) - len(shown)
    if not more:
        return listed
    return l10n.plural("{names} and {count} more", "{names} and {count} more", more, names=listed)
