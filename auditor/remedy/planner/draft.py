"""Draft the plan of one tenant within the constraints that earlier drafts led to: who changes how, in which order."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from auditor.checks.check import Correction
from auditor.checks.registry import check_of, correction_of, registered
from auditor.domain.actions.kind import ActionKind
from auditor.domain.decision import Decision
from auditor.domain.enums import Status, SubjectType
from auditor.domain.result import Action, Finding, TenantResult
from auditor.engine.binding import BoundPolicies
from auditor.engine.tenant_facts import TenantFacts
from auditor.guidance import Library, Order
from auditor.remedy.actions.build import actions_of
from auditor.remedy.actions.context import circumstances, situations_of
from auditor.remedy.actions.model import Decided
from auditor.remedy.kinds import Term
from auditor.remedy.messages import ENGLISH, Words
from auditor.remedy.planner.accounts import Account, read_accounts
from auditor.remedy.planner.candidates import Proposal, proposals
from auditor.remedy.planner.change_parts import divided
from auditor.remedy.planner.decisions import Answered, answered
from auditor.remedy.planner.evaluation import Weighed, evaluated
from auditor.remedy.planner.group_changes import GroupChange, group_changes_of
from auditor.remedy.planner.optimizer import Choice, choose_options
from auditor.remedy.planner.options import NO_CHANGE, Limit, Option
from auditor.remedy.planner.product_options import ProductOptions
from auditor.remedy.planner.questions import questions_of
from auditor.remedy.planner.seat_limits import limits_of
from auditor.remedy.planner.simulation import TenantState, apply, copied, state_of
from auditor.remedy.requests import Command, subject_of

MAX_REORDERINGS = 9
"""How often actions are tried in another order before what finds no seat is left out."""
WINDOW = timedelta(days=7)
"""Under a Microsoft Customer Agreement seats go within seven days of the purchase (Buy or remove licenses, 2024)."""


@dataclass(slots=True, kw_only=True)
class PlanConstraints:
    """The constraints that the audits of earlier drafts led to; they grow from draft to draft."""

    barred: dict[str, str] = field(default_factory=dict)
    """User id → why the user is left alone."""
    limits: dict[str, Limit] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """SkuId → why its seats are limited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was weighed once for a tenant, whatever tries follow."""

    plan: BoundPolicies
    tenant: TenantResult
    weighed: Mapping[str, Sequence[Weighed]]
    ending: frozenset[str]
    """Findings that only a harmful request could mend."""
    partial: tuple[str, ...]
    state: TenantState
    pathless: frozenset[str]
    """Users with open findings whose paths are not known."""
    answered: Answered
    group_changes: Mapping[str, GroupChange]
    """Groups that can be changed as a whole; their people are not changed one by one."""

    def owner(self, user: str) -> str:
        """Return under which key a person is changed: their own, or that of their group."""
        return next((key for key, group_change in self.group_changes.items() if user in group_change.users), user)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan before its proof."""

    taken: Mapping[str, Weighed]
    decided: tuple[Decided, ...]
    actions: tuple[Action, ...]
    choice: Choice
    state: TenantState
    """The state after all requests, in the order of the actions."""
    refused: Mapping[str, str]
    """User id → what Graph would say."""
    deferrals: Mapping[str, int]
    """Action id → how far behind the others of its rank it goes, for the seats that they free."""


def options_of(plan: BoundPolicies, tenant: TenantResult, decisions: Sequence[Decision] = ()) -> Options:
    """Read the accounts behind a tenant's open findings and weigh what could be done about each."""
    known = circumstances(tenant, plan.facts.policies)
    findings: dict[str, list[Finding]] = {}
    for finding in tenant.findings:
        if finding.status is Status.OPEN and finding.subject.type is SubjectType.USER:
            findings.setdefault(finding.subject.id, []).append(finding)
    accounts = read_accounts(plan.facts, frozenset(findings))
    state = state_of(plan.facts, accounts)
    product_options = ProductOptions(plan=plan, known=known, memberships=state.memberships)
    opened = [finding for finding in tenant.findings if finding.status is Status.OPEN]
    replies = answered(questions_of(product_options, opened, accounts), decisions, product_options)
    product_options = replace(product_options, answers=replies.answers)
    group_changes = group_changes_of(product_options, state, findings)
    product_options = replace(product_options, fixed_groups=frozenset(each.group for each in group_changes))
    proposed = {user: proposals(account, findings[user], product_options) for user, account in sorted(accounts.items())}
    together = {user for group_change in group_changes for user in group_change.users}
    state.members = {group_change.group: group_change.users for group_change in group_changes}
    alone = {user: alternatives for user, (alternatives, _) in proposed.items() if user not in together}
    found = evaluated(product_options, alone, findings)
    joint = {group_change.key: [_nothing(group_change), group_change.weighed] for group_change in group_changes}
    return Options(
        plan=plan,
        tenant=tenant,
        weighed={**found.weighed, **joint},
        ending=found.ending,
        partial=tuple(user for user, (_, whole) in proposed.items() if not whole),
        state=state,
        pathless=frozenset(findings) - frozenset(accounts),
        answered=replies,
        group_changes={group_change.key: group_change for group_change in group_changes},
    )


