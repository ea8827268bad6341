"""The money of a preview is the difference of the costs that reports of both sides show."""

from decimal import Decimal
from pathlib import Path

import pytest

from auditor.app.audit.run import Request
from auditor.app.policies.preview import previewed, side_of
from auditor.domain.preview import MoneyChange
from auditor.result.preview_counts import by_department, by_policy, total_count
from auditor.snapshot.writer import write
from tests.builders.tenant.tenants import NOW, audited, bought, policy_set, tenant, user

LEAVERS = "- {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}\n"
AGAIN = "- {id: again, severity: low, users: {accountEnabled: false}, assignments: {deny: paid}}\n"
QUOTA = "- {id: quota, severity: low, seats: {of: [SPE_E3], assigned: {max: 1}}}\n"
SPARE = "- {id: spare, severity: low, seats: {of: [SPE_E3], spare: {max: 4}}}\n"
PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 10}}\n"
STATE = tenant(
    user("ann", "SPE_E3", accountEnabled=False, department="Sales"),
    user("bo", "SPE_E3", accountEnabled=False, department="Store"),
    user("cy", "SPE_E3"),
    subscribedSkus=[bought("SPE_E3", 10, 3)],
)
"""Seven of ten seats are spare, and two are assigned to people who have left."""


@pytest.mark.parametrize(
    ("base", "head", "more", "less"),
    [
        pytest.param(LEAVERS, LEAVERS + AGAIN, 0, 0, id="the seats are counted already"),
        pytest.param(LEAVERS + AGAIN, AGAIN, 0, 0, id="another policy still reports the seats"),
        pytest.param(QUOTA, QUOTA + SPARE, 30, 0, id="spare seats"),
        pytest.param(LEAVERS, LEAVERS + QUOTA, 0, 0, id="the quota is exceeded by people with findings"),
        pytest.param(SPARE, LEAVERS, 20, 30, id="other seats"),
        pytest.param(LEAVERS, LEAVERS.replace("high", "low"), 0, 0, id="another severity"),
    ],
)
def test_money_is_the_difference_of_the_costs_of_both_audits(
    base: str, head: str, more: int, less: int, tmp_path: Path
) -> None:
    write(tmp_path, STATE)
    rules = [f"policies:\n{policies}{PRICES}" for policies in (base, head)]
    before, after = map(policy_set, rules)
    request = Request(snapshots=(tmp_path,), as_of=NOW)
    preview = previewed((side_of("base", before), before), (side_of("head", after), after), request)
    change = MoneyChange(currency="EUR", more_per_month=Decimal(more), less_per_month=Decimal(less))
    assert total_count(preview).money == ((change,) if more or less else ())
    costs = [audited(text, STATE).tenants[0].findings.stats.money["EUR"] for text in rules]
    assert costs[1] - costs[0] == more - less
    if base == LEAVERS and AGAIN in head:
        assert [(name, counts.added, counts.money) for name, counts in by_department(preview)] == [
            ("Sales", 1, ()),
            ("Store", 1, ()),
        ]
        added = MoneyChange(currency="EUR", more_per_month=Decimal(20), less_per_month=Decimal(0))
        assert [(policy.id, counts.money) for policy, counts in by_policy(preview)] == [("again", (added,))]
