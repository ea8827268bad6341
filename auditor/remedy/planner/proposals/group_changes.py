"""Proposes changes of groups from which all people with a product should lose it, or which have no members."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import pyarrow.compute as pc
from msgspec import Struct

from auditor.checks.check import Correction
from auditor.checks.health.group_empty import CHECK as GROUP_EMPTY
from auditor.checks.registry import correction_of
from auditor.domain.enums import Source, SourceStatus, Status
from auditor.domain.policy.decision import AnswerKind
from auditor.domain.result.finding import Finding
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.actions.remedies.targets import sku_of
from auditor.remedy.planner.proposals.candidates import Proposal
from auditor.remedy.planner.proposals.evaluation import (
    EvaluatedProposal,
    findings_of_accounts,
    key_of,
    lost_services,
    scored,
)
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.replacements import decided_downgrade, is_half_replaced, may_act
from auditor.remedy.planner.simulation.accounts import Account, seat_balance
from auditor.remedy.planner.simulation.tenant import TenantState, apply, copy_state
from auditor.remedy.product_kinds import same_kind
from auditor.remedy.requests import Addition, assign_group

NOBODY: Final = Account(id="", row=-1, usage_location=None, grants=())
"""Placeholder for the account in a proposal that changes a group."""


class GroupChange(Struct, frozen=True, kw_only=True):
    """A group that stops giving products, and the product that it gives instead."""

    group: str
    sku_ids: tuple[str, ...]
    target: str | None
    users: tuple[str, ...]
    evaluated: EvaluatedProposal

    @property
    def key(self) -> str:
        """The key of the group among the user ids of a plan, which contain no space."""
        return f"group {self.group} {'+'.join(self.sku_ids)}"


def group_changes_of(
    product_options: ProductOptions, state: TenantState, findings: Mapping[str, Sequence[Finding]]
) -> tuple[GroupChange, ...]:
    """Return the changes of groups whose people should all lose a product that the group gives.

    All of these people must be known to the plan, so that nobody else is changed, and nobody may have decided about a
    person that the change is another one: a smaller product, a property by which the person leaves the group, or
    another group that gives the replacement.
    """
    candidates: dict[tuple[str, str], dict[str, list[Finding]]] = {}
    for user, user_findings in findings.items():
        account = state.accounts.get(user)
        for finding in user_findings:
            sku_id = sku_of(finding)
            if (
                account is None
                or correction_of(finding) is not Correction.REPLACE
                or not may_act(finding, product_options)
                or decided_downgrade(finding, product_options) is not None
                or product_options.value(finding, AnswerKind.SET) is not None
                or account.direct(sku_id) is not None
            ):
                continue
            groups = account.groups_giving(sku_id)
            if len(groups) == 1:
                candidates.setdefault((groups[0], sku_id), {}).setdefault(user, []).append(finding)
    changes = list(_empty_groups(product_options, state))
    changed_users: set[str] = set()
    for (group, sku_id), people in sorted(candidates.items()):
        # A person may be in two such groups; the second group is left to the next plan.
        if changed_users.isdisjoint(people) and _is_complete(
            product_options.bound.facts, group, sku_id, frozenset(people)
        ):
            group_change = _group_change(
                product_options, state, group, sku_id, {user: findings[user] for user in sorted(people)}
            )
            if group_change is not None:
                changes.append(group_change)
                changed_users.update(group_change.users)
    return tuple(changes)


def _empty_groups(product_options: ProductOptions, state: TenantState) -> Iterator[GroupChange]:
    """Yield the removal of all licences of each reported group that is assigned in the cloud and has no members.

    Dynamic and synchronised groups keep their licences, because a rule or the local directory may add members later.
    """
    facts = product_options.bound.facts
    for finding in product_options.context.findings:
        group = state.memberships.groups.get(finding.subject.id)
        if finding.check != GROUP_EMPTY.id or finding.status is not Status.OPEN or group is None:
            continue
        fixed_members = state.memberships.refusal(group.id) in {"dynamic", "synced", "unread"}
        if fixed_members or not all(_is_complete(facts, group.id, sku_id, frozenset()) for sku_id in group.sku_ids):
            continue
        yield GroupChange(
            group=group.id,
            sku_ids=group.sku_ids,
            target=None,
            users=(),
            evaluated=scored(
                product_options,
                Proposal(after=NOBODY, requests=(assign_group(group.id, remove=group.sku_ids),)),
                (finding,),
                (),
                seats={},
            ),
        )


def _is_complete(facts: TenantFacts, group: str, sku_id: str, people: frozenset[str]) -> bool:
    """Whether these are all people who have, or should have, the product from the group.

    Once a group is processed, every member has an assignment path with the group; if its members were read, they must
    be the same people.
    """
    fact = next((fact for fact in facts.groups if fact.id == group), None)
    if fact is None or sku_id not in fact.sku_ids or fact.processing_state != "ProcessingComplete":
        return False
    if facts.status(Source.USERS) is not SourceStatus.COMPLETE:
        return False
    listed = frozenset(facts.snapshot.members_of(group, transitive=False).to_pylist())
    if listed - people or (fact.members_status is SourceStatus.COMPLETE and listed != people):
        return False
    holders = 0
    for batch in facts.snapshot.batches(("id",), ("user", "skuId", "assignedByGroup")):
        links = batch.assignments
        same = pc.and_(
            pc.equal(links.column("skuId").cast("string"), sku_id),
            pc.fill_null(pc.equal(links.column("assignedByGroup").cast("string"), group), fill_value=False),
        )
        holders += pc.sum(same).as_py() or 0
    return holders == len(people)


def _group_change(
    product_options: ProductOptions,
    state: TenantState,
    group: str,
    sku_id: str,
    findings: Mapping[str, Sequence[Finding]],
) -> GroupChange | None:
    if _is_from_chosen_group(product_options, sku_id, findings):
        return None
    target = _target(product_options, state, sku_id, findings)
    off = _off(product_options, [state.accounts[user] for user in findings], (group, sku_id), target)
    added = () if target is None else (Addition(sku_id=target, disabled_plans=off),)
    request = assign_group(group, add=added, remove=[sku_id])
    changed = copy_state(state)
    # The optimizer decides whether there are enough seats; here everybody gets one.
    changed.consumed = dict.fromkeys(changed.consumed, 0)
    changed.usable = dict.fromkeys(changed.usable, len(findings))
    changed.members = {**changed.members, group: tuple(findings)}
    if apply(changed, request) is not None:
        return None
    before, after = ([accounts[user] for user in findings] for accounts in (state.accounts, changed.accounts))
    keys = findings_of_accounts(product_options.bound, (*before, *after))
    fixed: list[Finding] = []
    lost: set[str] = set()
    for account, keys_before, keys_after in zip(after, keys[: len(before)], keys[len(before) :], strict=True):
        account_findings = findings[account.id]
        resolved = [finding for finding in account_findings if key_of(finding) not in keys_after]
        if keys_after - keys_before or not resolved or is_half_replaced(resolved, account_findings, product_options):
            return None
        lost.update(lost_services(product_options, state.accounts[account.id], account, [sku_id], account_findings))
        fixed.extend(resolved)
    seats = seat_balance(zip(before, after, strict=True))
    proposal = Proposal(after=NOBODY, requests=(request,), remove=(sku_id,), add=added)
    evaluated = scored(product_options, proposal, tuple(fixed), tuple(sorted(lost)), seats=seats)
    return GroupChange(group=group, sku_ids=(sku_id,), target=target, users=tuple(findings), evaluated=evaluated)


def _is_from_chosen_group(
    product_options: ProductOptions, sku_id: str, findings: Mapping[str, Sequence[Finding]]
) -> bool:
    """Whether it was decided about some of the people which group gives the product that replaces theirs."""
    return any(
        product_options.chosen_group(finding) is not None
        and any(same_kind(sku_id, new) for new in product_options.candidates(finding))
        for user_findings in findings.values()
        for finding in user_findings
        if correction_of(finding) is Correction.ASSIGN
    )


def _target(
    product_options: ProductOptions, state: TenantState, sku_id: str, findings: Mapping[str, Sequence[Finding]]
) -> str | None:
    """Return the cheapest product that all of the people lack and may get; None if there is none."""
    shared: list[str] | None = None
    for user, user_findings in findings.items():
        lacking = [
            sku for f in user_findings if correction_of(f) is Correction.ASSIGN for sku in product_options.candidates(f)
        ]
        held = {sku_id, *state.accounts[user].held}
        lacking = [sku for sku in lacking if sku not in held and same_kind(sku_id, sku)]
        shared = lacking if shared is None else [sku for sku in shared if sku in lacking]
    return shared[0] if shared else None


def _off(
    product_options: ProductOptions, accounts: Iterable[Account], path: tuple[str, str], target: str | None
) -> tuple[str, ...]:
    """Return the plans of the new product that stay off: those that are off in the group's old product."""
    paths = [grant for account in accounts for grant in account.grants if (grant.group, grant.sku_id) == path]
    off = {plan for grant in paths for plan in grant.disabled_plans}
    return tuple(sorted(off & product_options.plans(target or "").keys()))