def _nothing(group_change: GroupChange) -> Weighed:
    return Weighed(
        proposal=Proposal(after=group_change.weighed.proposal.after), option=Option(score=NO_CHANGE), mended=()
    )


def draft(
    options: Options,
    constraints: PlanConstraints,
    library: Library,
    *,
    words: Words = ENGLISH,
    solver: str | None = None,
) -> Draft:
    """Choose for everybody, write the actions and apply their requests in order, on a copy."""
    users = [user for user in options.weighed if user not in constraints.barred]
    alternatives = [[weighed.option for weighed in options.weighed[user]] for user in users]
    choice = choose_options(alternatives, limits_of(options.plan, constraints.limits), solver=solver)
    taken = {
        user: options.weighed[user][index]
        for user, index in zip(users, choice.chosen, strict=True)
        if options.weighed[user][index].mended
    }
    made = (one for user, weighed in taken.items() for one in _decided(options, user, weighed))
    answers = options.answered.answers
    decided = tuple(replace(one, answered=all(mark in answers for mark in one.findings)) for one in made)
    actions = listed(options, options.tenant, decided, library, words)
    deferrals: dict[str, int] = {}
    ran = _simulated(options, actions, taken)
    for turn in range(1, MAX_REORDERINGS):
        if not ran.refused:
            break
        later = deferrals | dict.fromkeys(ran.deferrals, turn)
        tried = _simulated(options, reordered(actions, later), taken)
        if len(tried.refused) >= len(ran.refused):
            break
        deferrals, ran = later, tried
    return Draft(
        taken=taken,
        decided=decided,
        actions=reordered(actions, deferrals),
        choice=choice,
        state=ran.state,
        refused=ran.refused,
        deferrals=deferrals,
    )


def reordered(actions: Sequence[Action], deferrals: Mapping[str, int]) -> tuple[Action, ...]:
    """Put actions that find no seat at first behind those of the same rank that free it."""
    return tuple(sorted(actions, key=lambda action: (Order(action.order).rank, deferrals.get(action.id, 0))))


@dataclass(frozen=True, slots=True, kw_only=True)
class _SimulationResult:
    """What applying requests in an order came to."""

    state: TenantState
    refused: dict[str, str]
    deferrals: frozenset[str]
    """Ids of the actions in which something was refused."""


def _simulated(options: Options, actions: Sequence[Action], taken: Mapping[str, Weighed]) -> _SimulationResult:
    """Apply the requests of actions in their order, on a copy."""
    state = copied(options.state)
    refused: dict[str, str] = {}
    acting: dict[str, set[str]] = {}
    for action in actions:
        for request in action.requests:
            command = Command(method=request["method"], path=request["path"], body=request["body"])
            key = _key(options, command)
            acting.setdefault(key, set()).add(action.id)
            refusal = apply(state, command)
            if refusal is not None:
                refused[key] = refusal
    for user, weighed in taken.items():
        # A retry is never refused; it may find no seat all the same.
        if user not in {*refused, *options.group_changes} and state.accounts[user].held != weighed.proposal.after.held:
            refused[user] = "Subscription does not have any available licenses."
    return _SimulationResult(
        state=state, refused=refused, deferrals=frozenset().union(*(acting.get(user, ()) for user in refused))
    )


def listed(
    options: Options, tenant: TenantResult, decided: tuple[Decided, ...], library: Library, words: Words
) -> tuple[Action, ...]:
    """Write the actions for the tenant's findings, with all that the snapshot knows of groups and subscriptions."""
    facts = options.plan.facts
    known = circumstances(tenant, facts.policies)
    return actions_of(
        known,
        situations_of(known),
        library,
        words=words,
        decided=decided,
        groups={group.id: group.name for group in facts.groups if group.name},
        terms=terms_of(facts),
    )


def terms_of(facts: TenantFacts) -> dict[str, Term]:
    """Return for each product when its seats can go, by its subscriptions that are paid and alive."""
    terms: dict[str, Term] = {}
    for row in facts.subscriptions:
        sku_id, bought, ends = (row["skuId"] or "").lower(), row["createdDateTime"], row["nextLifecycleDateTime"]
        if not sku_id or row["isTrial"] or (row["status"] or "").casefold() not in {"enabled", "warning"}:
            continue
        recent = bought is not None and facts.as_of - WINDOW <= bought <= facts.as_of
        day = None if ends is None else ends.date().isoformat()
        known = terms.get(sku_id, Term(just_bought=False, ends=None))
        days = [found for found in (known.ends, day) if found is not None]
        terms[sku_id] = Term(just_bought=known.just_bought or recent, ends=min(days, default=None))
    return terms


