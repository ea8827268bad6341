"""Findings: what is told of one later changes nothing else of it."""

from dataclasses import fields, replace

from auditor.domain.enums import Change
from auditor.domain.result import Finding, Money, ProductReference
from tests.builders.audited_demo import contoso


def test_what_is_told_of_a_finding_leaves_the_rest_as_it_was() -> None:
    finding = replace(
        next(each for each in contoso().findings if each.money is not None),
        waiver="W-1",
        detail="detail",
        product=ProductReference(sku_id="s", sku_part_number="S"),
        change=Change.REOPENED,
    )
    assert isinstance(finding.money, Money)
    assert all(getattr(finding, field.name) for field in fields(Finding))
    assert finding.told() == finding
    assert finding.told(guidance="other") == replace(finding, guidance="other")
    assert finding.told(change=Change.NEW) == replace(finding, change=Change.NEW)
