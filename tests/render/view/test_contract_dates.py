"""Tests the dates of contracts on the timeline."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity, Status
from auditor.domain.result.model import ContractTerm
from auditor.render.text.evidence.contracts import contract_consequence
from auditor.render.text.labels import Labels
from auditor.render.view.rows import Context
from auditor.render.view.timeline import timeline
from tests.builders.result.results import result

EN = Labels("en")


def test_timeline_contains_ends_and_notice_dates_of_contracts() -> None:
    tenant = result().tenants[0]
    day = tenant.as_of.date()
    contracts = tuple(
        ContractTerm(id=id_, name="Microsoft 365 E5", sku_ids=(), ends=day + timedelta(days=end), notice=notice,
                     renews="automatically", seats=1200)
        for id_, end, notice in (("EA-1", 60, day + timedelta(days=30)), ("EA-2", -5, None), ("EA-3", 90, None))
    )  # fmt: skip
    (first, *_) = tenant.findings
    ending = replace(first, check="contract.ending", detail="EA-2", severity=Severity.HIGH, status=Status.OPEN)
    with_contracts = replace(tenant, contracts=contracts, subscriptions=())
    line = timeline(with_contracts, Context.of_tenant(with_contracts, {}, EN), [ending], with_contracts.as_of)
    assert line is not None
    assert (line.start, line.end) == (EN.date(day), EN.date(day + timedelta(days=90))), "the ends of the axis"
    assert [(date.name, date.state, date.summary, date.severity, date.consequence) for date in line.renewals] == [
        (
            "Microsoft 365 E5 (EA-2)",
            "end of the contract",
            "1,200 seats in the contract",
            Severity.HIGH,
            "It has ended, unless it was renewed",
        ),
        ("Microsoft 365 E5 (EA-1)", "last day to give notice", "1,200 seats in the contract", None, ""),
        ("Microsoft 365 E5 (EA-1)", "end of the contract", "1,200 seats in the contract", None, ""),
        ("Microsoft 365 E5 (EA-3)", "end of the contract", "1,200 seats in the contract", None, ""),
    ]


@pytest.mark.parametrize(
    ("renews", "notice", "text"),
    [
        ("automatically", True, "Renews at its end unless notice is given by this day"),
        ("automatically", False, "Renews on the next day unless notice was given"),
        ("by-decision", False, "Ends unless somebody renews it"),
        ("by-decision", True, ""),
    ],
)
def test_text_for_the_end_and_the_notice_date_of_a_contract(renews: str, text: str, *, notice: bool) -> None:
    assert contract_consequence(renews, EN, notice=notice, past=False) == text
