"""Replaces users in a plan with the pseudonyms that they have in the Result."""

import re
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.policy.decision import Question
from auditor.domain.result.model import Notice
from auditor.findings.person_names import users_in
from auditor.remedy.planner.model import FleetPlan, Proof, Remaining, TenantPlan
from auditor.remedy.planner.questions.questions import question_order
from auditor.result.redaction.findings import redacted_findings
from auditor.result.redaction.people import UserPseudonyms, people_of
from auditor.result.redaction.pseudonyms import RedactionKey
from auditor.result.redaction.redact import REASON, redacted_action

_CODE: Final = re.compile(r"`[^`]*`")
"""A value in a step, such as the authors of a decision."""


def redacted_plan(plan: FleetPlan, key: RedactionKey) -> FleetPlan:
    """Replace users in a plan; with the same key, a user has the same pseudonym as in the result."""
    return replace(
        plan,
        tenants=tuple(_tenant_plan(tenant, key) for tenant in plan.tenants),
        fleet=_proof(plan.fleet, UserPseudonyms(key=key)),
        notices=_notices(plan.notices, UserPseudonyms(key=key)),
        redacted=True,
    )


def _tenant_plan(tenant: TenantPlan, key: RedactionKey) -> TenantPlan:
    people = people_of(tenant.tenant_id, users_in(tenant.findings, tenant.proof.new), key, {})
    tenant = _without_decision_texts(tenant, people)
    findings = redacted_findings(tenant.findings, people)
    positions = {finding.fingerprint: index for index, finding in enumerate(findings)}
    dropped = (
        replace(item, subject=people.program_text(item.subject), why=people.program_text(item.why))
        for item in tenant.dropped
    )
    return replace(
        tenant,
        omitted=tuple(reason.rewritten(people.quoted_text) for reason in tenant.omitted),
        notices=_notices(tenant.notices, people),
        names={item: people.program_text(name) for item, name in tenant.names.items()},
        actions=tuple(redacted_action(action, people, positions) for action in tenant.actions),
        findings=findings,
        questions=tuple(sorted((_question(question, people) for question in tenant.questions), key=question_order)),
        proof=_proof(tenant.proof, people),
        dropped=tuple(sorted(dropped, key=lambda item: (item.subject, item.why))),
        solver=replace(tenant.solver, partial=tuple(sorted(map(people.text, tenant.solver.partial)))),
        policy_titles={name: people.free_text(title) for name, title in tenant.policy_titles.items()},
        changes=None,
        answers=(),
        expected=(),
        holdings=(),
    )


def _without_decision_texts(tenant: TenantPlan, people: UserPseudonyms) -> TenantPlan:
    """Remove the reasons of decisions, and replace their authors and the ids of questions about users in their ids."""
    decisions = {answer.decision.id: answer.decision for answer in tenant.answers}.values()
    reasons = sorted({decision.reason for decision in decisions if decision.reason}, key=len, reverse=True)
    authors = {decision.by: people.key.person("", decision.by.casefold()) for decision in decisions if decision.by}
    named = "\n".join((*(decision.id for decision in decisions), *(notice.subject for notice in tenant.notices)))
    ids = {
        question.id: people.key.question(question.id)
        for question in tenant.questions
        if question.subject in people.ids and question.id in named
    }
    author = re.compile(
        "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(authors, key=len, reverse=True)) or r"(?!)"
    )

    def without_ids(text: str) -> str:
        for question_id, pseudonym in ids.items():
            text = text.replace(question_id, pseudonym)
        return text

    def without_authors(text: str) -> str:
        return author.sub(lambda match: authors[match[0]], text)

    def reason(item: Remaining) -> Remaining:
        if item.code != "decided":
            return item
        text = item.why
        for decision_reason in reasons:
            text = text.replace(decision_reason, REASON)
        return replace(item, why=without_ids(without_authors(text)))

    def action(item: Action) -> Action:
        steps = tuple(_CODE.sub(lambda span: without_authors(span[0]), step) for step in item.steps)
        return replace(item, steps=tuple(map(without_ids, steps)))

    return replace(
        tenant,
        actions=tuple(map(action, tenant.actions)),
        questions=tuple(
            replace(question, decision=question.decision and without_ids(question.decision))
            for question in tenant.questions
        ),
        proof=replace(tenant.proof, remaining=tuple(map(reason, tenant.proof.remaining))),
        notices=tuple(
            replace(notice, message=notice.message.rewritten(without_ids), subject=without_ids(notice.subject))
            for notice in tenant.notices
        ),
    )


def _notices(notices: Iterable[Notice], people: UserPseudonyms) -> tuple[Notice, ...]:
    return tuple(replace(notice, message=notice.message.rewritten(people.free_text)) for notice in notices)


def _question(question: Question, people: UserPseudonyms) -> Question:
    return replace(
        question,
        id=people.key.question(question.id) if question.subject in people.ids else question.id,
        subject=people.text(question.subject),
        name=people.program_text(question.name),
        address=people.program_text(question.address),
        findings=people.fingerprints(question.findings),
        required_by={seats: tuple(map(people.free_text, titles)) for seats, titles in question.required_by.items()},
    )


def _proof(proof: Proof, people: UserPseudonyms) -> Proof:
    remaining = (
        replace(item, fingerprint=people.key.fingerprint(item.fingerprint), why=people.program_text(item.why))
        for item in proof.remaining
    )
    return replace(
        proof,
        fixed=people.fingerprints(proof.fixed),
        remaining=tuple(sorted(remaining, key=lambda item: item.fingerprint)),
        new=redacted_findings(proof.new, people),
    )
