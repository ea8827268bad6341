"""Actions about contracts and subscriptions that have ended, and several actions about keeping one product."""

import pytest

from auditor.domain.actions.action import Action
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import person

CONTRACTS = """
policies:
  - {{id: ends, severity: high, contracts: {{ending: {{within: 60d}}}}}}
  - {{id: recorded, severity: low, contracts: {{missing: deny}}}}
  - {{id: renewed, severity: low, subscriptions: {{of: paid, expiring: {{within: 60d}}}}}}
contracts:
  - {{id: C-1, products: [VISIOCLIENT], term: P1Y, ends: {ends}, renews: by-decision}}
"""
STATES = "policies: [{id: state, severity: high, subscriptions: {of: paid, states: {deny: [Suspended]}}}]"
RENEWING = """
policies: [{{id: renewed, severity: low, subscriptions: {{of: paid, expiring: {{within: 60d}}}}}}]
contracts:
  - {{id: C-1, products: [VISIOCLIENT], term: P1Y, ends: 2027-01-10, renews: automatically, notice: {notice}}}
"""
KEEP = "decide once whether to keep it"


def contract_actions(ends: str, *, renewal: str = "2027-06-01") -> list[Action]:
    """Return the actions of a tenant with one contract, by kind; the audit is on 20 November 2026."""
    state = state_of([], [product("VISIOCLIENT", 5, 0)], [subscription("VISIOCLIENT", 5, renewal)])
    return list(audited(state, CONTRACTS.format(ends=ends)).tenants[0].actions)


def test_contract_that_ended_and_its_missing_successor_are_one_action() -> None:
    (action,) = contract_actions("2026-11-19")
    title = "Record the renewal of the contract for Visio Plan 2, or stop using the product (C-1 has ended)"
    assert (action.title, action.guidance, len(action.findings)) == (title, "contract-missing", 2)
    assert any("`contracts` in the policy file" in step for step in action.steps)
    assert not any("Tell the seller" in step for step in action.steps), "it is too late to give notice"
    assert action.due is None


@pytest.mark.parametrize("ends", ["2026-11-20", "2026-12-31"])
def test_contract_in_force_is_about_to_end(ends: str) -> None:
    (action,) = contract_actions(ends)
    assert action.title == "Renew the contract for Visio Plan 2, or prepare for its end (C-1)"
    assert (action.guidance, str(action.due)) == ("contract-end", ends)


@pytest.mark.parametrize(("renewal", "asked"), [("2027-06-01", False), ("2026-12-10", True)])
def test_actions_about_keeping_the_same_product_say_so(renewal: str, *, asked: bool) -> None:
    actions = contract_actions("2026-12-31", renewal=renewal)
    assert len(actions) == 1 + asked
    assert [any(KEEP in text for text in action.prerequisites) for action in actions] == [asked] * len(actions)


@pytest.mark.parametrize(
    ("notice", "due", "included"),
    [("32d", "2026-12-09", True), ("31d", "2026-12-10", False), ("30d", "2026-12-10", False)],
)
def test_last_day_to_give_notice_is_included_but_not_the_day_of_a_renewal(
    notice: str, due: str, *, included: bool
) -> None:
    state = state_of([], [product("VISIOCLIENT", 5, 0)], [subscription("VISIOCLIENT", 5, "2026-12-10")])
    (action,) = audited(state, RENEWING.format(notice=notice)).tenants[0].actions
    assert (str(action.due), action.due_included) == (due, included)
    assert any(step.startswith(f"Decide {'by' if included else 'before'} ") for step in action.steps)


@pytest.mark.parametrize(("renewal", "included"), [("2026-11-20", True), ("2026-11-21", False)])
def test_what_happens_on_the_day_of_the_audit_may_still_be_decided(renewal: str, *, included: bool) -> None:
    state = state_of([], [product("VISIOCLIENT", 5, 0)], [subscription("VISIOCLIENT", 5, renewal)])
    (action,) = audited(state, RENEWING.format(notice="0d")).tenants[0].actions
    assert (str(action.due), action.due_included) == (renewal, included)


@pytest.mark.parametrize(("people", "needed"), [(2, False), (3, True)])
def test_title_does_not_advise_to_reactivate_seats_that_nobody_needs(people: int, *, needed: bool) -> None:
    holders = [person(f"p{number}", "PROJECTPREMIUM") for number in range(people)]
    suspended = subscription("PROJECTPREMIUM", 25, "2026-12-09", "Suspended")
    state = state_of(holders, [product("PROJECTPREMIUM", 2, people, suspended=25)], [suspended])
    (action,) = audited(state, STATES).tenants[0].actions
    assert action.title.startswith("Reactivate" if needed else "Let the subscription of ")
    assert action.title.endswith("(Disabled)")
    assert (": none of its seats is needed" in action.title) is not needed
    assert action.guidance == ("reactivate-subscription" if needed else "subscription-end")
    assert any("are enough without this subscription" in text for text in action.prerequisites) is not needed


def test_seats_that_satisfy_a_policy_are_needed() -> None:
    suspended = subscription("PROJECTPREMIUM", 25, "2026-12-09", "Suspended")
    state = state_of([], [product("PROJECTPREMIUM", 0, 0, suspended=25)], [suspended])
    spare = "{id: spare, severity: low, seats: {of: [PROJECTPREMIUM], spare: {min: 1}}}"
    (action,) = audited(state, f"{STATES.removesuffix(']')}, {spare}]").tenants[0].actions
    assert (action.kind, len(action.findings)) == ("subscription-state", 2)
    assert action.title.startswith("Reactivate")


def test_removal_of_idle_seats_does_not_ask_whether_the_product_is_kept() -> None:
    rules = """policies:
- {id: renewed, severity: low, subscriptions: {of: paid, expiring: {within: 60d}}}
- {id: idle, severity: low, seats: {of: paid, spare: {max: 0}}}
"""
    state = state_of([], [product("VISIOCLIENT", 5, 0)], [subscription("VISIOCLIENT", 5, "2026-12-10")])
    actions = audited(state, rules).tenants[0].actions
    assert sorted(action.kind for action in actions) == ["expiring", "remove-seats-at-renewal"]
    assert not any(KEEP in text for action in actions for text in action.prerequisites)
