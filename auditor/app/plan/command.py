"""Implements `auditor plan`: reads the snapshots, makes the plan and writes its documents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from auditor.app.audit.run import Request, opened_states, policies_for
from auditor.app.catalogue import active
from auditor.app.plan.json_document import plan_json
from auditor.app.plan.planner import plan_run
from auditor.app.policy_files import decision_files, load_policies
from auditor.domain.decision import Decision
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.policy.loader import load
from auditor.remedy.messages import ENGLISH, Words
from auditor.remedy.planner.markdown import plan_markdown
from auditor.remedy.planner.model import FleetPlan
from auditor.remedy.planner.question_text import question_stubs
from auditor.wording import Wording

FORMATS: Mapping[str, str] = {
    "json": "plan.json",
    "markdown": "plan.md",
    "html": "plan.html",
    "questions": "questions.yaml",
}
"""Format → default file name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """The request of one plan."""

    policies: tuple[Path, ...] = ()
    demo: bool = False
    snapshots: tuple[Path | str, ...] = ()
    tenants: tuple[str, ...] = ()
    as_of: datetime
    decisions: Path | None = None
    """A file of decisions; None for `decisions.yaml` beside the policies."""


def run_plan(request: PlanRequest, *, words: Words = ENGLISH) -> FleetPlan:
    """Make the plan. Raises AuditorError if there is nothing to plan for."""
    if request.demo == bool(request.snapshots):
        raise UsageError(
            "usage",
            Message("a plan requires a snapshot")
            if not request.demo
            else Message("--demo plans only for the built-in tenants"),
            hint=Message("name a --snapshot that `auditor collect` wrote, or --demo, and not both"),
        )
    asked = Request(
        policies=request.policies,
        demo=request.demo,
        snapshots=request.snapshots,
        tenants=request.tenants,
        as_of=request.as_of,
        started=request.as_of,
    )
    policies = policies_for(asked)
    decisions = _decisions(request)
    if not policies.policies:
        raise UsageError(
            "policies-none",
            Message("the policy files define no policy, so there is nothing to plan for"),
            hint=Message("name the files with `policies:` too, or run without a path to use the starter library"),
        )
    with opened_states(asked, policies) as states:
        return plan_run(list(states), policies, active(), request.as_of, words=words, decisions=decisions)


def _decisions(request: PlanRequest) -> tuple[Decision, ...]:
    """Read the decisions together with the policies, whose names they may use. Raises InputError."""
    found = decision_files(request.policies, request.decisions)
    if not found:
        return ()
    if request.demo and not request.policies:
        from auditor.demo import policies as demo_policies  # noqa: PLC0415  only the demo needs its policies

        return load(demo_policies(request.as_of), decisions=found).decisions
    return load_policies(request.policies, decisions=found).decisions


def exit_code(plan: FleetPlan) -> int:
    """Return 3 for an incomplete snapshot, 1 if the proof fails, 0 otherwise."""
    if not plan.complete:
        return 3
    return 0 if plan.proven else 1


def documents(plan: FleetPlan, told: FleetPlan, words: Wording) -> Mapping[str, Callable[[], bytes]]:
    """Return a function per format that renders the plan.

    `told` is the same plan in the language of `words`, for people.
    """
    return {
        "json": lambda: plan_json(plan),
        "markdown": lambda: plan_markdown(told, words=words).encode("utf-8", "replace"),
        "html": lambda: _page(told, words),
        "questions": lambda: "".join(question_stubs(told.tenants, told.as_of, words)).encode("utf-8", "replace"),
    }


def _page(told: FleetPlan, words: Wording) -> bytes:
    from auditor.app.plan.html_view import plan_html  # noqa: PLC0415  only the page needs a template engine

    return plan_html(told, words=words)