def _key(options: Options, command: Command) -> str:
    """Return under which key the request stands in the plan."""
    kind, identifier = subject_of(command)
    gone = set(command.body.get("removeLicenses", ()))
    joint = (
        key
        for key, group_change in options.group_changes.items()
        if group_change.group == identifier and group_change.sku_id in gone
    )
    return identifier if kind == "users" else next(joint, identifier)


def _decided(options: Options, user: str, weighed: Weighed) -> Iterator[Decided]:
    """Name what a change of one person or group is.

    A group licence that is tried again is nothing that is assigned: where the rest is worth doing by itself, the two
    are told apart.
    """
    if user in options.group_changes:
        yield _decided_group(options.group_changes[user])
        return
    before, commands = options.state.accounts[user], weighed.proposal.commands
    if weighed.proposal.left or weighed.proposal.joined:
        yield _changed(before, weighed)
        return
    alone = (own for own in options.weighed[user] if own.mended and own.proposal.commands == commands[:-1])
    apart = weighed.proposal.retried and commands[-1].path.endswith("/reprocessLicenseAssignment")
    rest = next(alone, None) if apart else None
    mended = () if rest is None else tuple(finding for finding in weighed.mended if finding not in rest.mended)
    if rest is None or not mended:
        yield from itertools.starmap(_changed, divided(before, weighed))
        return
    again = replace(weighed.proposal, add=(), remove=(), location=None, commands=commands[-1:])
    yield from itertools.starmap(_changed, divided(before, rest))
    yield _changed(rest.proposal.after, replace(weighed, proposal=again, mended=mended, lost=()))


def _changed(before: Account, weighed: Weighed) -> Decided:
    """Name what a change of one person is, by what comes, goes and stays."""
    proposal = weighed.proposal
    came = sorted(proposal.after.held - before.held)
    went = sorted(before.held - proposal.after.held)
    copies = sorted(sku for sku in proposal.remove if sku in proposal.after.held)
    waiting = {g.sku_id for g in before.grants if g.group is not None and g.error == "CountViolation"}
    retried = sorted(waiting & set(came))
    off, on = (
        ", ".join(sorted({f.detail or "" for f in weighed.mended if correction_of(f) is correction}))
        for correction in (Correction.DISABLE_SERVICE, Correction.ENABLE_SERVICE)
    )
    switched = sorted({addition.sku_id for addition in proposal.add} & before.held)
    mended = sorted(weighed.mended, key=lambda finding: (_rank(finding), finding.fingerprint))
    kind, old, new, extra = ActionKind.ATTRIBUTE_SET, "", "", ""
    if proposal.left and went and not (came and not proposal.joined):
        kind, old, new = (ActionKind.MOVE_GROUP if came else ActionKind.LEAVE_GROUP), "+".join(went), "+".join(came)
        extra = ", ".join(proposal.left)
    elif proposal.left and not came and not went:
        kind, extra = ActionKind.LEAVE_GROUP, ", ".join(proposal.left)
        old = "+".join(sorted({grant.sku_id for grant in before.grants if grant.group in proposal.left}))
    elif proposal.joined and not came and not went:
        kind, old = ActionKind.TO_GROUP, "+".join(copies)
    elif came and went:
        kind, old, new = ActionKind.MOVE, "+".join(went), "+".join(came)
    elif proposal.retried and came == retried and not went:
        kind, old, extra = ActionKind.REPROCESS, "+".join(retried or sorted(waiting)), "CountViolation"
    elif came:
        kind, new = ActionKind.ASSIGN, "+".join(came)
    elif went:
        kind, old = ActionKind.UNASSIGN, "+".join(went)
    elif copies:
        kind, old = ActionKind.COPY, "+".join(copies)
    elif switched:
        kind, old, extra = ActionKind.SERVICE_OFF if off else ActionKind.SERVICE_ON, "+".join(switched), off or on
        new = on if off else ""
    elif proposal.location is not None:
        extra = "usageLocation"
    return Decided(
        kind=kind,
        findings=tuple(finding.fingerprint for finding in mended),
        old=old,
        new=new,
        extra=extra,
        commands=proposal.commands,
        lost=weighed.lost,
    )


def _decided_group(group_change: GroupChange) -> Decided:
    mended = sorted(group_change.weighed.mended, key=lambda finding: (_rank(finding), finding.fingerprint))
    return Decided(
        kind=ActionKind.GROUP_LICENCE if group_change.target is None else ActionKind.GROUP_SWAP,
        findings=tuple(finding.fingerprint for finding in mended),
        old=group_change.sku_id,
        new=group_change.target or "",
        extra=group_change.group,
        commands=group_change.weighed.proposal.commands,
        lost=group_change.weighed.lost,
    )


def _rank(finding: Finding) -> tuple[int, int]:
    """Order the findings that one change corrects: the first decides which article tells how."""
    check = check_of(finding.check)
    correction = len(_CORRECTIONS) if check.correction is None else _CORRECTIONS.index(check.correction)
    return correction, registered().index(check)


_CORRECTIONS = tuple(Correction)
