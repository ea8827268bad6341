"""What people call the products and groups of an action."""

from collections.abc import Mapping

from auditor.catalogue import builtin
from auditor.domain.errors import printable
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.labels import part_number


def product_label(known: RemediationContext, name: str) -> str:
    """Return what people call a product: its friendly name, or the text of the policy."""
    label = known.labels.get(name.casefold()) or known.pools.get(name)
    if label is None and "+" in name:
        return " + ".join(product_label(known, part) for part in name.split("+") if part)
    part = known.held.get(name) or part_number(name) or name
    named = {product.name for product in builtin().by_part_number(part)} if label is None else {label}
    return printable(named.pop() if len(named) == 1 else part)


def group_label(groups: Mapping[str, str], group: str) -> str:
    """Return the name of a group, or its id where the name is not known."""
    return printable(groups.get(group) or group)
