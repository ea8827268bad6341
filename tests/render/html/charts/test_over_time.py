"""Curves of earlier runs, the line of renewals, and where each waiver stands."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.history.earlier_runs import earlier, earlier_of_each
from auditor.domain.enums import Severity, Status
from auditor.domain.errors import SnapshotError, UsageError
from auditor.domain.message import Message
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.findings.table import FindingTable
from auditor.render import render
from auditor.render.html.charts.curves import sparks, trends
from auditor.render.html.rows import Context
from auditor.render.html.timeline import timeline
from auditor.render.text.earlier_run import BAR_HEIGHT, EarlierRun
from auditor.render.text.labels import Labels
from auditor.render.text.waivers import waiver_rows
from auditor.result.aggregate import freed, money, summarise
from auditor.result.seats import spare_seats
from tests.builders.result.results import result

EN = Labels("en")


def test_curves_need_an_earlier_run_and_stay_in_their_box() -> None:
    whole = result()
    assert trends(whole, (), EN) == ()
    past = EarlierRun(as_of=whole.run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={"EUR": Decimal(8000)})
    made = trends(whole, (past,), EN)
    assert [curve.first for curve in made] == ["90", "90", "€8,000.00"]
    assert made[0].label == "open findings"
    assert whole.fleet.findings
    (tenants, *_) = trends(whole, (replace(past, whole=False),), EN)
    assert tenants.label == "open findings within tenants", "the headline counts those across tenants too"
    for curve in made:
        points = [tuple(map(float, point.split(","))) for point in curve.points.split(" ")]
        assert len(points) == 2
        assert all(0 <= x <= 120 and 0 <= y <= 32 for x, y in points)
    text = b"".join(render(whole, "html", locale="en", history=(past,)).chunks()).decode()
    assert text.count("<polyline") == 3


def test_more_assigned_than_usable_is_drawn_below_nothing() -> None:
    whole = result()
    (seat, *_) = [seat for seat in whole.tenants[0].seats if seat.applies_to == "User"]
    short = replace(seat, sku_part_number="SPE_E3", usable=10, consumed=15, spare=-5)
    tenants = tuple(replace(each, failure=None, seats=(short,)) for each in whole.tenants[:1])
    past = EarlierRun(as_of=whole.run.as_of - timedelta(days=7), open={}, money={}, spare=15)
    (curve,) = [each for each in trends(replace(whole, tenants=tenants), (past,), EN) if each.label == "spare seats"]
    (_, before), (_, now) = (tuple(map(float, point.split(","))) for point in curve.points.split(" "))
    assert (before, curve.axis, now) == (0, 24, 32)


def test_renewals_stand_in_their_order_between_now_and_the_last() -> None:
    tenant = result().tenants[0]
    line = timeline(tenant, Context.of_tenant(tenant, {}, EN), tenant.findings, tenant.as_of)
    assert line is not None
    assert [(each.name, each.date, each.severity) for each in line.renewals] == [
        ("Power BI Pro", "14 Dec 2026", Severity.MEDIUM),
        ("Teams Premium", "18 Jan 2027", None),
        ("Microsoft 365 E3", "30 Jun 2027", None),
        ("Microsoft 365 E5", "30 Jun 2027", None),
    ]
    positions = [each.offset for each in line.renewals]
    assert positions == sorted(positions)
    assert (positions[0] > 0, positions[-1]) == (True, 600)
    assert line.more == 1  # F3 renews in 2029; the date of what was deleted is past
    assert line.renewals[1].summary == "trial, 40 seats bought, 28 spare today"
    assert (
        timeline(
            replace(tenant, findings=FindingTable.of(()), subscriptions=()),
            Context.of_tenant(tenant, {}, EN),
            (),
            tenant.as_of,
        )
        is None
    )


def test_a_subscription_without_a_finding_is_drawn_unmarked_and_one_with_a_finding_once() -> None:
    tenant = result().tenants[0]
    quiet = replace(tenant, findings=FindingTable.of(()))
    line = timeline(quiet, Context.of_tenant(quiet, {}, EN), quiet.findings, quiet.as_of)
    assert line is not None
    assert [(each.name, each.severity, each.anchor) for each in line.renewals][:2] == [
        ("Power BI Pro", None, None),
        ("Teams Premium", None, None),
    ]
    assert (line.renewals[0].state, line.renewals[0].summary) == (
        "Expired",
        "90 seats bought, 29 spare today",
    )
    whole = result()
    page = b"".join(render(replace(whole, tenants=(tenant,)), "html", locale="en").chunks()).decode()
    drawn = page[page.index('<svg class="line-of-time"') :]
    drawn = drawn[: drawn.index("</section>")]
    assert drawn.count('<circle class="plain"') == 3
    assert drawn.count('<circle class="medium"') == 1
    assert '<td>18 Jan 2027</td><th scope="row">Teams Premium</th>' in drawn
    assert drawn.count("<a href=") == 1
    assert '<p class="note">and 1 more</p>' in drawn


def test_what_waivers_cover_is_no_mark() -> None:
    tenant = result().tenants[0]
    waived = replace(
        tenant, findings=FindingTable.of(tuple(replace(each, status=Status.WAIVED) for each in tenant.findings))
    )
    line = timeline(waived, Context.of_tenant(waived, {}, EN), waived.findings, waived.as_of)
    assert line is not None
    assert {each.severity for each in line.renewals} == {None}


def test_the_line_holds_so_many_and_counts_the_rest() -> None:
    tenant = result().tenants[0]
    one = tenant.subscriptions[0]
    subscriptions = tuple(
        replace(one, id=f"{n:03}", next_lifecycle_date_time=tenant.as_of + timedelta(days=n)) for n in range(-3, 400)
    )
    there = replace(tenant, subscriptions=subscriptions)
    line = timeline(there, Context.of_tenant(there, {}, EN), there.findings, there.as_of)
    assert line is not None
    assert len(line.renewals) == 25
    assert line.renewals[0].date == "20 Nov 2026"  # a day is not past before its end
    assert line.more == 400 - 24
    far = replace(tenant, findings=FindingTable.of(()), subscriptions=subscriptions[-1:])
    assert timeline(far, Context.of_tenant(far, {}, EN), far.findings, far.as_of) is None


def test_names_of_subscriptions_do_no_harm() -> None:
    tenant = result().tenants[0]
    hostile = "<script>alert(1)</script>{{ 7*7 }}\x00" + "x" * 5000
    one = replace(tenant.subscriptions[0], sku_id="other", name=hostile, status=hostile)
    whole = replace(result(), tenants=(replace(tenant, subscriptions=(one,)),))
    page = b"".join(render(whole, "html", locale="en").chunks()).decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert "x" * 400 not in page


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


def test_what_is_freed_is_distinguished_from_what_is_given_back_and_bought() -> None:
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
    for given, left, bought in ((Decimal(1), euro.per_month - 1, 5), (euro.per_month + 2, None, 7)):
        move = replace(action, order="move", money=replace(euro, per_month=-given))
        made = freed(replace(tenant, actions=(*three, move)))
        assert made.reassign == ({} if left is None else {euro.currency: left}), "less what the actions give out"
        assert made.buy == {euro.currency: Decimal(bought)}, "what nothing frees has to be bought"


def test_seats_to_spare_are_those_of_the_day_of_the_audit() -> None:
    tenant = result().tenants[0]
    line = timeline(tenant, Context.of_tenant(tenant, {}, EN), tenant.findings, tenant.as_of)
    assert line is not None
    assert line.start == "20 Nov 2026"
    seats = tuple(replace(each, sku_id=line_sku(tenant), spare=7) for each in tenant.seats[:1])
    there = replace(tenant, seats=seats)
    timeline_of = timeline(there, Context.of_tenant(there, {}, EN), there.findings, there.as_of)
    assert timeline_of is not None
    assert "7 spare today" in timeline_of.renewals[0].summary


def line_sku(tenant: TenantResult) -> str:
    return next(
        f.product.sku_id or "" for f in tenant.findings if f.check.startswith("subscription.") and f.product is not None
    )


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "soon", 5, None])
def test_a_date_that_is_none_is_no_date_and_no_end_of_the_report(written: object) -> None:
    tenant = result().tenants[0]
    strange = tuple(
        replace(finding, evidence={**finding.evidence, "nextLifecycleDateTime": written}) for finding in tenant.findings
    )
    there = replace(tenant, findings=FindingTable.of(strange), subscriptions=())
    assert timeline(there, Context.of_tenant(there, {}, EN), there.findings, there.as_of) is None
    whole = result()
    assert b"".join(render(replace(whole, tenants=(there,)), "html", locale="en").chunks())


@pytest.mark.parametrize(
    ("date", "days"),
    [
        (datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-5))), []),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), []),
        (datetime(2026, 11, 20, 1, 0, tzinfo=timezone(timedelta(hours=2))), []),  # the day before
        (datetime(2026, 12, 1, 1, 0, tzinfo=timezone(timedelta(hours=2))), ["30 Nov 2026"]),
    ],
)
def test_the_day_of_a_subscription_is_reported_in_utc(date: datetime, days: list[str]) -> None:
    tenant = result().tenants[0]
    there = replace(
        tenant,
        findings=FindingTable.of(()),
        subscriptions=(replace(tenant.subscriptions[0], next_lifecycle_date_time=date),),
    )
    line = timeline(there, Context.of_tenant(there, {}, EN), there.findings, there.as_of)
    assert [each.date for each in (line.renewals if line is not None else ())] == days


def test_curves_come_from_a_folder_of_earlier_runs_of_the_same_tenants(tmp_path: Path) -> None:
    whole = result()
    for days, tenants in ((1, whole.tenants), (8, whole.tenants), (3, whole.tenants[:1]), (-1, whole.tenants)):
        then = whole.run.as_of - timedelta(days=days)
        past = replace(whole, run=replace(whole.run, as_of=then), tenants=tenants)
        folder = tmp_path / f"{days}"
        folder.mkdir()
        (folder / "result.json").write_bytes(b"".join(render(past, "json", locale="en").chunks()))
    found = earlier(tmp_path, whole)
    assert [past.as_of for past in found] == [whole.run.as_of - timedelta(days=days) for days in (8, 1)]
    assert found[0].open == whole.summary.open
    assert found[0].money == money(whole)
    text = b"".join(render(whole, "html", locale="en", history=found).chunks()).decode()
    assert "Over time" in text
    assert "66 on 12 Nov 2026, 66 (at least) now" in text


def _saved(folder: Path, past: Result) -> None:
    folder.mkdir()
    (folder / "result.json").write_bytes(b"".join(render(past, "json", locale="en").chunks()))


@pytest.mark.slow
def test_a_curve_compares_the_tenants_that_were_audited_now_and_then(tmp_path: Path) -> None:
    """Neither a tenant that left nor one that could not be read tonight may look like findings that were mended."""
    whole = result()
    first, second = whole.tenants
    failed = replace(
        second, findings=FindingTable.of(()), fixed=(), seats=(), failure=Message("the sign-in was refused")
    )
    runs = {1: whole.tenants, 2: (first, failed), 3: (failed,), 4: (first,), 5: whole.tenants}
    for day, tenants in runs.items():
        then = replace(whole.run, as_of=whole.run.as_of - timedelta(days=day))
        fleet = FleetResult() if len(tenants) == 1 else whole.fleet
        past = replace(whole, run=then, tenants=tenants, fleet=fleet, summary=summarise(tenants, fleet))
        _saved(tmp_path / f"{day}", past)

    def days(of: Result) -> list[int]:
        return [(whole.run.as_of - past.as_of).days for past in earlier(tmp_path, of)]

    alone = summarise((first,)).open
    assert days(whole) == [5, 1]
    for tenants in ((first,), (first, failed)):
        now = replace(whole, tenants=tenants, fleet=FleetResult(), summary=summarise(tenants))
        assert days(now) == [5, 4, 2, 1]
        assert all(past.open == alone for past in earlier(tmp_path, now))
        page = b"".join(render(now, "html", locale="en", history=earlier(tmp_path, now)).chunks()).decode()
        count = sum(alone.values())
        assert f"{count} on 15 Nov 2026, {count} (at least) now" in page
    assert earlier(tmp_path, replace(whole, tenants=(failed,))) == ()
    each = earlier_of_each(tmp_path, whole)
    assert {name: len(runs) for name, runs in each.items()} == {first.name: 4, second.name: 2}
    assert [past.open for past in each[second.name]] == [summarise((second,)).open] * 2


def test_a_history_that_is_not_there_or_damaged_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as none:
        earlier(tmp_path / "none", result())
    assert none.value.slug == "history-missing"
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(SnapshotError) as damaged:
        earlier(tmp_path, result())
    assert damaged.value.slug.startswith("result-")


def test_a_line_of_bars_says_what_its_curve_says() -> None:
    whole = result()
    runs = [
        EarlierRun(as_of=whole.run.as_of - timedelta(days=100 - n), open={Severity.HIGH: n}, money={}, spare=n)
        for n in range(99)
    ]
    assert sparks(whole, (), EN) == ()
    made = sparks(whole, runs, EN)
    assert [spark.label for spark in made][:2] == ["open findings", "critical and high"]
    for spark in made:
        assert len(spark.text) == len(spark.bars) <= 24
        assert all(1 <= high <= BAR_HEIGHT for high in spark.bars)
    assert made[0].text[0] == "▁"
    assert made[0].summary.startswith("0 on 12 Aug 2026, ")


def test_what_a_store_did_not_count_is_not_counted_now() -> None:
    whole = result()
    fleet = sum(finding.status.value == "open" for finding in whole.fleet.findings)
    assert fleet
    past = EarlierRun(as_of=whole.run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={})
    known, kept = (trends(whole, (replace(past, whole=each),), EN)[0] for each in (True, False))
    assert [int(each.last.partition(" ")[0]) for each in (known, kept)] == [
        sum(whole.summary.open.values()),
        sum(whole.summary.open.values()) - fleet,
    ]


def test_what_was_not_looked_at_did_not_get_less() -> None:
    past = EarlierRun(
        as_of=result().run.as_of - timedelta(days=7), open={Severity.HIGH: 90}, money={"EUR": Decimal(8000)}
    )
    tenants = tuple(replace(tenant, complete=True) for tenant in result().tenants)
    whole = replace(result(), tenants=tenants, summary=replace(result().summary, not_evaluated=0))
    partly = replace(whole, tenants=(replace(tenants[0], complete=False), *tenants[1:]))
    for one, other in zip(sparks(whole, (past,), EN), sparks(partly, (past,), EN), strict=True):
        assert "at least" not in one.summary
        assert other.summary == one.summary.replace(" now", " (at least) now")


def test_spare_seats_are_reported_where_every_number_is_known() -> None:
    whole = result()
    (seat, *_) = [seat for seat in whole.tenants[0].seats if seat.applies_to == "User"]
    known = replace(seat, sku_part_number="SPE_E3", usable=100, consumed=60, spare=40)
    free = replace(seat, sku_part_number="FLOW_FREE", usable=10_000, consumed=3, spare=9_997)
    tenants = tuple(replace(tenant, failure=None, seats=(known, free)) for tenant in whole.tenants)
    assert spare_seats(replace(whole, tenants=tenants)) == 40 * len(tenants)
    gap = replace(tenants[0], seats=(replace(known, spare=None),))
    assert spare_seats(replace(whole, tenants=(gap, *tenants[1:]))) is None
    lost = replace(tenants[0], failure=Message("it is gone"))
    assert spare_seats(replace(whole, tenants=(lost, *tenants[1:]))) is None
