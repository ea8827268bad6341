"""Ranks of actions: the largest dated saving and the nearest deadline are among the first actions."""

import json
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.app.report.localization import localized_result
from auditor.catalogue import builtin
from auditor.cli.terminal.plan import print_plan
from auditor.demo import policies as demo_policies
from auditor.demo import snapshots
from auditor.domain.actions.priority import (
    FIRST,
    SOON,
    RankedItem,
    RankReason,
    Weight,
    most_important,
    rank_reason,
    ranked,
)
from auditor.domain.enums import Severity
from auditor.domain.result.model import Result
from auditor.localization import localization
from auditor.policy.loader import load
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import FleetPlan
from auditor.render.mail.message import mail_views
from auditor.render.mail.view import Reader
from auditor.render.plan.html import plan_html
from auditor.render.plan.json import plan_json
from auditor.render.plan.markdown import escaped, plan_markdown
from auditor.render.plan.outline import first_by_rank
from auditor.render.text.labels import Labels
from auditor.render.view.page import page
from tests.builders.result.actions import with_actions
from tests.builders.result.audited_demo import demo_result
from tests.builders.tenant.crowded_tenant import audited, crowded, planned
from tests.builders.tenant.tenants import NOW
from tests.localization.catalogue_messages import LANGUAGES

pytestmark = pytest.mark.slow


@cache
def result() -> Result:
    return audited(crowded())


@cache
def plan() -> FleetPlan:
    return planned(crowded())


@pytest.mark.parametrize(
    ("subjects", "tenants"),
    [
        ([("n", "e3", 1), ("n", None, 2), ("n", "e3", 3), ("n", None, 4)], {0: 0, 1: 0, 3: 0}),
        ([("n", "e3", 0), *(("n", name, name) for name in "abcdef")], {0: 0, 1: 0, 2: 0, 3: 0, 4: 0}),
        ([("n", "e3", "buy"), ("s", "e3", "remove")], {0: 0, 1: 0}),
        ([("n", "e3", "buy"), ("s", "e3", "buy"), ("w", "e3", "buy"), ("s", None, "block")], {0: 2, 3: 0}),
        ([("n", None, "block"), ("n", None, "block"), ("s", None, "block")], {0: 1, 1: 1}),
        ([("n", "e3", "buy"), ("n", "e3", "renew"), ("s", "e3", "renew")], {0: 0, 2: 1}),
        ([], {}),
    ],
)
def test_most_important_names_each_product_and_each_task_of_several_tenants_once(
    subjects: list[tuple[str, str | None, object]], tenants: dict[int, int]
) -> None:
    assert most_important(starmap(RankedItem, subjects)) == tenants


def test_report_has_one_date_for_the_seats_of_a_product() -> None:
    seat_highlights = [
        highlight
        for highlight in page(demo_result(), Labels("en")).highlights
        if "seats of" in highlight.title or "contract" in highlight.title
    ]
    (e3,) = (highlight for highlight in seat_highlights if "Microsoft 365 E3" in highlight.title)
    (tenant,) = (tenant for tenant in demo_result().tenants if tenant.name == "contoso")
    about_seats = {"remove-seats-at-renewal", "expiring", "contract-notice"}
    dates = {
        action.due
        for action in tenant.actions
        if "Microsoft 365 E3" in action.title and action.kind in about_seats and action.due is not None
    }
    assert [e3.due] == [f"decide by {Labels('en').date(day)}" for day in dates], "the last day to give notice"
    assert e3.movement.startswith("Microsoft 365 E3: 170 seats today, 147 assigned.")


def test_days_until_a_deadline_count_from_the_audit_not_from_the_snapshot() -> None:
    loaded, later = load(demo_policies(NOW)).policies, NOW + timedelta(days=5)
    audited_later = with_actions(audit(snapshots(NOW), loaded, builtin(), later), loaded)
    dated = [action for tenant in audited_later.tenants for action in tenant.actions if action.due is not None]
    assert all(action.due >= later.date() for action in dated if action.due is not None)
    nearest = min(dated, key=lambda action: action.due or date.max)
    assert nearest.due is not None
    days_left = (nearest.due - later.date()).days
    assert nearest.why == f"The nearest deadline: {days_left} day{'' if days_left == 1 else 's'} left."
    steps = [step for section in page(audited_later, Labels("en")).sections for step in section.actions]
    assert nearest.why in {step.why for step in steps}, "the page counts from the same day"


def test_days_left_are_written_with_the_separators_of_the_language() -> None:
    weight = Weight(severity=Severity.LOW, due=NOW.date() + timedelta(days=1095))
    reason = rank_reason(localization("nl"), RankReason.DEADLINE, weight, NOW.date())
    assert reason == "De eerstvolgende termijn: nog 1.095 dagen."


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (RankReason.DEADLINE, "The nearest deadline is today."),
        (RankReason.WEIGHT, "Severity: high; the deadline is today."),
    ],
)
def test_deadline_of_today_has_no_days_left(reason: RankReason, text: str) -> None:
    weight = Weight(severity=Severity.HIGH, findings=1, due=NOW.date(), saves=Decimal(7))
    assert rank_reason(ENGLISH, reason, weight, NOW.date()) == text


