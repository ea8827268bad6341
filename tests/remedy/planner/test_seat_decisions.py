"""Decisions about purchases and renewals: the licence changes that they permit, and the limits of the plan."""

from decimal import Decimal
from typing import Any

import pytest

from auditor.domain.money import Money
from auditor.domain.policy.decision import Question
from auditor.policy.yaml.writer import block
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.question_text import sentence
from auditor.render.plan.scripts.http import http_messages
from auditor.render.plan.scripts.powershell import plan_script
from auditor.snapshot.model import Snapshot
from tests.builders.document.powershell import Script
from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, E5, F3, bodies, grant, snapshot, user
from tests.builders.tenant.tenants import bought

RULES = """version: 1
policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: office, severity: high, users: {department: Office}, assignments: {require: [SPE_F1]}}
  - {id: idle, severity: low, seats: {of: paid, spare: {max: 1}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70, SPE_F1: 7.50}}
"""
LEAVERS = [user(f"leaver{n}", grant(E3), accountEnabled=False) for n in range(3)]
STARTERS = [user(f"starter{n}", department="Office") for n in range(2)]


def planned(tenant: Snapshot, *decisions: dict[str, Any], rules: str = RULES) -> TenantPlan:
    return decided_plan(rules, [tenant], *decisions).tenants[0]


def question_of_kind(tenant: Snapshot, kind: str) -> Question:
    (question,) = [question for question in planned(tenant).questions if question.kind == kind]
    return question


@pytest.mark.slow
@pytest.mark.parametrize("subscribed", [False, True])
def test_answered_renewal_removes_the_seats_that_become_idle(subscribed: bool) -> None:  # noqa: FBT001
    unknown = {**subscription("VISIOCLIENT", 1, "2027-02-01"), "skuId": None}
    rows = [subscription("SPE_E3", 4, "2027-02-01"), unknown] if subscribed else []
    tenant = snapshot([*LEAVERS, user("stays", grant(E3))], {E3: 4, F3: 0}, subscriptions=rows)
    before = planned(tenant)
    assert (len(bodies(before)), [item.code for item in before.proof.remaining]) == (1, ["idle", "idle"])
    question = question_of_kind(tenant, "renewal")
    assert question.subject == (rows[0]["id"] if subscribed else E3)
    assert question.answers[0] == {"renewal": {"seats": 2, "renew": True}}
    assert set(question.findings) == {item.fingerprint for item in before.proof.remaining}, (
        "the findings that remain without an answer"
    )
    plan = planned(tenant, {"question": question.id, "answer": dict(question.answers[0])})
    assert (len(bodies(plan)), plan.proof.remaining, plan.notices) == (3, (), ())
    action, renewal = plan.actions
    assert action.confidence == "review", "a decision about seats does not decide who loses a licence"
    assert "Remove the seats of `SPE_E3`: action 2." in " ".join(action.next)
    assert (renewal.kind, renewal.count, renewal.findings) == ("remove-seats-at-renewal", 2, ())
    assert (renewal.confidence, renewal.owner) == ("certain", ""), "the renewal was decided"
    assert "Enabled seats of `SPE_E3`, decided by `me@c.example` (`D-0`): 2." in renewal.prerequisites
    (seats,) = plan.decided_seats
    assert (seats.action, seats.enabled_before, seats.enabled, seats.decisions) == (2, 4, 2, ("D-0",))
    assert [seat_subscription.total_licenses for seat_subscription in seats.subscriptions] == (
        [2] if subscribed else []
    )


def test_findings_about_seats_in_grace_do_not_ask_for_a_number_to_renew() -> None:
    users = [*LEAVERS, user("stays", grant(E3))]
    plan = planned(snapshot(users, {}, subscribedSkus=[bought("SPE_E3", 0, 4, warning=4)]))
    assert [question.kind for question in plan.questions if question.kind == "renewal"] == []
    reasons = [(item.code, "grace period" in item.why) for item in plan.proof.remaining]
    assert reasons == [("idle", True), ("idle", True)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "seats"),
    [({"seats": 0, "renew": True}, 1), ({"seats": 4, "renew": False}, 1), ({"seats": 3, "renew": True}, 3)],
)
def test_renewal_does_not_remove_seats_in_use(answer: dict[str, Any], seats: int) -> None:
    tenant = snapshot([*LEAVERS, user("stays", grant(E3))], {E3: 4, F3: 0})
    plan = planned(tenant, {"question": question_of_kind(tenant, "renewal").id, "answer": {"renewal": answer}})
    assert len(bodies(plan)) == (3 if seats == 1 else 2)
    assert [notice.code for notice in plan.notices] == (["decision.seats"] if seats == 1 else [])
    assert all("but the plan in 1:" in notice.message for notice in plan.notices)


