"""Removals of seats that were bought recently, in reports and plans."""

import pytest

from auditor.domain.actions.action import Action
from auditor.domain.enums import Agreement
from tests.builders.result.actions import with_actions
from tests.builders.tenant.plan_tenants import E3, planned, snapshot
from tests.builders.tenant.tenants import audited, policy_set


def test_report_and_plan_remove_seats_bought_within_seven_days_at_once_under_an_mca() -> None:
    text = "policies: [{id: idle, severity: medium, seats: {of: paid, spare: {max: 1}}}]"
    old, new, today = (
        {"id": name, "skuId": E3, "status": "Enabled", "isTrial": False, "createdDateTime": f"2026-11-{instant}Z",
         "totalLicenses": seats, "nextLifecycleDateTime": "2027-02-01T00:00:00Z"}
        for name, instant, seats in (("s1", "01T00:00:00", 2), ("s2", "15T00:00:00", 7), ("s3", "13T09:00:00", 9))
    )  # fmt: skip
    enough = [old, {**new, "totalLicenses": 8}]
    purchases = {"old": [old], "new": [new], "fewer": [old, new], "enough": enough, "today": [today]}
    actions: dict[str, Action] = {}
    for name, rows in purchases.items():
        state = snapshot([], {E3: 9}, subscriptions=rows)
        actions[name] = planned(state, text).actions[0]
        reported = with_actions(audited(text, state), policy_set(text)).tenants[0].actions[0]
        for field in ("kind", "title", "due", "due_included", "steps", "warnings"):
            assert getattr(reported, field) == getattr(actions[name], field)
        assert set(actions[name].prerequisites) <= set(reported.prerequisites)
    assert {name: (action.kind, action.count, str(action.last_day)) for name, action in actions.items()} == {
        "old": ("remove-seats-at-renewal", 8, "2027-01-31"),
        "new": ("remove-seats", 8, "2026-11-21"),
        "fewer": ("remove-seats-at-renewal", 8, "2027-01-31"),
        "enough": ("remove-seats", 8, "2026-11-21"),
        "today": ("remove-seats", 8, "2026-11-20"),
    }
    assert not any("2026" in step for step in actions["new"].steps), (
        "the reduction that is scheduled is for the renewal"
    )
    notes = {name: [note for note in a.prerequisites if "7 days ago" in note] for name, a in actions.items()}
    assert notes["old"] == []
    (note,) = notes["fewer"]
    assert note == (
        "7 of these seats were bought less than 7 days ago. The last day to remove them at once is 21 November 2026; "
        "after that, they are billed until the renewal."
    )


@pytest.mark.parametrize("agreement", [Agreement.MOSA, Agreement.UNKNOWN, Agreement.CSP])
def test_period_after_a_purchase_is_that_of_a_customer_agreement(agreement: Agreement) -> None:
    text = "policies: [{id: idle, severity: medium, seats: {of: paid, spare: {max: 1}}}]"
    row = {"id": "s1", "skuId": E3, "status": "Enabled", "isTrial": False, "createdDateTime": "2026-11-18T12:00:00Z",
           "totalLicenses": 9, "nextLifecycleDateTime": "2027-02-01T00:00:00Z"}  # fmt: skip
    state = snapshot([], {E3: 9}, subscriptions=[row], agreement=agreement)
    action = planned(state, text).actions[0]
    assert str(action.last_day) == "2027-01-31"
    assert not any("7 days ago" in note for note in action.prerequisites)
