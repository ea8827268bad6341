"""The outline of a plan: its parts, and the effects and totals of their actions."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.domain.enums import SubjectType
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.result.finding import ProductReference
from auditor.localization import localization
from auditor.remedy.english import ENGLISH
from auditor.remedy.planner.model import FleetPlan, Proof, Remaining, TenantPlan
from auditor.render.plan.fleet_overview import tenant_rows
from auditor.render.plan.outline import OutlineEntry
from auditor.render.plan.outline_text import action_subjects, effect_texts, facts, plan_parts, total_texts
from auditor.render.plan.question_text import answer_label, effect, sentence
from auditor.render.text.actions import reasons
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, E5, PRICES, VISIO, grant, planned, snapshot, user

RULES = f"""
{PRICES}
policies:
  - {{id: visio, severity: low, assignments: {{deny: [VISIOCLIENT]}}}}
  - {{id: suite, severity: high, users: {{department: Sales}}, assignments: {{require: [SPE_E3]}}}}
  - {{id: both, severity: medium, assignments: {{exclusive: [[SPE_E3, SPE_E5]]}}}}
  - {{id: spare, severity: info, seats: {{of: [SPE_E5], spare: {{max: 2}}}}}}
"""

ENGLISH_TEXTS = localization("en")


def entries_of(plan: TenantPlan, key: str) -> tuple[OutlineEntry, ...]:
    return next((part.entries for part in plan_parts(plan, ENGLISH) if part.key == key), ())


def test_plan_distinguishes_a_product_from_a_product_set_with_its_part_number() -> None:
    rules = f"""
{PRICES}
products: {{SPE_E3: [SPE_E5, VISIOCLIENT]}}
policies:
  - {{id: suite, severity: high, users: {{department: Sales}}, assignments: {{require: [SPE_E3]}}}}
  - {{id: both, severity: medium, assignments: {{exclusive: [["SPE_E3*", SPE_E5]]}}}}
"""
    people = [user("cas", department="Sales", usageLocation="NL"), user("dee", grant(E3), grant(E5))]
    plan = planned(snapshot(people, {E3: 9, E5: 9, VISIO: 2}), rules)
    assert [facts(finding, ENGLISH, {}, plan.names)[-1] for finding in plan.findings] == [
        "Microsoft 365 E5 or Visio Plan 2",
        "Microsoft 365 E3 + Microsoft 365 E5",
    ]
    question, _ = plan.questions
    assert sentence(question, ENGLISH, plan.names).startswith(
        "Which of Microsoft 365 E3 and Microsoft 365 E5 should Dee"
    )
    assert answer_label(question, question.answers[0], ENGLISH, plan.names) == "Keep Microsoft 365 E5"


def test_every_action_is_in_one_part_with_the_effects_of_its_requests() -> None:
    people = [
        user("ann", grant(VISIO)),
        user("bo", grant(VISIO), grant(E3)),
        user("cas", department="Sales", usageLocation="NL"),
        user("dee", grant(E3), grant(E5)),
    ]
    plan = planned(snapshot(people, {E3: 9, E5: 9, VISIO: 2}), RULES)
    runnable, undecided, manual = (entries_of(plan, key) for key in ("run", "decide", "people"))
    numbers = [entry.number for entry in (*runnable, *manual)]
    numbers += [entry.number for entry in undecided if not entry.action.requests]
    assert sorted(numbers) == list(range(1, len(plan.actions) + 1))
    effects = {entry.action.title: list(effect_texts(entry, ENGLISH)) for entry in runnable}
    assert effects["Unassign Visio Plan 2 from 2 people"] == ["will fix 2 findings", "will free 2 seats"]
    assert effects["Assign Microsoft 365 E3 to 1 person"] == [
        "will fix 1 finding",
        "will assign 1 seat",
        "cost: €35.70 a month",
    ]
    # An action with requests and an open question is in both the first and the second part.
    (open_,) = (entry for entry in undecided if entry.action.requests)
    assert open_ in runnable
    assert [question.products for question in open_.questions] == [("SPE_E3", "SPE_E5")]
    (seats,) = (entry for entry in (*undecided, *manual) if not entry.action.requests)
    assert list(effect_texts(seats, ENGLISH)) == ["1 finding", "6 seats", "saving: €328.50 a month"]
    assert list(total_texts(runnable, ENGLISH, runs=True)) == [
        *("3 actions", "4 requests", "will fix 4 findings", "will free 3 seats", "will assign 1 seat")
    ]
    assert list(total_texts([open_], ENGLISH, runs=False)) == ["1 open question"]


def test_action_about_a_limit_of_purchased_seats_counts_seats() -> None:
    rules = "policies: [{id: cap, severity: high, seats: {of: [SPE_E3], purchased: {max: 5}}}]"
    plan = planned(snapshot([user("ann", grant(E3))], {E3: 9}), rules)
    (entry,) = (*entries_of(plan, "decide"), *entries_of(plan, "people"))
    assert (entry.action.kind, entry.seats) == ("cap", 4)
    assert list(effect_texts(entry, ENGLISH)) == ["1 finding", "4 seats"]


def test_action_without_requests_names_the_seats_that_it_frees_once() -> None:
    rules = f"{PRICES}\npolicies: [{{id: e3, severity: high, assignments: {{deny: [SPE_E3]}}}}]"
    (entry,) = entries_of(planned(snapshot([user("ann", grant(E3))], {E3: 9}), rules), "run")
    assert list(effect_texts(replace(entry, change=None), ENGLISH)) == [
        "1 finding",
        "will free seats worth €35.70 a month",
    ]


@pytest.mark.parametrize(
    ("price", "words"), [("0", "1 finding"), ("0.004", "1 finding"), ("0.005", "1 finding that costs €0.01 a month")]
)
def test_question_about_free_seats_has_no_amount(price: str, words: str) -> None:
    rules = "policies: [{id: both, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}]"
    (question,) = planned(snapshot([user("dee", grant(E3), grant(E5))], {E3: 9, E5: 9}), rules).questions
    money = Money(per_month=Decimal(price), currency="EUR")
    assert effect(replace(question, money=money), ENGLISH) == words


def test_seat_effects_count_freed_and_assigned_seats_of_a_move() -> None:
    rules = """
