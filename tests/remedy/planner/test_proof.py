"""The proof of a plan holds for generated tenants and policies: no new findings, no false claims; the exact optimum."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.app.audit.pipeline import audit
from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.errors import Span
from auditor.domain.policy.decision import AnswerKind, Decision
from auditor.findings.open_findings import open_fingerprints
from auditor.policy.loader import load
from auditor.remedy.planner.optimization.milp import solve
from auditor.remedy.planner.optimization.optimizer import choose_options
from auditor.remedy.planner.optimization.options import NO_CHANGE, Limit, Option, People, Score
from tests.builders.tenant.plan_tenants import E3, E5, F3, VISIO, fleet, grant, snapshot, user
from tests.builders.tenant.tenants import NOW, policy_set
from tests.oracle.adapter import catalogue_of, files
from tests.oracle.adapter import snapshot as oracle_snapshot
from tests.oracle.strategies import Scenario, scenarios

pytestmark = pytest.mark.slow
SOLVERS = (None, "walk", "milp")
SKUS = (E3, E5, F3, VISIO)
TEXT = """policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: store, severity: high, users: {department: Store, accountEnabled: true}, assignments: {of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}
  - {id: office, severity: medium, users: {department: Office}, assignments: {require: [[SPE_E3, SPE_E5]]}}
  - {id: one, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5, SPE_F1]], redundant: deny}}
  - {id: twice, severity: low, assignments: {duplicates: deny, via: group}}
  - {id: errors, severity: high, health: {errors: deny, groups: deny}}
  - {id: spare, severity: medium, seats: {of: paid, spare: {min: 1, max: 2}}}
  - {id: quota, severity: low, seats: {of: [VISIOCLIENT], assigned: {max: 1}}}
  - {id: base, severity: high, users: {holds: [VISIOCLIENT], accountEnabled: true}, assignments: {require: [[SPE_E3, SPE_E5]]}}
  - {id: empty, severity: low, health: {empty: deny}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70, SPE_E5: 54.75}}
