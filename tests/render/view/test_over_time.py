"""Tests the charts of earlier runs, the timeline of renewals, and the state of each waiver."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.history.earlier_runs import earlier, earlier_of_each
from auditor.domain.enums import Severity, Status
from auditor.domain.errors import Diagnostic, Level, UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.text.labels import Labels
from auditor.render.text.waivers import waiver_rows
from auditor.render.view.curves import BAR_HEIGHT, trends
from auditor.render.view.model import Timeline
from auditor.render.view.rows import Context
from auditor.render.view.timeline import timeline
from auditor.result.aggregate import action_amounts, money, summarise
from auditor.result.seats import spare_seats
from tests.builders.result.rendered import rendered_bytes, rendered_text
from tests.builders.result.results import result

EN = Labels("en")


def timeline_of(tenant: TenantResult) -> Timeline | None:
    return timeline(tenant, Context.of_tenant(tenant, {}, EN), tenant.findings, tenant.as_of)


def test_trends_need_an_earlier_run_and_stay_within_the_chart() -> None:
    current = result()
    assert trends(current, (), EN) == ()
    past = EarlierRun(
        as_of=current.run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={"EUR": Decimal(8000)}
    )
    curves = trends(current, (past,), EN)
    assert [curve.summary.partition(" on ")[0] for curve in curves] == ["90", "90", "€8,000.00"]
    assert curves[0].label == "open findings"
    assert current.fleet.findings
    (tenants, *_) = trends(current, (replace(past, includes_fleet=False),), EN)
    assert tenants.label == "open findings within tenants", "the headline counts those across tenants too"
    for curve in curves:
        points = [tuple(map(float, point.split(","))) for point in curve.points.split(" ")]
        assert len(points) == 2
        assert all(0 <= x <= 120 and 0 <= y <= 32 for x, y in points)
    text = rendered_text(current, "html", history=(past,))
    assert text.count("<polyline") == 3


def test_negative_spare_seats_are_drawn_below_zero() -> None:
    current = result()
    (seat, *_) = [seat for seat in current.tenants[0].seats if seat.applies_to == "User"]
    short = replace(seat, sku_part_number="SPE_E3", usable=10, consumed=15, spare=-5)
    tenants = tuple(replace(tenant, failure=None, seats=(short,)) for tenant in current.tenants[:1])
    past = EarlierRun(as_of=current.run.as_of - timedelta(days=7), open={}, money={}, spare=15)
    (curve,) = [
        trend for trend in trends(replace(current, tenants=tenants), (past,), EN) if trend.label == "spare seats"
    ]
    (_, before), (_, now) = (tuple(map(float, point.split(","))) for point in curve.points.split(" "))
    assert (before, curve.axis, now) == (0, 24, 32)


def test_renewals_are_in_order_of_their_dates() -> None:
    tenant = result().tenants[0]
    line = timeline_of(tenant)
    assert line is not None
    assert [(renewal.name, renewal.date, renewal.severity) for renewal in line.renewals] == [
        ("Power BI Pro", "14 Dec 2026", Severity.MEDIUM),
        ("Teams Premium", "18 Jan 2027", None),
        ("Microsoft 365 E3", "30 Jun 2027", None),
        ("Microsoft 365 E5", "30 Jun 2027", None),
    ]
    positions = [renewal.offset for renewal in line.renewals]
    assert positions == sorted(positions)
    assert (positions[0] > 0, positions[-1]) == (True, 600)
    assert line.more == 1  # F3 renews in 2029; the date of the deleted subscription is past
    assert line.renewals[1].summary == "trial, 40 seats purchased, 28 spare today"
    assert timeline_of(replace(tenant, findings=FindingTable.of(()), subscriptions=())) is None


def test_subscription_is_unmarked_without_a_finding_and_drawn_once_with_one() -> None:
    tenant = result().tenants[0]
    clean = replace(tenant, findings=FindingTable.of(()))
    line = timeline_of(clean)
    assert line is not None
    assert [(renewal.name, renewal.severity, renewal.anchor) for renewal in line.renewals][:2] == [
        ("Power BI Pro", None, None),
        ("Teams Premium", None, None),
    ]
    assert (line.renewals[0].state, line.renewals[0].summary) == ("Expired", "90 seats purchased, 29 spare today")
    sample = result()
    page = rendered_text(replace(sample, tenants=(tenant,)), "html")
    svg = page[page.index('<svg class="line-of-time"') :]
    svg = svg[: svg.index("</section>")]
    assert svg.count('<circle class="plain"') == 3
    assert svg.count('<circle class="medium"') == 1
    assert '<td>18 Jan 2027</td><th scope="row">Teams Premium</th>' in svg
    assert svg.count("<a href=") == 1
    assert '<p class="note">and 1 more</p>' in svg


def test_waived_findings_do_not_mark_a_renewal() -> None:
    tenant = result().tenants[0]
    waived = replace(
        tenant, findings=FindingTable.of(tuple(replace(finding, status=Status.WAIVED) for finding in tenant.findings))
    )
    line = timeline_of(waived)
    assert line is not None
    assert {renewal.severity for renewal in line.renewals} == {None}


def test_timeline_lists_at_most_25_renewals_and_counts_the_rest() -> None:
    tenant = result().tenants[0]
    subscription = tenant.subscriptions[0]
    subscriptions = tuple(
        replace(subscription, id=f"{n:03}", next_lifecycle_date_time=tenant.as_of + timedelta(days=n))
        for n in range(-3, 400)
    )
    crowded = replace(tenant, subscriptions=subscriptions)
    line = timeline_of(crowded)
    assert line is not None
    assert len(line.renewals) == 25
    assert line.renewals[0].date == "20 Nov 2026"  # today counts as a future date until its end
    assert line.more == 400 - 24
    far = replace(tenant, findings=FindingTable.of(()), subscriptions=subscriptions[-1:])
    assert timeline_of(far) is None


def test_hostile_names_of_subscriptions_are_escaped_and_cut() -> None:
    tenant = result().tenants[0]
    hostile = "<script>alert(1)</script>{{ 7*7 }}\x00" + "x" * 5000
    subscription = replace(tenant.subscriptions[0], sku_id="other", name=hostile, status=hostile)
    sample = replace(result(), tenants=(replace(tenant, subscriptions=(subscription,)),))
    page = rendered_text(sample, "html")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert "x" * 400 not in page


def test_waiver_rows_show_whether_a_waiver_is_active() -> None:
    sample = result()
    waivers = [
        {"id": "W-1", "policies": ["leavers"], "expires": "2026-11-01"},
        {"id": "W-2026-014", "policies": ["frontline-f3"], "expires": "2026-12-01", "owner": "it"},
        {"id": "W-9", "policies": ["leavers"], "expires": "2027-12-01"},
    ]
    rows = waiver_rows(replace(sample, run=replace(sample.run, definitions={"waivers": waivers})), EN)
    assert [(row.id, row.key, row.findings) for row in rows] == [
        ("W-1", "expired", 0),
        ("W-2026-014", "expiring", 1),
        ("W-9", "active", 0),
    ]


def test_freed_money_is_split_into_reassigned_reduced_and_bought() -> None:
    action = result().tenants[0].actions[0]
    euro = action.money
    assert euro is not None
    basic = (
        replace(action, order="reassign"),
        replace(action, order="remove"),
        replace(action, order="buy", money=replace(euro, per_month=Decimal(-5))),
    )
    amounts = action_amounts(basic)
    assert amounts.reassign == amounts.reduce == {euro.currency: euro.per_month}
    assert amounts.buy == {euro.currency: Decimal(5)}
    for cost, reassigned, bought in ((Decimal(1), euro.per_month - 1, 5), (euro.per_month + 2, None, 7)):
        move = replace(action, order="move", money=replace(euro, per_month=-cost))
        amounts = action_amounts((*basic, move))
        assert amounts.reassign == ({} if reassigned is None else {euro.currency: reassigned}), (
            "minus the cost of the move"
        )
        assert amounts.buy == {euro.currency: Decimal(bought)}, "the part that nothing frees has to be bought"


@pytest.mark.parametrize(("spare", "text"), [(7, "7 spare today"), (-2, "2 more seats are assigned than usable")])
def test_spare_seats_are_those_of_the_day_of_the_audit(spare: int, text: str) -> None:
    tenant = result().tenants[0]
    original = timeline_of(tenant)
    assert original is not None
    assert original.start == "20 Nov 2026"
    sku_id = sku_of_first_subscription_finding(tenant)
    line = timeline_of(replace(tenant, seats=(replace(tenant.seats[0], sku_id=sku_id, spare=spare),)))
    assert line is not None
    assert text in line.renewals[0].summary


def sku_of_first_subscription_finding(tenant: TenantResult) -> str:
    return next(
        f.product.sku_id or "" for f in tenant.findings if f.check.startswith("subscription.") and f.product is not None
    )


@pytest.mark.parametrize("date", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "soon", 5, None])
def test_invalid_renewal_date_is_left_out(date: object) -> None:
    tenant = result().tenants[0]
    changed = tuple(
        replace(finding, evidence={**finding.evidence, "nextLifecycleDateTime": date}) for finding in tenant.findings
    )
    invalid = replace(tenant, findings=FindingTable.of(changed), subscriptions=())
    assert timeline_of(invalid) is None
    sample = result()
    assert rendered_bytes(replace(sample, tenants=(invalid,)), "html")


@pytest.mark.parametrize(
    ("date", "days"),
    [
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5))), []),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), []),
        (datetime(2026, 11, 20, 1, 0, tzinfo=timezone(timedelta(hours=2))), []),  # the day before
        (datetime(2026, 12, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))), ["30 Nov 2026"]),
    ],
)
def test_renewal_date_of_a_subscription_is_in_utc(date: datetime, days: list[str]) -> None:
    tenant = result().tenants[0]
    with_date = replace(
        tenant,
        findings=FindingTable.of(()),
        subscriptions=(replace(tenant.subscriptions[0], next_lifecycle_date_time=date),),
    )
    line = timeline_of(with_date)
    assert [renewal.date for renewal in (line.renewals if line is not None else ())] == days


@pytest.mark.slow
def test_trends_are_read_from_earlier_runs_of_the_same_tenants(tmp_path: Path) -> None:
    current = result()
    for days, tenants in ((1, current.tenants), (8, current.tenants), (3, current.tenants[:1]), (-1, current.tenants)):
        day = current.run.as_of - timedelta(days=days)
        past = replace(current, run=replace(current.run, as_of=day), tenants=tenants)
        _save(tmp_path / f"{days}", past)
    earlier_runs = earlier(tmp_path, current)
    assert [past.as_of for past in earlier_runs] == [current.run.as_of - timedelta(days=days) for days in (8, 1)]
    assert earlier_runs[0].open == current.summary.open
    assert earlier_runs[0].money == money(current)
    text = rendered_text(current, "html", history=earlier_runs)
    assert "Over time" in text
    assert "66 on 12 Nov 2026, 66 (at least) now" in text
    assert "<strong>66 (at least)</strong> open findings <small>66 on 12 Nov 2026</small>" in text


def _save(folder: Path, past: Result) -> None:
    folder.mkdir()
    (folder / "result.json").write_bytes(rendered_bytes(past, "json"))


@pytest.mark.slow
def test_trend_compares_only_tenants_audited_in_both_runs(tmp_path: Path) -> None:
    """The findings of a tenant that was removed, or could not be read now, must not look fixed."""
    current = result()
    first, second = current.tenants
    failed = replace(
        second, findings=FindingTable.of(()), fixed=(), seats=(), failure=Message("the sign-in was refused")
    )
    runs = {1: current.tenants, 2: (first, failed), 3: (failed,), 4: (first,), 5: current.tenants}
    for day, tenants in runs.items():
        run_of_day = replace(current.run, as_of=current.run.as_of - timedelta(days=day))
        fleet = FleetResult() if len(tenants) == 1 else current.fleet
        past = replace(current, run=run_of_day, tenants=tenants, fleet=fleet, summary=summarise(tenants, fleet))
        _save(tmp_path / f"{day}", past)

    def days(of: Result) -> list[int]:
        return [(current.run.as_of - past.as_of).days for past in earlier(tmp_path, of)]

    alone = summarise((first,)).open
    assert days(current) == [5, 1]
    for tenants in ((first,), (first, failed)):
        latest = replace(current, tenants=tenants, fleet=FleetResult(), summary=summarise(tenants))
        assert days(latest) == [5, 4, 2, 1]
        assert all(past.open == alone for past in earlier(tmp_path, latest))
        page = rendered_text(latest, "html", history=earlier(tmp_path, latest))
        count = sum(alone.values())
        assert f"{count} on 15 Nov 2026, {count} (at least) now" in page
    assert earlier(tmp_path, replace(current, tenants=(failed,))) == ()
    history_of = earlier_of_each(tmp_path, current)
    assert {name: len(runs) for name, runs in history_of.items()} == {first.name: 4, second.name: 2}
    assert [past.open for past in history_of[second.name]] == [summarise((second,)).open] * 2


def test_missing_history_raises_an_error_and_a_damaged_result_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as missing:
        earlier(tmp_path / "none", result())
    assert missing.value.slug == "history-missing"
    (tmp_path / "result.json").write_text("{}")
    reported: list[Diagnostic] = []
    assert earlier(tmp_path, result(), reported.append) == ()
    damaged, none = reported
    assert (damaged.slug.startswith("result-"), damaged.level) == (True, Level.ERROR)
    assert (none.slug, none.level) == ("history-none", Level.WARNING)


def test_sparkline_has_a_bar_and_a_character_for_each_run() -> None:
    current = result()
    runs = [
        EarlierRun(as_of=current.run.as_of - timedelta(days=100 - n), open={Severity.HIGH: n}, money={}, spare=n)
        for n in range(99)
    ]
    assert trends(current, (), EN) == ()
    lines = trends(current, runs, EN)
    assert [spark.label for spark in lines][:2] == ["open findings", "critical and high"]
    for spark in lines:
        assert len(spark.text) == sum(samples for _, samples in spark.bars) <= 24
        assert all(1 <= height <= BAR_HEIGHT for height, _ in spark.bars)
    assert lines[0].text[0] == "▁"
    assert lines[0].summary.startswith("0 on 12 Aug 2026, ")


def test_fleet_findings_are_excluded_if_earlier_runs_did_not_count_them() -> None:
    current = result()
    fleet = sum(finding.status.value == "open" for finding in current.fleet.findings)
    assert fleet
    past = EarlierRun(as_of=current.run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={})
    curves = [trends(current, (replace(past, includes_fleet=with_fleet),), EN)[0] for with_fleet in (True, False)]
    assert [int(curve.last.partition(" ")[0]) for curve in curves] == [
        sum(current.summary.open.values()),
        sum(current.summary.open.values()) - fleet,
    ]


def test_sparkline_of_an_incomplete_audit_is_a_lower_bound() -> None:
    past = EarlierRun(
        as_of=result().run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={"EUR": Decimal(8000)}
    )
    tenants = tuple(replace(tenant, complete=True) for tenant in result().tenants)
    audited_fully = replace(result(), tenants=tenants, summary=replace(result().summary, not_evaluated=0))
    incomplete = replace(audited_fully, tenants=(replace(tenants[0], complete=False), *tenants[1:]))
    for full, partial in zip(trends(audited_fully, (past,), EN), trends(incomplete, (past,), EN), strict=True):
        assert "at least" not in full.summary
        assert partial.summary == full.summary.replace(" now", " (at least) now")


def test_spare_seats_are_summed_only_if_every_number_is_known() -> None:
    sample = result()
    (seat, *_) = [seat for seat in sample.tenants[0].seats if seat.applies_to == "User"]
    paid = replace(seat, sku_part_number="SPE_E3", usable=100, consumed=60, spare=40)
    free = replace(seat, sku_part_number="FLOW_FREE", usable=10_000, consumed=3, spare=9_997)
    tenants = tuple(replace(tenant, failure=None, seats=(paid, free)) for tenant in sample.tenants)
    assert spare_seats(replace(sample, tenants=tenants)) == 40 * len(tenants)
    gap = replace(tenants[0], seats=(replace(paid, spare=None),))
    assert spare_seats(replace(sample, tenants=(gap, *tenants[1:]))) is None
    failed = replace(tenants[0], failure=Message("it is gone"))
    assert spare_seats(replace(sample, tenants=(failed, *tenants[1:]))) is None
