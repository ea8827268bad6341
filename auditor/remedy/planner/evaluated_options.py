"""Evaluates the options of each person and group of a tenant once, before any draft of its plan."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.enums import Status, SubjectType
from auditor.domain.policy.decision import AnswerKind, Decision, is_left
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.domain.translation import Localizer
from auditor.engine.evaluate import columns
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import TenantFacts
from auditor.guidance import Library
from auditor.remedy.actions.context import RemediationContext, RoutedFinding, context_of
from auditor.remedy.actions.guidance.routes import route_of
from auditor.remedy.planner.optimization.options import UNCHANGED
from auditor.remedy.planner.proposals.candidates import Proposal, proposals
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal, evaluate_proposals
from auditor.remedy.planner.proposals.group_changes import NOBODY, GroupChange, group_changes_of
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.questions.decisions import Answered, apply_answers
from auditor.remedy.planner.questions.questions import (
    questions_of,
    with_giving_groups,
    with_seat_needs,
    with_service_losses,
)
from auditor.remedy.planner.questions.seat_needs import seat_needs
from auditor.remedy.planner.simulation.accounts import Account, read_accounts, read_properties
from auditor.remedy.planner.simulation.seat_answers import DecidedSeatChange, seat_changes_of
from auditor.remedy.planner.simulation.tenant import TenantState, state_of

_SETTING: Final = frozenset({Correction.SET_ATTRIBUTE, Correction.CORRECT_ATTRIBUTE})


class Options(Struct, frozen=True, kw_only=True, dict=True):
    """The evaluated options of a tenant, computed once for all drafts."""

    library: Library
    l10n: Localizer
    """The language of the plan."""
    bound: BoundPolicies
    context: RemediationContext
    """The facts on which the remedies of the tenant's findings depend."""
    routes: Sequence[RoutedFinding]
    """The route of each finding, in the same order."""
    evaluated: Mapping[str, Sequence[EvaluatedProposal]]
    only_harmful: frozenset[str]
    """Fingerprints of findings that only a harmful request could fix."""
    partial: tuple[str, ...]
    state: TenantState
    pathless: frozenset[str]
    """Users with open findings whose paths are not known."""
    answered: Answered
    seat_changes: Mapping[str, DecidedSeatChange]
    """SkuId → the change of its seats by decisions."""
    group_changes: Mapping[str, GroupChange]
    """Changes of groups by key; the people of these groups are not changed one by one."""

    @cached_property
    def opened(self) -> frozenset[str]:
        """Fingerprints of the open findings."""
        return frozenset(finding.fingerprint for finding in self.context.findings if finding.status is Status.OPEN)

    @cached_property
    def left_findings(self) -> frozenset[str]:
        """Fingerprints of findings that stay as they are by a decision."""
        answers = self.answered.answers
        return frozenset(fingerprint for fingerprint in answers if any(map(is_left, answers[fingerprint])))

    @property
    def seat_findings(self) -> frozenset[str]:
        """Fingerprints of findings about products with a decision about their seats, which a person carries out."""
        asked = frozenset(fingerprint for answer in self.answered.seats for fingerprint in answer.question.findings)
        return asked & self.answered.answers.keys()

    def fixing(self, finding: Finding) -> Sequence[EvaluatedProposal]:
        """Return the proposals that fix a finding."""
        return self._fixing.get(finding.fingerprint, ())

    @cached_property
    def _fixing(self) -> Mapping[str, Sequence[EvaluatedProposal]]:
        """Fingerprint → the proposals that fix the finding."""
        fixing: dict[str, list[EvaluatedProposal]] = {}
        for evaluated in chain.from_iterable(self.evaluated.values()):
            for finding in evaluated.fixed:
                fixing.setdefault(finding.fingerprint, []).append(evaluated)
        return fixing

    @cached_property
    def _owners(self) -> Mapping[str, str]:
        """Id of a group with a change, and of each of its people → the key of the change."""
        owners: dict[str, str] = {}
        for key, change in self.group_changes.items():
            owners |= {subject: key for subject in (change.group, *change.users) if subject not in owners}
        return owners

    def owner(self, user: str) -> str:
        """Return the key under which a person or group is changed: the person's id, or the key of the group change."""
        return self._owners.get(user, user)