policies:
  - {id: sales, severity: high, users: {department: Sales}, assignments: {allow: [SPE_E3], require: [SPE_E3]}}
"""
    people = [user("ann", grant(E5), department="Sales", usageLocation="NL")]
    plan = planned(snapshot(people, {E3: 1, E5: 1}), rules)
    (change,) = plan.seat_effects.values()
    assert (change.freed, change.assigned) == (1, 1)


def test_product_and_its_subscription_are_named_once() -> None:
    bought = [subscription("SPE_E3", 9, "2026-12-20")]
    rules = f"""
{PRICES}
policies:
  - {{id: spare, severity: low, seats: {{of: [SPE_E3], spare: {{max: 1}}}}}}
  - {{id: idle, severity: low, subscriptions: {{of: [SPE_E3], expiring: {{within: 60d, idle: {{min: 5}}}}}}}}
"""
    plan = planned(snapshot([user("ann", grant(E3))], {E3: 9}, subscriptions=bought), rules)
    entries = [
        entry for entry in entries_of(plan, "decide") if len({finding.subject.id for finding in entry.findings}) > 1
    ]
    assert [[name for name, _ in action_subjects(entry, {})] for entry in entries] == [["Microsoft 365 E3"]]


def test_action_affects_only_people_if_it_also_fixes_a_finding_about_their_seats() -> None:
    rules = "policies: [{id: spare, severity: high, seats: {of: [SPE_E3], spare: {min: 0}}}, %s]"
    leavers = "{id: leavers, severity: low, users: {accountEnabled: false}, assignments: {deny: paid}}"
    people = [user("ann", grant(E3), accountEnabled=False), user("bo", grant(E3))]
    (entry,) = entries_of(planned(snapshot(people, {E3: 1}), rules % leavers), "run")
    assert {finding.subject.type for finding in entry.findings} == {SubjectType.USER, SubjectType.PRODUCT}
    assert [name for name, _ in action_subjects(entry, {})] == ["Ann"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"check": "attribute.missing", "detail": "usageLocation"}, "gebruikslocatie"),
        ({"check": "subscription.state", "detail": "Suspended"}, "Uitgeschakeld"),
        ({"check": "service.denied", "detail": "TEAMS1"}, "Microsoft Teams"),
        ({"check": "assignment.overlap", "detail": "EMS+SPE_E5"}, "Our EM + S + Microsoft 365 E5"),
        ({"check": "assignment.error", "detail": "CountViolation@g1"}, "CountViolation, Sales + IT @ NL"),
    ],
)
def test_findings_have_names_instead_of_ids_in_the_language_of_the_plan(change: dict[str, Any], words: str) -> None:
    names = {"ems": "Our EM + S", "g1": "Sales + IT @ NL"}
    plan = planned(snapshot([user("ann", grant(VISIO))], {VISIO: 2}), RULES)
    product = ProductReference(sku_id=None, sku_part_number="EMS")
    finding = replace(plan.findings[0], product=product, **change)
    person, _, name, *others = facts(finding, localization("nl"), {}, names)
    assert (person, name, ", ".join(others)) == ("Ann", "Our EM + S", words)


def test_table_of_tenants_counts_findings_across_tenants_too() -> None:
    plan = planned(snapshot([user("ann", grant(VISIO))], {E3: 9, E5: 9, VISIO: 2}), RULES)
    stays = Proof(remaining=(Remaining(fingerprint="f", code="fleet", why=Message("it stays")),))
    alone = FleetPlan(as_of="2026-11-20T03:00:00Z", policy_digest="", tenants=(plan, plan), fleet=Proof())
    first, _, total = tenant_rows(alone, lambda _: "", ENGLISH_TEXTS)
    *_, fleet, whole = tenant_rows(replace(alone, fleet=stays), lambda _: "", ENGLISH_TEXTS)
    assert (fleet.title, fleet.open_before, fleet.open_after) == ("Policies across tenants", 1, 1)
    assert total.open_before == 2 * first.open_before
    assert (whole.open_before, whole.open_after) == (total.open_before + 1, total.open_after + 1)


def test_first_actions_name_what_they_save_before_the_date_and_the_reason() -> None:
    plan = planned(snapshot([user("ann", grant(VISIO))], {E3: 9, E5: 9, VISIO: 2}), RULES)
    action = replace(plan.actions[0], money=Money(currency="EUR", per_month=Decimal(14)), due=date(2026, 12, 1))
    assert reasons(action, "It is urgent.", ENGLISH_TEXTS) == (
        "will free seats worth €14.00 a month", "decide before 1 Dec 2026", "It is urgent.",
    )  # fmt: skip
