"""Actions state known dates and seat totals, according to the tenant's agreement and to recent purchases."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.enums import Agreement
from auditor.domain.result.model import Subscription
from auditor.remedy.actions.subscription_terms import renewal_days, totals
from auditor.render.text.actions import due_text
from auditor.render.text.evidence.contracts import consequence_text
from auditor.render.text.guidance import oldest
from auditor.render.text.labels import Labels
from tests.builders.result.actions import with_actions
from tests.builders.result.audited_demo import demo_actions, demo_result
from tests.builders.result.results import result
from tests.builders.tenant import crowded_tenant
from tests.builders.tenant.plan_tenants import E3, planned, snapshot
from tests.builders.tenant.tenants import audited, person, policy_set
from tests.localization.catalogue_messages import LANGUAGES


@pytest.mark.slow
def test_step_to_choose_names_the_end_date_of_the_subscription() -> None:
    renewing = [action for action in demo_actions() if action.kind == ActionKind.EXPIRING]
    assert renewing
    for action in renewing:
        steps = [step for step in action.steps if " whether to renew" in step]
        assert steps
        assert all(step.startswith("Choose b") and " 2026 whether" in step for step in steps)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", *LANGUAGES])
def test_list_and_steps_state_a_date_as_last_day_or_as_the_day_before_which_to_act(language: str) -> None:
    l10n = Labels(language)
    last_days = {contract.notice for tenant in demo_result().tenants for contract in tenant.contracts or ()}
    last_days |= {contract.ends for tenant in demo_result().tenants for contract in tenant.contracts or ()}
    result = demo_result(language)
    dated = [action for tenant in result.tenants for action in tenant.actions if action.due is not None]
    assert {action.due in last_days for action in dated} == {True, False}
    for action in dated:
        assert action.due is not None
        assert action.due_included is (action.due in last_days), "subscriptions of the demo change on other days"
        word = l10n.gettext("by {day}" if action.due_included else "before {day}", day=l10n.day(action.due))
        steps = [step for step in action.steps if l10n.day(action.due) in step]
        assert steps, action.title
        assert all(word in step for step in steps), steps
        text = l10n.gettext(
            "decide by {date}" if action.due_included else "decide before {date}", date=l10n.date(action.due)
        )
        assert due_text(action, l10n) == text


@pytest.mark.slow
def test_purchase_states_the_new_total_if_subscriptions_are_known() -> None:
    buying = next(action for action in demo_actions() if action.kind == ActionKind.BUY)
    assert any("the new total is" in text for text in buying.prerequisites)


@pytest.mark.slow
def test_no_action_removes_seats_of_a_trial() -> None:
    trials = {
        subscription.sku_id
        for tenant in demo_result().tenants
        for subscription in tenant.subscriptions
        if subscription.is_trial
    }
    paid = {
        subscription.sku_id
        for tenant in demo_result().tenants
        for subscription in tenant.subscriptions
        if not subscription.is_trial
    }
    removal_kinds = {ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL, ActionKind.REMOVE_BY_SELLER}
    for tenant in demo_result().tenants:
        sku_ids = {f.fingerprint: f.product.sku_id for f in tenant.findings if f.product is not None}
        removed = {
            sku_ids.get(fingerprint)
            for action in tenant.actions
            if action.kind in removal_kinds
            for fingerprint in action.findings
        }
        assert not removed & (trials - paid)


def test_titles_name_subscription_states_as_the_admin_center_does() -> None:
    titles = [action.title for action in demo_actions() if action.kind == ActionKind.STATE]
    assert titles
    assert not any("(Suspended)" in title or "(Warning)" in title for title in titles)
    assert all(title.endswith(("(Disabled)", "(Expired)")) for title in titles)


def test_removal_kind_follows_the_agreement() -> None:
    assert {agreement: removal_kind(agreement) for agreement in Agreement} == {
        Agreement.MOSA: ActionKind.REMOVE_NOW,
        Agreement.MCA: ActionKind.REMOVE_AT_RENEWAL,
        Agreement.UNKNOWN: ActionKind.REMOVE_AT_RENEWAL,
        Agreement.VOLUME: ActionKind.REMOVE_BY_SELLER,
        Agreement.CSP: ActionKind.REMOVE_BY_SELLER,
    }


def test_group_licence_in_error_is_not_assigned_directly() -> None:
    (finding,) = (
        finding
        for tenant in demo_result().tenants
        for finding in tenant.findings
        if finding.check == "assignment.error" and "MutuallyExclusive" in (finding.detail or "")
    )
    assert finding.product is not None
    paths = [request["path"] for action in demo_actions() for request in action.requests]
    assert paths
    assert not any(finding.subject.id in path for path in paths), "no request is about the person"


@pytest.mark.parametrize("locale", ["en", *LANGUAGES])
def test_text_about_the_end_of_a_term_differs_by_agreement(locale: str) -> None:
    l10n = Labels(locale)
    today = date(2026, 11, 22)
    texts = {agreement: consequence_text("Enabled", agreement, today, l10n) for agreement in Agreement}
    assert len(set(texts.values())) == len(Agreement)
    assert consequence_text("Enabled", Agreement.MCA, date(2026, 2, 8), l10n) == consequence_text(
        "Enabled", Agreement.MOSA, date(2026, 2, 8), l10n
    )
    assert consequence_text("Suspended", Agreement.MCA, today, l10n) not in texts.values()
    trial_texts = {
        agreement: consequence_text("Enabled", agreement, today, l10n, trial=True) for agreement in Agreement
    }
    assert (
        trial_texts[Agreement.VOLUME]
        == trial_texts[Agreement.CSP]
        != trial_texts[Agreement.MCA]
        == trial_texts[Agreement.MOSA]
    )


def test_oldest_is_the_earliest_check_date_of_the_guidance() -> None:
    day = oldest(demo_actions())
    assert day is not None
    assert day.isoformat() == min(action.checked for action in demo_actions())
    assert oldest(()) is None


def subscription(status: str | None, total: int | None, *, trial: bool | None = False) -> Subscription:
    return Subscription(
        id=f"{status}-{total}",
        sku_id="sku",
        sku_part_number="SKU",
        name="Product",
        status=status,
        is_trial=trial,
        total_licenses=total,
        next_lifecycle_date_time=datetime(2027, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("others", "usable", "expected"),
    [
        ([], 5, (1, 5)),
        *(([subscription(status, 10)], 15, (2, 15)) for status in ("Enabled", "enabled", "Warning", "WARNING")),
        *(([subscription(status, 10)], 5, (1, 5)) for status in ("Suspended", "LockedOut", "Deleted", None)),
        ([subscription("Enabled", 10, trial=True)], 15, (1, 5)),
        ([subscription("Enabled", 10, trial=None)], 15, (2, 15)),
        ([subscription("Enabled", None)], 15, None),
        ([replace(subscription("Enabled", 10), sku_id="other")], 5, (1, 5)),
        ([], 15, None),  # ten seats of a subscription without a date, which is not in the result
        ([subscription("Enabled", 10)], None, None),
    ],
)
def test_totals_are_those_of_active_paid_subscriptions_if_all_seats_are_known(
    others: list[Subscription], usable: int | None, expected: tuple[int, int] | None
) -> None:
    first = result().tenants[0]
    seats = replace(first.seats[0], sku_id="sku", usable=usable)
    tenant = replace(first, subscriptions=(subscription("Enabled", 5), *others), seats=(*first.seats, seats))
    assert totals(tenant, "SKU") == expected
    assert totals(replace(tenant, subscriptions=()), "SKU") is None
    assert totals(tenant, "OTHER") is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("Enabled", False, 30)], 30),
        ([("Enabled", False, 30), ("Warning", None, 9), ("Enabled", False, 20)], 9),
        ([("Enabled", False, 9), ("Enabled", False, 30)], 9),
        ([("Enabled", False, 0)], 0),
        ([("Enabled", False, -1), ("Enabled", False, 30)], 30),
        ([("Enabled", True, 9), ("Enabled", False, 30)], 30),
        ([("Suspended", False, 9), (None, False, 8), ("Enabled", False, 30)], 30),
        ([("Enabled", False, -1)], None),
    ],
)
def test_next_renewal_is_that_of_an_active_paid_subscription(
    rows: list[tuple[str | None, bool | None, int]], expected: int | None
) -> None:
    today = datetime(2026, 11, 20, 12, tzinfo=UTC)
    dated = [
        replace(subscription(status, number, trial=trial), next_lifecycle_date_time=today + timedelta(days=days))
        for number, (status, trial, days) in enumerate(rows)
    ]
    other = replace(subscription("Enabled", 99), sku_id="OTHER", next_lifecycle_date_time=today + timedelta(days=3))
    tenant = replace(result().tenants[0], subscriptions=(replace(dated[0], sku_id="Sku"), *dated[1:], other))
    days = {sku_id: (day - today.date()).days for sku_id, day in renewal_days(tenant, today.date()).items()}
    assert days == {"other": 3, **({} if expected is None else {"sku": expected})}


@pytest.mark.parametrize(
    ("held", "trial", "total"),
    [
        (3, 0, None),  # one subscription, whose seats are in the first sentence
        (3, 10, "has 10 seats today; the new total is 3."),
        (9, 10, "has 10 seats today; the new total is 9."),
        (10, 10, None),  # only seats of the trial are spare
    ],
)
def test_new_total_is_named_if_paid_subscriptions_have_the_seats_to_remove(
    held: int, trial: int, total: str | None
) -> None:
    rows = [crowded_tenant.subscription("SPE_F1", 10, "2026-12-28")]
    rows += [{**crowded_tenant.subscription("SPE_F1", trial, "2026-12-01"), "isTrial": True}] if trial else []
    people = [person(f"p{number}", "SPE_F1") for number in range(held)]
    state = crowded_tenant.state_of(people, [crowded_tenant.product("SPE_F1", 10 + trial, held)], rows)
    text = "policies: [{id: idle, severity: low, seats: {of: [SPE_F1], spare: {max: 0}}}]"
    (action,) = crowded_tenant.audited(state, text).tenants[0].actions
    notes = [note for note in action.prerequisites if "new total" in note]
    assert notes == ([] if total is None else [f"Microsoft 365 F3 {total}"])


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