def options_of(
    bound: BoundPolicies, tenant: TenantResult, decisions: Sequence[Decision], library: Library, l10n: Localizer
) -> Options:
    """Read the accounts with open findings in a tenant, and evaluate the options for each."""
    context = context_of(tenant, bound.facts.policies, bound.facts.as_of.date(), tuple(tenant.findings))
    open_findings = [finding for finding in context.findings if finding.status is Status.OPEN]
    findings: dict[str, list[Finding]] = {}
    for finding in open_findings:
        if finding.subject.type is SubjectType.USER:
            findings.setdefault(finding.subject.id, []).append(finding)
    accounts = read_accounts(bound.facts, frozenset(findings), dated="lastUpdatedDateTime" in columns(bound)[1])
    state = state_of(bound.facts, accounts)
    accounts = state.accounts = _with_rule_values(bound.facts, state, open_findings)
    routes = {finding.fingerprint: route_of(finding, context) for finding in context.findings}
    product_options = ProductOptions(bound=bound, context=context, routes=routes, memberships=state.memberships)
    personal = frozenset(finding.fingerprint for user_findings in findings.values() for finding in user_findings)
    questions = questions_of(product_options, open_findings, accounts)
    answers = apply_answers(questions, decisions, product_options, personal).answers
    questions = with_giving_groups(replace(product_options, answers=answers), questions, open_findings, accounts)
    product_options = replace(
        product_options, answers=apply_answers(questions, decisions, product_options, personal).answers
    )
    group_changes = group_changes_of(product_options, state, findings)
    product_options = replace(product_options, fixed_groups=frozenset(change.group for change in group_changes))
    proposed = {user: proposals(account, findings[user], product_options) for user, account in sorted(accounts.items())}
    users_in_groups = {user for group_change in group_changes for user in group_change.users}
    state.members = {group_change.group: group_change.users for group_change in group_changes}
    individual = {user: alternatives for user, (alternatives, _) in proposed.items() if user not in users_in_groups}
    evaluation = evaluate_proposals(product_options, individual, findings)
    unchanged = EvaluatedProposal(proposal=Proposal(after=NOBODY), option=UNCHANGED)
    evaluated = {**evaluation.evaluated, **{change.key: [unchanged, change.evaluated] for change in group_changes}}
    questions = with_seat_needs(product_options, questions, seat_needs(bound, evaluated))
    questions = with_service_losses(product_options, questions, evaluation)
    replies = apply_answers(questions, decisions, product_options, personal)
    for user, harmful in evaluation.harmful.items():
        evaluated[user] = [*evaluated[user], *(proposal for proposal in harmful if _is_released(proposal, replies))]
    return Options(
        library=library,
        l10n=l10n,
        bound=bound,
        context=context,
        routes=[routes[finding.fingerprint] for finding in context.findings],
        evaluated=evaluated,
        only_harmful=evaluation.only_harmful,
        partial=tuple(user for user, (_, complete) in proposed.items() if not complete),
        state=state,
        pathless=frozenset(findings) - frozenset(accounts),
        answered=replies,
        seat_changes=seat_changes_of(bound, replies.seats),
        group_changes={group_change.key: group_change for group_change in group_changes},
    )


def _is_released(evaluated: EvaluatedProposal, replies: Answered) -> bool:
    """Whether it was decided that services may be lost to fix the findings of a proposal."""
    answers = (answer for finding in evaluated.fixed for answer in replies.answers.get(finding.fingerprint, ()))
    return any(answer.kind is AnswerKind.RELEASE and not is_left(answer) for answer in answers)


def _with_rule_values(facts: TenantFacts, state: TenantState, findings: Iterable[Finding]) -> dict[str, Account]:
    """Add the properties that rules of dynamic groups use, for members and for people whose properties may be set."""
    names, groups = state.memberships.rule_properties, state.memberships.groups
    user_ids = {finding.subject.id for finding in findings if correction_of(finding) in _SETTING}
    dynamic_groups = {group.id for group in groups.values() if group.dynamic}
    user_ids |= {
        user
        for user, account in state.accounts.items()
        if any(grant.group in dynamic_groups for grant in account.grants)
    }
    values = read_properties(facts, user_ids, names) if names else {}
    return {
        user: replace(account, rule_values=values[user]) if user in values else account
        for user, account in state.accounts.items()
    }
