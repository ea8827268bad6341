"""Findings: what is filled in later changes nothing else."""

from dataclasses import fields, replace

from auditor.domain.enums import Change
from auditor.domain.result import Finding, Money, ProductReference
from tests.builders.audited_demo import contoso


def test_guidance_and_change_leave_the_rest_of_a_finding_as_it_was() -> None:
    finding = replace(
        next(each for each in contoso().findings if each.money is not None),
        waiver="W-1",
        detail="detail",
        product=ProductReference(sku_id="s", sku_part_number="S"),
        change=Change.REOPENED,
    )
    assert isinstance(finding.money, Money)
    assert all(getattr(finding, field.name) for field in fields(Finding))
    assert finding.with_guidance("other") == replace(finding, guidance="other")
    assert finding.with_change(Change.NEW) == replace(finding, change=Change.NEW)
