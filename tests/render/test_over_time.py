"""Curves of earlier runs, the line of renewals, and where each waiver stands."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from auditor.domain.words import Severity
from auditor.render.html import render
from auditor.render.over_time import Past, timeline, trends
from auditor.render.rows import Context
from auditor.render.totals import freed
from auditor.render.waivers import waiver_rows
from auditor.render.words import Words
from tests.render.sample import result

EN = Words("en")


def test_curves_need_an_earlier_run_and_stay_in_their_box() -> None:
    whole = result()
    assert trends(whole, (), EN) == ()
    past = Past(as_of=whole.run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={"EUR": Decimal(8000)})
    made = trends(whole, (past,), EN)
    assert [curve.first for curve in made] == ["90", "90", "€8,000.00"]
    for curve in made:
        points = [tuple(map(float, point.split(","))) for point in curve.points.split(" ")]
        assert len(points) == 2
        assert all(0 <= x <= 120 and 0 <= y <= 32 for x, y in points)
    text = b"".join(render(whole, locale="en", history=(past,)).chunks()).decode()
    assert text.count("<polyline") == 3


def test_renewals_stand_in_their_order_between_now_and_the_last() -> None:
    tenant = result().tenants[0]
    line = timeline(tenant, Context.of_tenant(tenant, {}, EN))
    assert line is not None
    assert [(each.name, each.date) for each in line.renewals] == [("Power BI Pro", "14 Dec 2026")]
    assert 0 < line.renewals[0].place < 600
    assert timeline(replace(tenant, findings=()), Context.of_tenant(tenant, {}, EN)) is None


def test_a_waiver_says_whether_it_holds() -> None:
    whole = result()
    written = [
        {"id": "W-1", "policies": ["leavers"], "expires": "2026-11-01"},
        {"id": "W-2026-014", "policies": ["frontline-f3"], "expires": "2026-12-01", "owner": "it"},
        {"id": "W-9", "policies": ["leavers"], "expires": "2027-12-01"},
    ]
    rows = waiver_rows(replace(whole, run=replace(whole.run, definitions={"waivers": written})), EN)
    assert [(row.id, row.key, row.findings) for row in rows] == [
        ("W-1", "expired", 0),
        ("W-2026-014", "expiring", 1),
        ("W-9", "active", 0),
    ]


def test_what_is_freed_is_told_apart_from_what_is_given_back_and_bought() -> None:
    tenant = result().tenants[0]
    action = tenant.actions[0]
    euro = action.money
    assert euro is not None
    three = (
        replace(action, order="reassign"),
        replace(action, order="remove"),
        replace(action, order="buy", money=replace(euro, per_month=Decimal(-5))),
    )
    made = freed(replace(tenant, actions=three))
    assert made.reassign == made.reduce == {euro.currency: euro.per_month}
    assert made.buy == {euro.currency: Decimal(5)}
