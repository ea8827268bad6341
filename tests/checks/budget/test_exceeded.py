"""The check `budget.exceeded`: what counts towards the cost, and what makes it a lower bound or unknown."""

from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.render.text.evidence.evidence import evidence_text
from auditor.render.text.labels import Labels
from tests.builders.tenant.tenants import TENANT_ID, bought, euros, judged, one, outcome, tenant, user

PRICES = "{SPE_E3: 10, FLOW_FREE: 1}"
E3, UNKNOWN, UNPRICED, FREE = bought("SPE_E3", 9), bought("SPE_E3", None), bought("VISIOCLIENT", 1), bought("FLOW_FREE")
COMPANY, WARNING = bought("SPE_E3", 1, appliesTo="Company"), bought("SPE_E3", 1, warning=2, suspended=7)
PARTIAL = {"unread": {Source.SUBSCRIBED_SKUS: SourceStatus.PARTIAL}}
NO_SEATS = "Graph returned no seat numbers for SPE_E3"
NO_PRICE = "the seats cost at least {} EUR a month, the limit is 100.00 EUR; no price for Visio Plan 2"


@pytest.mark.parametrize(
    ("rows", "more", "reasons"),
    [
        ([E3], {}, []),
        ([E3, bought("VISIOCLIENT", 0)], {}, []),
        ([E3, FREE], {}, []),
        ([UNKNOWN], {}, [NO_SEATS]),
        ([E3, UNPRICED], {}, [NO_PRICE.format("90.00")]),
        ([UNKNOWN, UNPRICED], {}, [NO_SEATS, NO_PRICE.format("0.00")]),
        ([bought("POWER_BI_STANDARD", None)], {}, []),
        ([E3], PARTIAL, ["not allowed"]),
        ([bought("SPE_E3", 9)], {"users": [user("ann", "VISIOCLIENT")]}, []),
    ],
)
def test_cost_within_the_limit_passes_if_all_seats_and_prices_are_known(
    rows: list[dict[str, Any]], more: dict[str, Any], reasons: list[str]
) -> None:
    """A product that people hold and the tenant does not own has no seats to pay for."""
    state = tenant(*more.get("users", ()), subscribedSkus=rows, unread=more.get("unread"))
    result = judged("budget: {limit: 100}", state, prices=PRICES)
    (policy,) = result.policies
    assert (policy.status.value, len(result.findings)) == ("not-evaluated" if reasons else "pass", 0)
    assert all(reason in str(policy.reason) for reason in reasons)
    assert len(str(policy.reason or "").split("; ")) == max(1, sum(reason.count("; ") + 1 for reason in reasons))


@pytest.mark.parametrize(
    ("rows", "more", "total", "lower_bound", "unpriced"),
    [
        ([bought("SPE_E3", 11)], {}, 110, False, []),
        ([COMPANY, bought("FLOW_FREE", 95)], {}, 105, False, []),
        ([WARNING, bought("FLOW_FREE", 75)], {}, 105, False, []),
        ([bought("FLOW_FREE", 101), UNKNOWN], {}, 101, True, []),
        ([bought("SPE_E3", 11), UNPRICED], {}, 110, True, ["VISIOCLIENT"]),
        ([bought("SPE_E3", 11)], PARTIAL, 110, True, []),
    ],
)
def test_cost_above_the_limit_is_a_finding_that_says_what_is_missing(
    rows: list[dict[str, Any]], more: dict[str, Any], total: int, unpriced: list[str], *, lower_bound: bool
) -> None:
    finding = one(judged("budget: {limit: 100}", tenant(subscribedSkus=rows, **more), prices=PRICES))
    assert finding.evidence == {"total": total, "limit": 100, "lowerBound": lower_bound, "unpriced": unpriced}
    assert euros(finding) == total - 100
    assert ("minimum, " in evidence_text(finding, Labels("en"))) is lower_bound
    assert (finding.subject.id, finding.subject.name) == (TENANT_ID, "contoso")


@pytest.mark.parametrize(
    ("rows", "more", "expected"),
    [([FREE], {}, "pass"), ([FREE, E3], {}, "not-evaluated"), ([FREE], PARTIAL, "not-evaluated")],
)
def test_budget_without_prices_passes_only_if_nothing_paid_can_be_owned(
    rows: list[dict[str, Any]], more: dict[str, Any], expected: str
) -> None:
    assert outcome(judged("budget: {limit: 100}", tenant(subscribedSkus=rows, **more))) == expected
