"""Answers every question of a plan as a sensible person would, until no question is left."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.errors import Span
from auditor.domain.policy.decision import AnswerKind, Decision, Question
from auditor.domain.policy.model import PolicySet
from auditor.policy.loader import Loaded, load
from auditor.policy.yaml.writer import block
from auditor.remedy.planner.model import FleetPlan
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import NOW

_VALUES = {"usageLocation": "NL"}
_ROUNDS = 6
_SEATS = {AnswerKind.RENEWAL, AnswerKind.PURCHASE}


def decided(rules: str, *decisions: Mapping[str, Any]) -> Loaded:
    """Load policies with decisions that give only their special keys; the ids are `D-0`, `D-1`, …"""
    items = [{"id": f"D-{n}", "by": "me@c.example", "on": "2026-11-20", **item} for n, item in enumerate(decisions)]
    text = f"version: 1\ndecisions:\n{block(items)}".encode()
    return load([("p.yaml", rules.encode())], decisions=[("decisions.yaml", text)] if items else [])


def decided_plan(rules: str, states: Sequence[Snapshot], *decisions: Mapping[str, Any]) -> FleetPlan:
    """Plan with decisions as for `decided`; the plan must be proven."""
    loaded = decided(rules, *decisions)
    plan = plan_run(states, loaded.policies, builtin(), NOW, decisions=loaded.decisions)
    assert plan.proven
    return plan


def first_answer(question: Question) -> tuple[AnswerKind, Any]:
    """Return the first answer of a question; a text in angle brackets is replaced by a country or a department."""
    ((kind, value),) = question.answers[0].items()
    if kind == AnswerKind.SET:
        value = {name: _VALUES.get(name, "Sales") if text == "<value>" else text for name, text in value.items()}
    return AnswerKind(kind), value


def decision(question: Question) -> Decision:
    """Return a decision with the first answer."""
    kind, value = first_answer(question)
    span = Span(file="decisions.yaml", line=1, column=1)
    return Decision(
        id=f"D-{question.id}", question=question.id, scope=None, kind=kind, value=value, by="me@c.example",
        on=date(2026, 11, 20), until=None, reason="", span=span,
    )  # fmt: skip


def answered_plan(states: Sequence[Snapshot], policies: PolicySet) -> tuple[FleetPlan, dict[str, Question]]:
    """Return the plan with answered questions, and the questions; numbers of seats depend on the other answers."""
    answered: dict[str, Question] = {}
    for _ in range(_ROUNDS):
        plan = plan_run(states, policies, builtin(), NOW, decisions=[decision(item) for item in answered.values()])
        asked = {question.id: question for tenant in plan.tenants for question in tenant.questions}
        changed = {
            name: question
            for name, question in asked.items()
            if name not in answered
            or (question.kind in _SEATS and first_answer(question) != first_answer(answered[name]))
        }
        if not changed:
            return plan, answered
        answered |= changed
    raise AssertionError("the plan asks on and on")