def test_large_idle_renewal_in_two_weeks_is_among_the_first_actions() -> None:
    first = sorted(result().tenants[0].actions, key=lambda action: action.rank)[:FIRST]
    idle = next(action for action in first if action.kind == "remove-seats-at-renewal")
    assert (idle.count, idle.due) == (1_087, date(2026, 12, 4))
    assert idle.money is not None
    assert idle.money.per_month == Decimal(25_001)
    assert idle.why == "The largest saving with a date in the next 90 days."
    assert any(action.due == date(2026, 11, 29) for action in first), "the nearest deadline"


def test_idle_seats_of_the_demo_that_renew_soon_are_highlighted() -> None:
    highlights = page(demo_result(), Labels("en")).highlights
    (seats,) = [
        highlight for highlight in highlights if "Microsoft 365 E3" in highlight.title and "seats" in highlight.title
    ]
    assert seats.due.startswith("decide by ")
    assert not any(highlight.why.startswith("Severity") for highlight in highlights), (
        "the severity is shown beside the highlight"
    )


def test_page_mail_and_markdown_list_the_same_first_actions_in_the_same_order() -> None:
    report_page = page(result(), Labels("en"))
    expected = [highlight.title for highlight in report_page.highlights]
    ranks = sorted(result().tenants[0].actions, key=lambda action: action.rank)
    assert expected == [action.title for action in ranks[:FIRST]]
    assert [step.action.title for step in report_page.sections[0].actions] == [action.title for action in ranks]
    mail = next(mail_views(result(), Reader(locale="en"), Labels("en")))
    assert [(act.title, act.why) for act in mail.actions] == [
        (highlight.title, highlight.why) for highlight in report_page.highlights
    ]
    titles = [action.title for action in sorted(plan().tenants[0].actions, key=lambda action: action.rank)[:FIRST]]
    markdown = plan_markdown(plan(), l10n=localization("en")).decode()
    lines = markdown.partition("### What to do first")[2].splitlines()
    assert [line for line in lines if line.startswith("- [Action ")][FIRST - 1]
    for title, line in zip(titles, [line for line in lines if line.startswith("- [Action ")][:FIRST], strict=True):
        assert title in line


def test_first_actions_of_a_plan_show_their_own_date() -> None:
    (tenant,) = plan().tenants
    dated = [(number, action) for number, action in first_by_rank(tenant) if action.due is not None]
    assert dated
    html = plan_html(plan(), l10n=localization("en")).decode().partition('<ol class="first-actions">')[2]
    items = html.partition("</ol>")[0].split("<li>")
    screen: list[str] = []
    print_plan(plan(), localization("en"), screen.append)
    for number, action in dated:
        assert action.due is not None
        (item,) = (item for item in items if action.title in item)
        saving = f"saving: {localization('en').money(action.saves.per_month, 'EUR')} a month · " if action.saves else ""
        reasons = f"{saving}decide before {localization('en').date(action.due)} · {action.why}"
        assert f"<small>Action {number} · {reasons}</small>" in item
        assert (
            f"**{escaped(action.title)}** · {escaped(reasons)}"
            in plan_markdown(plan(), l10n=localization("en")).decode()
        )
        assert f"{action.title} {reasons}" in " ".join(" ".join(screen).split())


def test_plan_json_has_rank_and_reason_and_either_saving_or_cost() -> None:
    for tenant in json.loads(plan_json(plan()))["tenants"]:
        assert sorted(action["rank"] for action in tenant["actions"]) == list(range(1, len(tenant["actions"]) + 1))
        for action in tenant["actions"]:
            assert action["why"]
            assert action["saves"] is None or action["costs"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_order_of_actions_is_the_same_in_every_language(language: str) -> None:
    localized = localized_result(result(), language)
    translated = planned(crowded(), l10n=localization(language))
    assert [action.id for action in translated.tenants[0].actions] == [
        action.id for action in plan().tenants[0].actions
    ]
    direct = audited(crowded(), l10n=localization(language))
    assert [action.id for action in direct.tenants[0].actions] == [a.id for a in result().tenants[0].actions]
    assert all(a.why != b.why for a, b in zip(localized.tenants[0].actions, result().tenants[0].actions, strict=True))


WEIGHTS = st.lists(
    st.builds(
        Weight,
        severity=st.sampled_from(Severity),
        saves=st.decimals(min_value=0, max_value=100_000, places=2),
        due=st.none() | st.dates(min_value=date(2026, 10, 1), max_value=date(2027, 12, 31)),
        findings=st.integers(0, 9),
    ),
    max_size=20,
)


@given(WEIGHTS)
def test_first_actions_include_the_largest_dated_saving_and_the_nearest_deadline(weights: list[Weight]) -> None:
    today = NOW.date()
    order = ranked(weights, today)
    assert sorted(index for index, _ in order) == list(range(len(weights)))
    first = [weights[index] for index, _ in order[:FIRST]]
    coming = [weight for weight in weights if weight.due is not None and weight.due >= today]
    near = [w for w in coming if w.due is not None and (w.due - today).days <= SOON and w.saves > 0]
    if near:
        assert max(w.saves for w in near) in {w.saves for w in first if w in near}
    if coming:
        assert min(w.due for w in coming if w.due is not None) in {w.due for w in first}
    assert sum(reason is not RankReason.WEIGHT for _, reason in order) <= 2
