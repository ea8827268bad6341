"""Reads decisions.yaml: checks structure and meaning, with source positions, as for policies."""

from collections.abc import Iterable
from datetime import date

from auditor.domain.errors import InputError
from auditor.domain.message import Message
from auditor.domain.policy.decision import AnswerKind, Decision, DecisionScope
from auditor.policy.nodes import Node, day
from auditor.policy.references import Names
from auditor.policy.schema.check import structure_mistakes
from auditor.policy.sections.selectors import read_selector
from auditor.policy.yaml.reader import parse


def read_decisions(
    files: Iterable[tuple[str, bytes]], names: Names, policies: set[str], today: date | None, *, complete: bool
) -> tuple[Decision, ...]:
    """Return the decisions of files; mistakes are reported to the diagnostics of `names`.

    With `today`, there is a warning about each decision that ended before. `complete` is whether `policies` contains
    every policy, so that any other id is a mistake.
    """
    by_id: dict[str, Decision] = {}
    for file, text in files:
        try:
            document = parse(text, file=file)
        except InputError as error:
            names.diagnostics.items.extend(error.diagnostics)
            continue
        mistakes, _ = structure_mistakes(document, "decisions")
        names.diagnostics.items.extend(mistakes)
        if mistakes:
            continue
        for node in Node(document, (), document.value)["decisions"].each():
            decision = _decision(node, names)
            first = by_id.setdefault(decision.id, decision)
            if first is not decision:
                message = Message("the decision id '{id}' is already used", id=decision.id)
                names.diagnostics.duplicate("decision-duplicate-id", message, node["id"], first.span)
            if today is not None and decision.has_expired(today):
                hint = Message("remove it, or let it end later")
                names.diagnostics.warning("decision-expired", decision.expired_message, node["until"], hint)
            if complete and decision.scope is not None and decision.scope.policy not in {None, *policies}:
                _unknown_policy(node["for"]["policy"], names, policies)
    return tuple(sorted(by_id.values(), key=lambda decision: decision.id))


def _unknown_policy(node: Node, names: Names, policies: set[str]) -> None:
    names.diagnostics.error(
        "decision-unknown-policy",
        Message("the decision is for the policy '{value}', which no file defines", value=node.value),
        node,
        names.diagnostics.hints.did_you_mean(
            str(node.value), policies, Message("specify a policy that exists, or remove the decision")
        ),
    )


def _decision(node: Node, names: Names) -> Decision:
    ((kind, value),) = node.value["answer"].items()
    if kind == AnswerKind.SKIP and not node.text("reason"):
        names.diagnostics.error(
            "decision-reason",
            Message("a question that is skipped needs a reason"),
            node["answer"],
            Message("add `reason:`"),
        )
    return Decision(
        id=node.text("id"),
        question=node.text("question") or None,
        scope=_scope(node["for"], names) if node.has("for") else None,
        kind=AnswerKind(kind),
        value=value,
        by=node.text("by"),
        on=day(node["on"], names.diagnostics),
        until=day(node["until"], names.diagnostics) if node.has("until") else None,
        reason=node.text("reason"),
        span=node.span(),
    )


def _scope(node: Node, names: Names) -> DecisionScope:
    tenants = names.tenants = node.texts("tenants") if node.has("tenants") else None
    scope = DecisionScope(
        policy=node.text("policy") or None,
        check=node.text("check") or None,
        tenants=tenants,
        products=names.product_set(node["products"]) if node.has("products") else None,
        users=read_selector(node["users"], names) if node.has("users") else None,
    )
    names.tenants = None
    return scope
