"""The remedy of a finding that is not about a person."""

from auditor.checks.registry import check_of
from auditor.domain.result.model import Finding
from auditor.remedy.actions.context import RoutedFinding
from auditor.remedy.actions.model import Remedy


def object_remedy(finding: Finding, routed: RoutedFinding) -> Remedy:
    """Return what fixes a finding about a product, subscription, contract, group or tenant.

    Raises ValueError where its check describes no action.
    """
    product, action = finding.product, check_of(finding.check).action
    if action is None:
        raise ValueError(f"the check {finding.check} describes no action")
    kind, seats, extra, other = action(finding, routed.situation)
    return Remedy(
        kind=kind,
        findings=(finding,),
        situation=routed.situation,
        article=routed.article,
        subject=finding.subject.id,
        old=other or ("" if product is None else product.sku_id or product.sku_part_number or ""),
        extra=extra,
        seats=seats,
    )