@pytest.mark.parametrize(
    ("kind", "owners", "article"),
    [
        ("buy", ("desk",), "buy-licenses"),
        ("remove-seats-at-renewal", ("audit", "finance"), "remove-licenses"),
    ],
)
def test_decided_seats_belong_to_the_owners_of_policies_that_limit_them(
    kind: str, owners: tuple[str, ...], article: str
) -> None:
    """No finding is about the seats today; policies about too few or too many seats would report them afterwards."""
    rules = RULES.replace("{id: idle, ", "{id: idle, owner: finance, ").replace(
        "prices:",
        "  - {id: cap, owner: audit, severity: medium, seats: {of: paid, spare: {max: 1}}}\n"
        "  - {id: stock, owner: desk, severity: info, seats: {of: paid, spare: {min: 0}}}\nprices:",
    )
    buys = kind == "buy"
    tenant = snapshot(STARTERS, {F3: 1}) if buys else snapshot([*LEAVERS, user("stays", grant(E3))], {E3: 4, F3: 0})
    (question,) = [
        question
        for question in planned(tenant, rules=rules).questions
        if question.kind == ("purchase" if buys else "renewal")
    ]
    plan = planned(tenant, {"question": question.id, "answer": dict(question.answers[0])}, rules=rules)
    (action,) = [action for action in plan.actions if action.kind == kind]
    assert (action.findings, action.owners, action.guidance) == ((), owners, article)


@pytest.mark.parametrize(("active", "asked"), [(3, [{"renewal": {"seats": 3, "renew": False}}]), (0, [])])
def test_seats_that_nobody_needs_are_not_renewed_and_seats_in_grace_not_asked_about(active: int, asked: Any) -> None:
    rows = [bought("SPE_E3", active, 3, warning=3 - active)]
    plan = planned(snapshot(LEAVERS, {}, subscribedSkus=rows), rules=RULES.replace("max: 1", "max: 0"))
    assert [dict(question.answers[0]) for question in plan.questions if question.kind == "renewal"] == asked


@pytest.mark.parametrize("enabled", [True, False])
def test_purchase_is_asked_only_if_requests_do_not_free_the_missing_seat(enabled: bool) -> None:  # noqa: FBT001
    people = [user("may-leave", grant(E3), accountEnabled=enabled), user("stays", grant(E3))]
    plan = planned(snapshot(people, {E3: 1}), rules=RULES.replace("max: 1", "min: 0"))
    assert [question.kind for question in plan.questions] == (["purchase"] if enabled else ["release"])


@pytest.mark.slow
def test_answered_purchase_assigns_the_bought_seats() -> None:
    tenant = snapshot(STARTERS, {F3: 1})
    assert len(bodies(planned(tenant))) == 1
    question = question_of_kind(tenant, "purchase")
    assert (question.subject, question.answers[0]) == (F3, {"purchase": {"seats": 1}})
    plan = planned(tenant, {"question": question.id, "answer": {"purchase": {"seats": 1}}})
    assert (len(bodies(plan)), plan.proof.remaining) == (2, ())
    purchase, assignment = plan.actions
    assert (purchase.kind, purchase.title) == ("buy", "Buy 1 seat of Microsoft 365 F3")
    assert "Enabled seats of `SPE_F1`, decided by `me@c.example` (`D-0`): 2." in purchase.prerequisites
    assert "First buy the seats of `SPE_F1`: action 1." in assignment.prerequisites
    requests = http_messages(plan, "2026-11-20").decode()
    assert requests.index(f"# 1. {purchase.title}\n# There is no request for this action") < requests.index("# 2. ")
    script = Script(plan_script(plan, "2026-11-20T02:17:00Z")).literals
    assert script["$Purchases"] == {F3: f"1 ({purchase.title})"}, (
        "the script names the purchase if a change has no free seat"
    )
    excessive = planned(tenant, {"question": question.id, "answer": {"purchase": {"seats": 9}}})
    assert (len(bodies(excessive)), excessive.proof.remaining) == (2, ())
    assert [notice.code for notice in excessive.notices] == ["decision.seats"], (
        "limited by the number of seats that may be idle"
    )


@pytest.mark.slow
def test_decision_that_violates_another_policy_is_ignored() -> None:
    tenant = snapshot(STARTERS, {F3: 1})
    rules = RULES.replace("prices:", "  - {id: cost, severity: low, budget: {limit: 10}}\nprices:")
    answer = {"question": question_of_kind(tenant, "purchase").id, "answer": {"purchase": {"seats": 1}}}
    plan = planned(tenant, answer, rules=rules)
    assert (len(bodies(plan)), [notice.code for notice in plan.notices]) == (1, ["decision.seats"])
    assert "cost: budget.exceeded" in plan.notices[0].message