"""


@st.composite
def tenants(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, int], list[dict[str, Any]]]:
    people = []
    for number in range(draw(st.integers(1, 6))):
        grants = []
        for sku in draw(st.lists(st.sampled_from(SKUS), unique=True, max_size=3)):
            for group in draw(st.sampled_from([(None,), (None,), ("g1",), (None, "g1"), ("g1", "g2")])):
                error = draw(st.sampled_from([None, None, None, "CountViolation"])) if group else None
                grants.append(grant(sku, group, error=error))
        facts = {
            "department": draw(st.sampled_from(["Store", "Office", None])),
            "accountEnabled": draw(st.sampled_from([True, True, False])),
            "usageLocation": draw(st.sampled_from(["NL", "NL", None])),
        }
        people.append(user(f"user{number}", *grants, **facts))
    seats = {sku: draw(st.integers(0, 8)) for sku in SKUS}
    erring = {row["assignedByGroup"] for p in people for row in p["licenseAssignmentStates"] if row["state"] == "Error"}
    groups = []
    for name in ("g1", "g2", "g3"):
        paths = [
            (p["id"], row["skuId"])
            for p in people
            for row in p["licenseAssignmentStates"]
            if row["assignedByGroup"] == name
        ]
        members = list(dict.fromkeys(user_id for user_id, _ in paths))
        skus = {sku for _, sku in paths} or {VISIO}
        groups.append(
            {
                "id": name,
                "displayName": name,
                "assignedLicenses": [{"skuId": sku} for sku in SKUS if sku in skus],
                "hasMembersWithLicenseErrors": name in erring,
                "licenseProcessingState": {"state": "ProcessingComplete"},
                "groupTypes": draw(st.sampled_from([[], [], ["DynamicMembership"]])),
                "mailEnabled": False,
                "securityEnabled": True,
                "members": members,
                "memberCount": len(members),
            }
        )
    return people, seats, groups


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(tenants(), st.sampled_from(SOLVERS))
def test_plans_of_generated_tenants_are_proven(tenant: Any, solver: str | None) -> None:
    people, seats, groups = tenant
    plan = fleet([snapshot(people, seats, groups=groups)], TEXT, solver=solver)
    tenant_plan = plan.tenants[0]
    assert plan.proven
    assert tenant_plan.before.open == len(tenant_plan.proof.fixed) + len(tenant_plan.proof.remaining)
    assert tenant_plan.after.open == len(tenant_plan.proof.remaining)
    with_requests = {
        fingerprint for action in tenant_plan.actions if action.requests for fingerprint in action.findings
    }
    assert with_requests <= set(tenant_plan.proof.fixed)
    listed = [fingerprint for action in tenant_plan.actions for fingerprint in action.findings]
    assert len(listed) == len(set(listed))
    assert set(listed) >= {item.fingerprint for item in tenant_plan.proof.remaining}


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(tenants(), st.data())
def test_plans_are_proven_for_any_answers(tenant: Any, data: st.DataObject) -> None:
    """The answers are drawn from those offered, with any number of seats, also wrong ones."""
    people, seats, groups = tenant
    state, policies = snapshot(people, seats, groups=groups), policy_set(TEXT)
    questions = plan_run([state], policies, builtin(), NOW).tenants[0].questions
    decisions = []
    for question in questions:
        ((kind, value),) = data.draw(st.sampled_from(question.answers)).items()
        if kind in {"purchase", "renewal"}:
            value = {**value, "seats": data.draw(st.integers(0, 9))}
        decisions.append(
            Decision(
                id=question.id, question=question.id, scope=None, kind=AnswerKind(kind), value=value, by="me",
                on=NOW.date(), until=None, reason="because", span=Span(file="d.yaml", line=1, column=1),
            )
        )  # fmt: skip
    plan = plan_run([state], policies, builtin(), NOW, decisions=decisions)
    tenant_plan = plan.tenants[0]
    assert plan.proven
    assert tenant_plan.before.open == len(tenant_plan.proof.fixed) + len(tenant_plan.proof.remaining)
    with_requests = {
        fingerprint for action in tenant_plan.actions if action.requests for fingerprint in action.findings
    }
    assert with_requests <= set(tenant_plan.proof.fixed)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenarios())
def test_proof_holds_for_generated_policies_of_the_whole_language(scenario: Scenario) -> None:
    loaded = load(files(scenario.documents)).policies
    states = [oracle_snapshot(tenant, scenario) for tenant in scenario.tenants]
    catalogue = catalogue_of(scenario.catalogue)
    plan = plan_run(states, loaded, catalogue, scenario.as_of)
    assert plan.proven
    before = {tenant.name: tenant for tenant in audit(states, loaded, catalogue, scenario.as_of).tenants}
    for tenant in plan.tenants:
        open_before = set(open_fingerprints(before[tenant.name].findings))
        assert set(tenant.proof.fixed) | {item.fingerprint for item in tenant.proof.remaining} == open_before


OPTIONS = st.lists(
    st.builds(
        Option,
        score=st.builds(Score, st.integers(-5, 0), st.integers(0, 2), st.integers(-300, 300), st.integers(0, 3)),
        seats=st.dictionaries(st.sampled_from("abc"), st.sampled_from([-1, 1]), max_size=2),
    ),
    max_size=3,
)
LIMITS = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(Limit, minimum=st.one_of(st.none(), st.integers(-2, 0)), maximum=st.one_of(st.none(), st.integers(0, 2))),
)
NO_CHANGE_OPTION = Option(score=NO_CHANGE)


@settings(max_examples=25, deadline=None)
@given(st.lists(OPTIONS, max_size=6), LIMITS)
def test_both_solvers_reach_the_same_optimal_score(people: list[list[Option]], limits: dict[str, Limit]) -> None:
    alternatives = [[NO_CHANGE_OPTION, *options] for options in people]
    walked, solved = (choose_options(People.of(alternatives), limits, solver=name) for name in ("walk", "milp"))
    assert walked.score == solved.score
    for choice in (walked, solved):
        for sku, limit in limits.items():
            change = sum(
                options[index].seats.get(sku, 0) for options, index in zip(alternatives, choice.chosen, strict=True)
            )
            assert limit.minimum is None or change >= limit.minimum
            assert limit.maximum is None or change <= limit.maximum
    assert choose_options(People.of(alternatives), {}).score <= walked.score


def test_milp_solves_many_people_who_share_many_products_optimally() -> None:
    """There are too many seat balances for the walk, so MILP is used; its result is optimal."""
    skus = "abcdef"
    people = [
        [NO_CHANGE_OPTION, *(Option(score=Score(-1 - number % 7 - position, 0, number, 1), seats={sku: 1}) for position, sku in enumerate(skus))]
        for number in range(120)
    ]  # fmt: skip
    limits = {sku: Limit(maximum=3 + position) for position, sku in enumerate(skus)}
    choice = choose_options(People.of(people), limits)
    assert choice.solver == "milp"
    taken = [people[number][index] for number, index in enumerate(choice.chosen) if index]
    assert {sku: sum(sku in option.seats for option in taken) for sku in skus} == {
        sku: 3 + position for position, sku in enumerate(skus)
    }
    assert choice.score.corrected == sum(option.score.corrected for option in taken)


_WEIGHTS = (1, 10, 100, 1_000, 10_000)


def people_and_limits(seed: int, sizes: tuple[int, int], options: int) -> tuple[list[list[Option]], dict[str, Limit]]:
    """Return people with at most that many random options, and limits of the seats that they share."""
    random = Random(seed)
    size, skus = random.randint(*sizes), "abcdef"[: random.randint(2, 6)]

    def option() -> Option:
        score = Score(
            -random.choice(_WEIGHTS) * random.randint(1, 3),
            random.randint(0, 2),
            random.randint(-6_000, 6_000),
            random.randint(1, 3),
        )
        changed = random.sample(skus, random.randint(1, 2))
        return Option(score=score, seats={sku: random.choice([-1, 1]) for sku in changed})

    people = [[Option(score=NO_CHANGE), *(option() for _ in range(random.randint(1, options)))] for _ in range(size)]
    return people, {sku: Limit(minimum=-random.randint(0, 5), maximum=random.randint(0, 6)) for sku in skus}


def test_a_slightly_worse_solution_is_not_taken_for_the_optimum() -> None:
    """The best solution is 0.002 % better than the first that HiGHS finds, which is within its default tolerance."""
    people, limits = people_and_limits(165, (9, 9), 3)
    walked, solved = (choose_options(People.of(people), limits, solver=name) for name in ("walk", "milp"))
    assert solved.score == walked.score


def test_solver_prints_nothing_into_a_document_on_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    """HiGHS 1.12 reports with `printf` that it solves this problem a second time."""
    people, limits = people_and_limits(2579, (20, 150), 5)
    assert len(solve(People.of(people), limits)) == len(people)
    assert capfd.readouterr().out == ""
