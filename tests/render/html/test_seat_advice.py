"""What the table of seats advises about products whose findings actions about people resolve."""

from datetime import UTC, datetime

import pytest

from auditor.app.audit.run import Request
from auditor.render import render
from auditor.render.html.action_sets import action_sets
from auditor.render.html.finding_index import finding_indexes
from auditor.render.html.page import page
from auditor.render.text.labels import Labels
from tests.builders.result.audits import run

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)


@pytest.mark.slow
def test_a_product_whose_missing_seats_another_action_frees_has_advice() -> None:
    result = run(Request(demo=True, as_of=AS_OF, started=AS_OF))
    summary = b"".join(render(result, "markdown", locale="en").chunks()).decode()
    (row,) = [line for line in summary.splitlines() if line.startswith("| Visio Plan 2 |")]
    assert row.endswith("| over-assigned; the actions free 1 and give 0; then 0 of 10 are spare |")
    (bought,) = [line for line in summary.splitlines() if line.startswith("| Microsoft 365 F3 | 213")]
    assert "; the actions free 11 and give 9; then buy 3 |" in bought


@pytest.mark.slow
def test_actions_about_one_product_stand_together_in_the_order_of_the_plan() -> None:
    result, l10n = run(Request(demo=True, as_of=AS_OF, started=AS_OF)), Labels("en")
    indexes = finding_indexes(result, l10n)
    section = page(result, l10n, indexes=indexes).sections[0]
    sets = action_sets(section.steps, indexes[0], l10n).sets
    (power_bi,) = [each for each in sets if each.product == "Power BI Pro"]
    about = [step for step in section.steps if step.action.seats is not None and "Power BI Pro" in step.action.title]
    assert power_bi.count == len(about) > 5
    assert power_bi.seats.startswith("Power BI Pro: 60 seats today, 28 of them assigned.")
    assert power_bi.money == "saves €419.20 a month"
    assert power_bi.guides[0].actions[0].step is power_bi.first
    told = [guide.actions[0].step.action.kind for guide in power_bi.guides]
    assert told.index("leave-group") < told.index("remove-seats-at-renewal")
    guided = [act.step.anchor for each in sets for guide in each.guides for act in guide.actions]
    assert sorted(guided) == sorted(step.anchor for step in section.steps), "each action has its guidance"