def test_answered_renewal_removes_seats_that_are_idle_already() -> None:
    tenant = snapshot([user("stays", grant(E3))], {E3: 9})
    question = question_of_kind(tenant, "renewal")
    assert question.answers[0] == {"renewal": {"seats": 2, "renew": True}}
    plan = planned(tenant, {"question": question.id, "answer": dict(question.answers[0])})
    assert plan.proof.remaining == ()
    assert [action.kind for action in plan.actions] == ["remove-seats-at-renewal"], "a person has to make the change"


@pytest.mark.slow
def test_seat_removal_states_how_many_seats_depend_on_open_questions() -> None:
    tenant = snapshot([*LEAVERS, user("stays", grant(E3))], {E3: 9})
    (removal,) = [action for action in planned(tenant).actions if action.kind == "remove-seats-at-renewal"]
    assert (removal.count, removal.seats and removal.seats.freed) == (7, 3)
    assert removal.prerequisites[1] == (
        "3 of the seats that are freed or assigned depend on open questions: different answers change the number."
    )
    released = planned(tenant, {"for": {"policy": "leavers"}, "answer": {"release": True}})
    (removal,) = [action for action in released.actions if action.kind == "remove-seats-at-renewal"]
    assert removal.count == 7
    assert not any("open question" in text for text in removal.prerequisites)


ENDS = RULES.replace(
    "policies:\n", "policies:\n  - {id: ends, severity: low, subscriptions: {of: paid, expiring: {within: 60d}}}\n"
)


def test_product_with_one_subscription_has_one_question_that_counts_each_seat_once() -> None:
    rows = [subscription("SPE_E3", 9, "2026-12-10")]
    rules = ENDS.replace(
        "prices:",
        "  - {id: unused, severity: low, subscriptions: {of: paid, expiring: {within: 60d, idle: {min: 5}}}}\nprices:",
    )
    (question,) = planned(snapshot([user("stays", grant(E3))], {E3: 9}, subscriptions=rows), rules=rules).questions
    assert (question.subject, set(question.policies)) == (rows[0]["id"], {"ends", "idle", "unused"})
    assert question.money == Money(currency="EUR", per_month=Decimal("285.60")), (
        "8 idle seats, reported by two policies"
    )


def test_questions_about_the_subscriptions_of_a_product_are_distinguishable() -> None:
    rows = [subscription("SPE_E3", 1, "2026-12-10"), subscription("SPE_E3", 1, "2026-12-24")]
    plan = planned(snapshot([user("stays", grant(E3))], {E3: 2}, subscriptions=rows), rules=ENDS)
    assert {sentence(question, ENGLISH, plan.names) for question in plan.questions} == {
        f"Should the subscription of Microsoft 365 E3 (1 seat, {day} December 2026) be renewed, and with how many seats?"
        for day in (10, 24)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("contracts", "stays"), [(("P1Y",), False), ((), True), (("P1Y", "P3Y"), True), (("P1M",), True)]
)
def test_renewal_extends_the_subscription_by_the_term_of_its_contract(contracts: tuple[str, ...], stays: bool) -> None:  # noqa: FBT001
    """With a term of one month, it would end within sixty days again."""
    tenant = snapshot([user("stays", grant(E3))], {E3: 1}, subscriptions=[subscription("SPE_E3", 1, "2026-12-10")])
    contract_rows = [
        {"id": f"C-{n}", "products": ["SPE_E3"], "term": term, "ends": "2026-12-09", "renews": "automatically"}
        for n, term in enumerate(contracts)
    ]
    rules = ENDS + "contracts:\n" + block(contract_rows) if contract_rows else ENDS
    (question,) = planned(tenant, rules=rules).questions
    plan = planned(tenant, {"question": question.id, "answer": {"renewal": {"renew": True, "seats": 1}}}, rules=rules)
    assert [item.code for item in plan.proof.remaining] == (["decided"] if stays else [])
    (action,) = plan.actions
    assert action.requests == (), "a person has to renew"
    assert (action.title, action.confidence) == ("Renew Microsoft 365 E3", "certain")


@pytest.mark.parametrize(("renew", "title"), [(None, ""), (True, "Reactivate"), (False, "Prepare")])
@pytest.mark.parametrize("held", [False, True])
def test_title_about_a_suspended_subscription_names_the_decision(
    renew: bool | None,  # noqa: FBT001
    title: str,
    held: bool,  # noqa: FBT001
) -> None:
    rows = [{**subscription("SPE_E3", 1, "2026-12-10"), "status": "Suspended"}]
    tenant = snapshot([user("stays", *([grant(E3)] if held else []))], {E3: 1}, subscriptions=rows)
    rules = "version: 1\npolicies:\n  - {id: state, severity: low, subscriptions: {of: paid, states: {deny: [Suspended]}}}\n"
    (question,) = planned(tenant, rules=rules).questions
    assert [answer.get("renewal", {}).get("renew") for answer in question.answers] == [False, True, None]
    answers = [] if renew is None else [{"question": question.id, "answer": {"renewal": {"renew": renew, "seats": 1}}}]
    (action,) = planned(tenant, *answers, rules=rules).actions
    assert action.title.startswith(title or "Let the subscription of Microsoft 365 E3 end")
    assert (": none of its seats is needed" in action.title, action.confidence) == (
        renew is None,
        "review" if renew is None else "certain",
    )


