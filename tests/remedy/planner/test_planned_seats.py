"""Suggested numbers of seats: the first answers to questions, compared with the actions of the plan."""

from typing import Any

import pytest

from auditor.localization import localization
from auditor.remedy.english import ENGLISH
from auditor.render.plan.question_text import answer_label, commented_answers
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.plan_tenants import E3, E5, F3, grant, group, snapshot, user

pytestmark = pytest.mark.slow

LEAVERS = """version: 1
policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: idle, severity: low, seats: {of: paid, spare: {max: 1}}}
"""
STARTERS = [user(f"starter{n}", department="Office") for n in range(2)]


def idle_seats() -> Snapshot:
    """A tenant in which the plan frees one of three seats that leavers have, besides idle ones."""
    synced = group("LIC", E3, onPremisesSyncEnabled=True)
    by_hand = [user(f"manual{n}", grant(E3, "g1"), accountEnabled=False) for n in range(2)]
    leaver = user("leaver", grant(E3), accountEnabled=False)
    return snapshot([leaver, *by_hand, user("stays", grant(E3, "g1"))], {E3: 9}, groups=[synced])


def test_first_answer_about_a_renewal_is_the_number_that_its_action_leaves() -> None:
    tenant = idle_seats()
    (plan,) = decided_plan(LEAVERS, [tenant]).tenants
    (removal,) = [action for action in plan.actions if action.kind == "remove-seats-at-renewal"]
    (question,) = [item for item in plan.questions if item.kind == "renewal"]
    assert removal.seats is not None
    assert (removal.seats.freed, removal.seats.usable_after) == (3, 2)
    assert [(answer_label(question, answer, ENGLISH, plan.names)) for answer in question.answers] == [
        "Renew it with 2 seats (enough for all changes that the plan proposes)",
        "Renew it with 5 seats (what the policy “idle” requires today)",
        "Renew it with 9 seats (as many as today)",
        "Do not renew it",
        "Leave it as it is, with a reason",
    ]
    decision = {"question": question.id, "answer": dict(question.answers[0])}
    (decided,) = decided_plan(LEAVERS, [tenant], decision).tenants
    assert [notice.code for notice in decided.notices] == ["decision.seats"], "a person first removes licences"
    assert [seats.enabled for seats in decided.decided_seats] == [3]


def test_answer_quotes_the_translated_title_of_the_policy_that_requires_it() -> None:
    title = "No paid product has more than 10% of its seats (or 5 seats) spare"
    rules = LEAVERS.replace("{id: idle,", f"{{id: idle, title: '{title}',")
    (plan,) = decided_plan(rules, [idle_seats()]).tenants
    (question,) = [item for item in plan.questions if item.kind == "renewal"]
    labels = [answer_label(question, answer, localization("nl"), plan.names) for answer in question.answers]
    translated = localization("nl").policy(title)
    assert translated != title
    assert [label for label in labels if f"wat de beleidsregel “{translated}” nu vraagt" in label]


def test_answers_print_the_no_break_spaces_of_a_title_as_spaces() -> None:
    title = "No paid product has more than 10% of its seats (or 5 seats) spare"
    rules = LEAVERS.replace("{id: idle,", f"{{id: idle, title: '{title}',")
    (plan,) = decided_plan(rules, [idle_seats()]).tenants
    (question,) = [item for item in plan.questions if item.kind == "renewal"]
    danish = localization("da")
    assert "10\u00a0%" in danish.policy(title)
    labels = [answer_label(question, answer, danish, plan.names) for answer in question.answers]
    for texts in (labels, commented_answers(question, plan.names, danish)):
        assert [text for text in texts if "mere end 10 % af sine" in text]


FEW = """version: 1
products: {either: [SPE_F1, SPE_E5]}
policies:
  - {id: office, severity: high, users: {department: Office}, assignments: {require: [either]}}
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {deny: [SPE_F1]}}
  - {id: few, title: Few spare, severity: low, seats: {of: [SPE_F1], spare: {min: 2}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_F1: 7.50, SPE_E5: 54.75}}
"""


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (
            [user("leaver", grant(F3), accountEnabled=False)],
            [
                "Buy 1 seat (enough for all changes that the plan proposes)",
                "Buy 2 seats (what the policy “Few spare” requires today)",
            ],
        ),
        (
            STARTERS,
            [
                "Buy 2 seats (enough for all changes that the plan proposes)",
                "Buy 4 seats (enough also for changes that wait for this answer)",
            ],
        ),
    ],
)
def test_first_answer_about_a_purchase_is_the_number_of_its_action(people: list[Any], expected: list[str]) -> None:
    seats = 1 + sum(bool(person["assignedLicenses"]) for person in people)
    tenant = snapshot([*people, user("stays", grant(F3)), user("boss", grant(E5))], {F3: seats, E5: 1})
    (plan,) = decided_plan(FEW, [tenant]).tenants
    (purchase,) = [action for action in plan.actions if action.kind == "buy"]
    (question,) = [item for item in plan.questions if item.kind == "purchase"]
    assert question.answers[0] == {"purchase": {"seats": purchase.count}}
    labels = [answer_label(question, answer, ENGLISH, plan.names) for answer in question.answers]
    assert labels == [*expected, "Leave it as it is, with a reason"]
    decision = {"question": question.id, "answer": dict(question.answers[-2])}
    (everything,) = decided_plan(FEW, [tenant], decision).tenants
    assert {item.code for item in everything.proof.remaining} <= {"decided"}
