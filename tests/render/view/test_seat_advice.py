"""Tests the advice of the seat table for products whose findings are resolved by actions on users."""

from datetime import UTC, datetime

import pytest

from auditor.app.audit.run import Request
from auditor.domain.actions.seat_movement import SeatMovement, seat_movement
from auditor.remedy.english import ENGLISH
from auditor.render.html.action_sets import action_sets
from auditor.render.text.evidence.evidence import advice_after_actions
from auditor.render.text.labels import Labels
from auditor.render.view.finding_index import finding_indexes
from auditor.render.view.page import page
from tests.builders.result.audits import run
from tests.builders.result.rendered import rendered_text

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)


@pytest.mark.slow
def test_seat_advice_counts_the_seats_that_other_actions_free() -> None:
    result = run(Request(demo=True, as_of=AS_OF))
    summary = rendered_text(result, "markdown")
    (row,) = [line for line in summary.splitlines() if line.startswith("| Visio Plan 2 |")]
    assert row.endswith("| over-assigned; the actions free 1; then 0 of 10 are spare |")
    (f3_row,) = [line for line in summary.splitlines() if line.startswith("| Microsoft 365 F3 | 213")]
    assert "; the actions free 11 and assign 9; then buy 3 |" in f3_row


@pytest.mark.parametrize(
    ("locale", "spare", "change", "text"),
    [
        ("en", 1, 0, "; then 1 of 20 is spare"),
        ("en", 2, 0, "; then 2 of 20 are spare"),
        ("en", 3, -1, "; then 1 of 20 is too many"),
        ("nl", 1, 0, "; daarna is 1 van de 20 vrij"),
        ("sv", 1, 0, "; därefter är 1 av 20 ledig"),
    ],
)
def test_seat_advice_about_one_seat_is_singular(locale: str, spare: int, change: int, text: str) -> None:
    moved = SeatMovement(sku_id=None, usable=20, assigned=21 - spare, freed=1, given=0, added=change)
    assert advice_after_actions(change, moved, Labels(locale)).endswith(text)


@pytest.mark.parametrize(
    ("freed", "given", "text"),
    [
        (2, 0, "the actions free 2; then 3 of 20 are spare"),
        (0, 2, "the actions assign 2; then 3 of 20 are spare"),
        (2, 2, "the actions free 2 and assign 2; then 3 of 20 are spare"),
    ],
)
def test_seat_advice_leaves_out_a_number_that_is_zero(freed: int, given: int, text: str) -> None:
    moved = SeatMovement(sku_id=None, usable=20, assigned=17 + freed - given, freed=freed, given=given)
    assert advice_after_actions(0, moved, Labels("en")) == text
    note = seat_movement(ENGLISH, "Visio", moved)
    assert f" T{text.partition(';')[0][1:]}; seats needed afterwards: 17. " in note


def test_seats_that_no_action_moves_are_only_counted() -> None:
    note = seat_movement(ENGLISH, "Visio", SeatMovement(sku_id=None, usable=5, assigned=3, added=-2))
    assert note == (
        "Visio: 5 seats today, 3 assigned. Seats needed once the actions are done: 3. "
        "To remove: 2. Seats afterwards: 3, 0 of them spare."
    )


@pytest.mark.slow
def test_actions_on_one_product_are_grouped_in_plan_order() -> None:
    result, l10n = run(Request(demo=True, as_of=AS_OF)), Labels("en")
    indexes = finding_indexes(result, l10n)
    section = page(result, l10n, indexes=indexes).sections[0]
    sets = action_sets(section.actions, indexes[0], l10n).sets
    (power_bi,) = [group for group in sets if group.product == "Power BI Pro"]
    steps = [step for step in section.actions if step.action.seats is not None and "Power BI Pro" in step.action.title]
    assert power_bi.count == len(steps) > 5
    assert power_bi.seats.startswith("Power BI Pro: 60 seats today, 28 assigned.")
    lines = [text for guide in power_bi.guides for _, part in guide.guidance.parts for text, _ in part.lines]
    assert lines
    assert power_bi.seats not in lines, "the heading of the group says it already"
    assert power_bi.money == "saving: €419.20 a month"
    assert power_bi.guides[0].actions[0].entry is power_bi.first
    kinds = [guide.actions[0].entry.action.kind for guide in power_bi.guides]
    assert kinds.index("leave-group") < kinds.index("remove-seats-at-renewal")
    anchors = [act.entry.anchor for group in sets for guide in group.guides for act in guide.actions]
    assert sorted(anchors) == sorted(step.anchor for step in section.actions), "each action has its guidance"
