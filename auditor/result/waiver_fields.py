"""The fields of a waiver for a finding; `auditor waive` and the HTML report write the same text."""

from typing import Any

from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding


def waiver_id(finding: Finding) -> str:
    """Return the id of a waiver, from its first finding."""
    return f"W-{finding.fingerprint[:8]}"


def waiver_products(finding: Finding) -> list[Any]:
    """Return the product set of a finding: its SKU, or the product as the policy writes it; empty if there is none."""
    product = finding.product
    if product is None:
        return []
    written = product.sku_part_number or ""
    if product.sku_id is not None:
        return [written if written.replace("_", "").isalnum() else product.sku_id]
    return [
        {"withService": part.partition(":")[2]} if part.startswith("withService:") else part
        for part in written.split("|")
    ]


def waiver_user(finding: Finding) -> tuple[str, str] | None:
    """Return the property and value that identify the person: the address, or else the id; None for other objects."""
    if finding.subject.type is not SubjectType.USER:
        return None
    address = finding.evidence.get("userPrincipalName")
    return ("userPrincipalName", str(address)) if address else ("id", finding.subject.id)
