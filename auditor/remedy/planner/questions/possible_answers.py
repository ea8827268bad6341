"""Finds the question that a finding asks, with the products in question and the possible answers."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from auditor.checks.check import Correction
from auditor.checks.registry import check_of, correction_of
from auditor.domain.actions.kind import REMOVING, RENEWED, ActionKind
from auditor.domain.policy.decision import AnswerKind
from auditor.domain.policy.model import Attributes
from auditor.domain.result.finding import Finding
from auditor.guidance.routing import SEPARATE_ACCOUNTS
from auditor.remedy.actions.remedies.choice import REMOVALS
from auditor.remedy.actions.remedies.proposals import downgrade_of
from auditor.remedy.actions.remedies.targets import sku_of
from auditor.remedy.kinds import REVIEW_ARTICLES
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.questions.seat_needs import renewal_answer, renewed_seats
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.planner.simulation.membership_rules import rule_matches, rule_properties
from auditor.remedy.requests import NOT_SET

RELEASE: Final = ({"release": True}, {"release": False})
"""The answers to whether a licence may be removed although services end."""
_RELEASE_ARTICLES: Final = REVIEW_ARTICLES | {SEPARATE_ACCOUNTS}
SETTABLE: Final = frozenset(
    {
        *("city", "companyName", "country", "department", "employeeId", "employeeType", "jobTitle", "officeLocation"),
        *("state", *(f"extensionAttribute{number}" for number in range(1, 16))),
    }
)
"""Properties in rules of dynamic groups that a request can set to any text."""
_REDUCED: Final = REMOVING | {ActionKind.CAP}
PossibleAnswers = tuple[AnswerKind, tuple[str, ...], tuple[Mapping[str, Any], ...]]
"""The kind of a question, the products or properties in question, and the answers."""


def possible_answers(
    product_options: ProductOptions, finding: Finding, account: Account | None
) -> PossibleAnswers | None:
    """Return the question about a finding, with its possible answers; None if there is none."""
    product = part_number_of(finding)
    smaller = downgrade_of(finding, product_options.context)
    if smaller is not None:
        old, new = smaller.names
        return AnswerKind.GIVE, (old, new), ({"give": new}, {"keep": old})
    by_rule = None if account is None else _rule(product_options, finding, account)
    if by_rule is not None:
        return by_rule
    match correction_of(finding):
        case Correction.CHOOSE:
            products = tuple((finding.detail or "").split("+"))
            answers = tuple({"keep": name} for name in _by_services(product_options, products))
            return AnswerKind.KEEP, products, answers
        case Correction.REPLACE if product_options.routes[finding.fingerprint].article in _RELEASE_ARTICLES:
            return AnswerKind.RELEASE, (product,), RELEASE
        case Correction.ASSIGN:
            names = product_options.part_numbers(product_options.candidates(finding))
            return (AnswerKind.GIVE, names, tuple({"give": name} for name in names)) if len(names) > 1 else None
        case Correction.SET_ATTRIBUTE | Correction.CORRECT_ATTRIBUTE if finding.detail not in NOT_SET:
            return _attribute(product_options, finding)
        case Correction.CHANGE_PATH if account is not None:
            return _group(product_options, finding, account, product)
        case _:
            return _seats(product_options, finding, product)


def _by_services(product_options: ProductOptions, names: Iterable[str]) -> list[str]:
    """Return the names of products, those with most service plans first: if they are kept, the fewest services end."""
    plans = {name: sum(len(product_options.plans(sku)) for sku in product_options.named([name])) for name in names}
    return sorted(plans, key=lambda name: -plans[name])


def _rule(product_options: ProductOptions, finding: Finding, account: Account) -> PossibleAnswers | None:
    """Return a question about the property by which a person leaves the dynamic group with an unwanted product."""
    if correction_of(finding) not in REMOVALS:
        return None
    sku_id = sku_of(finding)
    paths = [grant for grant in account.grants if grant.sku_id == sku_id]
    group = product_options.memberships.groups.get(paths[0].group or "") if len(paths) == 1 else None
    if group is None or not group.dynamic or not group.membership_rule:
        return None
    values = account.rule_values
    if rule_matches(group.membership_rule, values) is False:
        return None  # the person leaves the group once the rule is processed
    blocked = {**values, "accountEnabled": False}
    if values.get("accountEnabled") is True and rule_matches(group.membership_rule, blocked) is False:
        return AnswerKind.SET, ("accountEnabled",), ({"set": {"accountEnabled": False}}, {"release": False})
    named = [name for name in rule_properties(group.membership_rule) if name in SETTABLE]
    if not named or rule_matches(group.membership_rule, {**values, named[0]: None}) is not False:
        return None
    return AnswerKind.SET, (named[0],), ({"set": {named[0]: "<value>"}}, {"release": False})


def _attribute(product_options: ProductOptions, finding: Finding) -> PossibleAnswers:
    """Return a question about the value of a property; possible answers are the values that all policies allow."""
    name = finding.detail or ""
    blocks = [
        policy.constraint for policy in product_options.bound.policies if isinstance(policy.constraint, Attributes)
    ]
    lists = [values for block in blocks for allowed, values in block.allow if allowed == name]
    possible = [value for value in lists[0] if all(value in allowed for allowed in lists)] if lists else []
    texts = [value for value in possible if isinstance(value, str)]
    return AnswerKind.SET, (name,), tuple({"set": {name: value}} for value in texts or ["<value>"])


def _group(product_options: ProductOptions, finding: Finding, account: Account, product: str) -> PossibleAnswers | None:
    block = product_options.context.assignments(finding.policy)
    sku_id = sku_of(finding)
    if block is None or block.via != "group" or account.groups_giving(sku_id):
        return None
    groups = product_options.alternative_groups(account, sku_id)
    return (AnswerKind.GROUP, (product,), group_answers(groups)) if groups else None


def _seats(product_options: ProductOptions, finding: Finding, product: str) -> PossibleAnswers | None:
    action = check_of(finding.check).action
    pool = finding.product is not None and finding.product.sku_id is None
    if action is None or pool:
        return None
    situation = product_options.routes[finding.fingerprint].situation
    kind, seats, *_ = action(finding, situation)
    if kind is ActionKind.TRIAL and not situation.is_trial:
        return None  # the answer is about the trial, not about the paid seats beside it
    if kind is ActionKind.BUY:
        return AnswerKind.PURCHASE, (product,), ({"purchase": {"seats": seats}},)
    if kind in RENEWED or (kind in _REDUCED and seats):
        facts, count = product_options.bound.facts, finding.evidence.get("totalLicenses")
        if (index := facts.index.get(finding.subject.id)) is not None and facts.skus[index].enabled is not None:
            _, count = renewed_seats(facts, facts.skus[index])
        if not isinstance(count, int):
            return AnswerKind.RENEWAL, (product,), ({"renewal": {"renew": True}}, {"renewal": {"renew": False}})
        fewer = max(0, count - seats) if kind in _REDUCED else count
        return AnswerKind.RENEWAL, (product,), tuple(renewal_answer(n, count) for n in dict.fromkeys((fewer, count, 0)))
    return None


def group_answers(groups: Iterable[str]) -> tuple[Mapping[str, Any], ...]:
    """Return the answers that name one of the groups."""
    return tuple({"group": {"id": group}} for group in groups)


def part_number_of(finding: Finding) -> str:
    """Return the part number of the product of a finding, or its id; empty without a product."""
    return "" if finding.product is None else finding.product.sku_part_number or finding.product.sku_id or ""