def test_cap_on_purchased_seats_asks_about_the_renewal() -> None:
    tenant = snapshot([user("stays", grant(E3))], {E3: 4})
    rules = RULES.replace(
        "prices:", "  - {id: cap, severity: low, seats: {of: [SPE_E3], purchased: {max: 2}}}\nprices:"
    )
    (question,) = planned(tenant, rules=rules).questions
    assert set(question.policies) == {"cap", "idle"}
    plan = planned(tenant, {"question": question.id, "answer": {"renewal": {"renew": True, "seats": 2}}}, rules=rules)
    assert plan.proof.remaining == ()


@pytest.mark.parametrize(
    ("renew", "title"),
    [
        (None, "Decide about the trial of Microsoft 365 E3"),
        (True, "Buy Microsoft 365 E3 before its trial ends"),
        (False, "Let the trial of Microsoft 365 E3 end"),
    ],
)
def test_title_about_a_trial_names_the_decision(renew: bool | None, title: str) -> None:  # noqa: FBT001
    rows = [{**subscription("SPE_E3", 1, "2026-12-10"), "isTrial": True}]
    tenant = snapshot([user("nobody")], {E3: 1}, subscriptions=rows)
    rules = "version: 1\npolicies:\n  - {id: trials, severity: low, purchases: {trials: deny}}\n"
    (question,) = planned(tenant, rules=rules).questions
    answers = [] if renew is None else [{"question": question.id, "answer": {"renewal": {"renew": renew, "seats": 1}}}]
    plan = planned(tenant, *answers, rules=rules)
    (action,) = plan.actions
    assert (action.title, action.confidence) == (title, "review" if renew is None else "certain")
    assert [(seats.action, seats.enabled) for seats in plan.decided_seats] == ([(1, 0)] if renew is False else [])


@pytest.mark.slow
@pytest.mark.parametrize("release", [True, False])
def test_quota_raises_no_question_and_is_fixed_by_a_decision_about_a_person(release: bool) -> None:  # noqa: FBT001
    tenant = snapshot([LEAVERS[0], user("stays", grant(E3))], {E3: 2})
    quota = "  - {id: quota, severity: low, seats: {of: [SPE_E3], assigned: {max: 1}}}\nprices:"
    rules = RULES.replace("prices:", quota)
    (question,) = planned(tenant, rules=rules).questions
    assert question.policies == ("leavers",)
    plan = planned(tenant, {"question": question.id, "answer": {"release": release}}, rules=rules)
    assert sorted(item.code for item in plan.proof.remaining) == ([] if release else ["decided", "person"])
    about_quota = planned(tenant, {"for": {"policy": "quota"}, "answer": {"release": release}}, rules=rules)
    assert [planned_question.decision for planned_question in about_quota.questions] == [None], (
        "a decision whose scope is the quota matches no question"
    )


def test_action_about_a_quota_counts_the_people_beyond_it() -> None:
    rules = "version: 1\npolicies:\n  - {id: quota, severity: low, seats: {of: [SPE_E3], assigned: {max: 2}}}\n"
    people = [user(f"holder{n}", grant(E3)) for n in range(5)]
    (action,) = planned(snapshot(people, {E3: 9}), rules=rules).actions
    assert (action.title, action.count) == ("Choose who loses Microsoft 365 E3: 3 people", 3)


def test_suggested_seats_of_a_renewal_are_those_of_the_plan() -> None:
    both = [user(f"both{n}", grant(E3), grant(E5)) for n in range(2)]
    exclusive = "  - {id: one, severity: high, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}\nprices:"
    plan = planned(
        snapshot([*both, user("stays", grant(E3))], {E3: 9, E5: 3}), rules=RULES.replace("prices:", exclusive)
    )
    (removal,) = [action for action in plan.actions if action.kind == "remove-seats-at-renewal"]
    assert "The actions free 2" in removal.prerequisites[0], "fewer services end without Microsoft 365 E3"
    assert "To remove: 7. Seats afterwards: 2" in removal.prerequisites[0]
    (question,) = [question for question in plan.questions if question.kind == "renewal"]
    assert question.answers[0] == {"renewal": {"seats": 2, "renew": True}}
