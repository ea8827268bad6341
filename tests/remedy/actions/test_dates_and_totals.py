"""Actions state known dates and seat totals, according to the tenant's agreement."""

from datetime import date

import pytest

from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.enums import Agreement
from auditor.render.text.actions import due_text
from auditor.render.text.evidence.contracts import consequence_text
from auditor.render.text.guidance import oldest
from auditor.render.text.labels import Labels
from tests.builders.result.audited_demo import demo_actions, demo_result
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
    for action in demo_actions():
        for request in action.requests:
            if finding.subject.id in request["path"]:
                added = [licence["skuId"] for licence in request["body"].get("addLicenses", ())]
                assert finding.product.sku_id not in added


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
