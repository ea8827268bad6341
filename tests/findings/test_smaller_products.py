"""People for whom findings propose a smaller product are counted once, and only where a finding is open."""

from typing import Any

from msgspec.structs import replace

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding
from auditor.findings.columns import encode
from auditor.findings.smaller_products import SmallerProductCounter
from tests.builders.result.results import result

NAMES = {"SPE_E5": "Microsoft 365 E5", "SPE_F1": "Microsoft 365 F3"}


def proposed(person: str, *, held: str = "SPE_E5", saves: str = "47.25", **more: Any) -> Finding:
    first = result().tenants[0].findings.sample(1)[0]
    proposal = {
        "held": held, "heldSkuId": "1", "product": "SPE_F1", "savesPerMonth": saves, "currency": "EUR",
        "used": [person, 'a"}b'], "otherServicePlans": 20,
    }  # fmt: skip
    return replace(
        first,
        subject=replace(first.subject, id=person),
        evidence={"displayName": 'x","smallerProduct":{"held":"A"}', "smallerProduct": proposal},
        **{"status": Status.OPEN, "waiver": None, **more},
    )


def test_a_person_with_two_findings_counts_once_and_a_waived_one_not_at_all() -> None:
    counter = SmallerProductCounter()
    counter.add(encode([proposed("ann"), proposed("ann", policy="another"), proposed("bob")]))
    counter.add(encode([proposed("eve", status=Status.WAIVED, waiver="W-1"), proposed("zoe", held='E"3}', saves="9")]))
    counts = counter.counts(NAMES)
    assert counts is not None
    assert [(each.name, each.smaller_name, each.people, str(each.saves.per_month)) for each in counts] == [
        ("Microsoft 365 E5", "Microsoft 365 F3", 2, "94.50"),
        ('E"3}', "Microsoft 365 F3", 1, "9"),
    ]


def test_without_proposals_there_are_no_counts() -> None:
    counter = SmallerProductCounter()
    first = result().tenants[0].findings.sample(1)[0]
    counter.add(encode([replace(first, evidence={"displayName": '"smallerProduct":'})]))
    assert counter.counts(NAMES) is None
