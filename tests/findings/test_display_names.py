"""Tests products and details of findings: product, service and state names instead of the ids of Graph."""

import pytest
from msgspec.structs import replace

from auditor.checks.check import Detail
from auditor.checks.registry import all_checks
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import ProductReference, Subject
from auditor.findings.display_names import detail_label, named_product
from auditor.render.text.labels import Labels
from tests.builders.result.results import result

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


@pytest.mark.parametrize(
    ("subject", "name", "sku_id", "expected"),
    [
        (SubjectType.USER, "Ann", None, "Our E3 or Our E5"),
        (SubjectType.PRODUCT, "Our E3", None, "Our E3"),
        (SubjectType.PRODUCT, "", None, "office"),
        (SubjectType.PRODUCT, "Our E3", "id", "office"),
    ],
)
def test_pool_has_the_name_of_the_subject(subject: SubjectType, name: str, sku_id: str | None, expected: str) -> None:
    finding = next(iter(result().tenants[0].findings))
    finding = replace(
        finding,
        subject=Subject(type=subject, id="office", name=name),
        product=ProductReference(sku_id=sku_id, sku_part_number="office"),
    )
    assert named_product(finding, {"office": "Our E3 or Our E5"}) == expected
