"""SmallerProductCounter counts people with a proposed smaller product once, and only if a finding is open."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from auditor.domain.enums import Status
from auditor.domain.money import Money
from auditor.domain.result.finding import Finding, ProductReference
from auditor.findings.columns import encode
from auditor.findings.smaller_products import SmallerProductCounter
from tests.builders.result.results import result

NAMES = {"SPE_E5": "Microsoft 365 E5", "SPE_F1": "Microsoft 365 F3"}


def finding_with_proposal(
    person: str,
    *,
    held: str = "SPE_E5",
    held_id: str = "1",
    product: str = "SPE_F1",
    saves: str = "47.25",
    **more: Any,
) -> Finding:
    first = result().tenants[0].findings.sample(1)[0]
    proposal = {
        "held": held, "heldSkuId": held_id, "product": product, "savesPerMonth": saves, "currency": "EUR",
        "used": ['a"}b'], "otherServicePlans": 20,
    }  # fmt: skip
    return replace(
        first,
        subject=replace(first.subject, id=person),
        evidence={"displayName": 'x","smallerProduct":{"held":"A"}', "smallerProduct": proposal},
        **{"status": Status.OPEN, "waiver": None, **more},
    )


def test_person_with_two_findings_is_counted_once_and_waived_findings_are_not() -> None:
    counter = SmallerProductCounter()
    counter.add(
        encode(
            [
                finding_with_proposal("eve", status=Status.WAIVED, waiver="W-1"),
                finding_with_proposal("zoe", held='E"3}', saves="9"),
            ]
        )
    )
    counter.add(
        encode(
            [finding_with_proposal("ann"), finding_with_proposal("ann", policy="another"), finding_with_proposal("bob")]
        )
    )
    counts = counter.counts(NAMES)
    assert counts is not None
    assert [(count.name, count.smaller_name, count.people, str(count.saves.per_month)) for count in counts] == [
        ("Microsoft 365 E5", "Microsoft 365 F3", 2, "94.50"),
        ('E"3}', "Microsoft 365 F3", 1, "9"),
    ]


def test_best_of_several_proposals_for_a_licence_counts() -> None:
    counter = SmallerProductCounter()
    counter.add(
        encode(
            [
                finding_with_proposal("ann", product="SPE_E3", saves="9.05"),
                finding_with_proposal("ann", policy="another", saves="47.25"),
                finding_with_proposal("ann", policy="of another licence", held_id="2", saves="5"),
            ]
        )
    )
    (count,) = counter.counts(NAMES) or ()
    assert (count.smaller_name, count.people, str(count.saves.per_month)) == ("Microsoft 365 F3", 2, "52.25")


def test_licence_that_another_finding_removes_has_no_proposal() -> None:
    ann, bob = finding_with_proposal("ann"), finding_with_proposal("bob")
    removals = [
        replace(
            ann,
            subject=replace(ann.subject, id=person),
            product=ProductReference(sku_id=sku_id, sku_part_number="SPE_E5"),
            evidence={},
            money=Money(currency="EUR", per_month=Decimal("54.75")),
            **{"check": "assignment.denied", **more},
        )
        for person, sku_id, more in (
            ("ann", "1", {}),
            ("bob", "2", {}),
            ("bob", "1", {"check": "seats.not-covered"}),
            ("bob", "1", {"status": Status.WAIVED, "waiver": "W-1"}),
        )
    ]
    counter = SmallerProductCounter()
    counter.add(encode([ann, bob, *removals]))
    (count,) = counter.counts(NAMES) or ()
    assert (count.people, str(count.saves.per_month)) == (1, "47.25")


def test_without_proposals_there_are_no_counts() -> None:
    counter = SmallerProductCounter()
    first = result().tenants[0].findings.sample(1)[0]
    counter.add(encode([replace(first, evidence={"displayName": '"smallerProduct":'})]))
    assert counter.counts(NAMES) is None
