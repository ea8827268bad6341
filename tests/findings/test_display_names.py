"""Tests the details of findings: product, service and state names instead of the ids of Graph."""

import pytest

from auditor.checks.check import Detail
from auditor.checks.registry import all_checks
from auditor.findings.display_names import detail_label
from auditor.render.text.labels import Labels

NAMES = {"spe_e3": "Our E3"}


@pytest.mark.parametrize(
    ("kind", "detail", "label"),
    [
        (Detail.SERVICE, "TEAMS1", "Microsoft Teams"),
        (Detail.SERVICE, "A_PLAN_OF_NEXT_YEAR", "A_PLAN_OF_NEXT_YEAR"),
        (Detail.PRODUCTS, "SPE_E3+SPE_E5", "Our E3 + Microsoft 365 E5"),
        (Detail.ERROR, "CountViolation@11111111-2222-3333-4444-555555555555", "CountViolation"),
        (Detail.STATE, "Suspended", "Disabled"),
        (Detail.PROPERTY, "department", "department"),
    ],
)
def test_detail_is_shown_with_its_display_name(kind: Detail, detail: str, label: str) -> None:
    checks = [check.id for check in all_checks() if check.detail is kind]
    assert checks
    assert {detail_label(check, detail, NAMES, Labels("en")) for check in checks} == {label}
