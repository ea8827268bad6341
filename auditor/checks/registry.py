"""All checks, in the order of the policy language."""

from typing import Any

from auditor.checks.assignments.denied import CHECK as ASSIGNMENTS_DENIED
from auditor.checks.assignments.duplicate import CHECK as ASSIGNMENTS_DUPLICATE
from auditor.checks.assignments.missing import CHECK as ASSIGNMENTS_MISSING
from auditor.checks.assignments.not_allowed import CHECK as ASSIGNMENTS_NOT_ALLOWED
from auditor.checks.assignments.overlap import CHECK as ASSIGNMENTS_OVERLAP
from auditor.checks.assignments.path import CHECK as ASSIGNMENTS_PATH
from auditor.checks.assignments.redundant import CHECK as ASSIGNMENTS_REDUNDANT
from auditor.checks.assignments.service_denied import CHECK as ASSIGNMENTS_SERVICE_DENIED
from auditor.checks.assignments.service_missing import CHECK as ASSIGNMENTS_SERVICE_MISSING
from auditor.checks.attributes.missing import CHECK as ATTRIBUTES_MISSING
from auditor.checks.attributes.not_allowed import CHECK as ATTRIBUTES_NOT_ALLOWED
from auditor.checks.balance.imbalance import CHECK as BALANCE_IMBALANCE
from auditor.checks.budget.exceeded import CHECK as BUDGET_EXCEEDED
from auditor.checks.check import Check, Correction, Cost, Detail
from auditor.checks.contracts.ending import CHECK as CONTRACTS_ENDING
from auditor.checks.contracts.missing import CHECK as CONTRACTS_MISSING
from auditor.checks.contracts.notice import CHECK as CONTRACTS_NOTICE
from auditor.checks.contracts.seats_differ import CHECK as CONTRACTS_SEATS_DIFFER
from auditor.checks.health.assignment_error import CHECK as HEALTH_ASSIGNMENT_ERROR
from auditor.checks.health.group_empty import CHECK as HEALTH_GROUP_EMPTY
from auditor.checks.health.group_license_errors import CHECK as HEALTH_GROUP_LICENSE_ERRORS
from auditor.checks.health.group_nested import CHECK as HEALTH_GROUP_NESTED
from auditor.checks.health.group_paused import CHECK as HEALTH_GROUP_PAUSED
from auditor.checks.health.group_processing import CHECK as HEALTH_GROUP_PROCESSING
from auditor.checks.purchases.not_allowed import CHECK as PURCHASES_NOT_ALLOWED
from auditor.checks.purchases.trial import CHECK as PURCHASES_TRIAL
from auditor.checks.purchases.unknown import CHECK as PURCHASES_UNKNOWN
from auditor.checks.seats.above_maximum import CHECK as SEATS_ABOVE_MAXIMUM
from auditor.checks.seats.below_minimum import CHECK as SEATS_BELOW_MINIMUM
from auditor.checks.seats.not_covered import CHECK as SEATS_NOT_COVERED
from auditor.checks.seats.over_assigned import CHECK as SEATS_OVER_ASSIGNED
from auditor.checks.seats.purchased_exceeded import CHECK as SEATS_PURCHASED_EXCEEDED
from auditor.checks.seats.quota_exceeded import CHECK as SEATS_QUOTA_EXCEEDED
from auditor.checks.subscriptions.expiring import CHECK as SUBSCRIPTIONS_EXPIRING
from auditor.checks.subscriptions.renewal_idle import CHECK as SUBSCRIPTIONS_RENEWAL_IDLE
from auditor.checks.subscriptions.state import CHECK as SUBSCRIPTIONS_STATE
from auditor.checks.subscriptions.trial_ending import CHECK as SUBSCRIPTIONS_TRIAL_ENDING
from auditor.domain.result.model import Finding
from auditor.guidance.routing import Articles, Situation


def register(check: Check[Any]) -> None:
    """Add a check; ValueError where one has the same id."""
    if check.id in _CHECKS:
        raise ValueError(f"the check {check.id} is registered already")
    _CHECKS[check.id] = check


def registered() -> tuple[Check[Any], ...]:
    """Return all checks, in the order in which they were registered."""
    return tuple(_CHECKS.values())


def check_of(check: str) -> Check[Any]:
    """Return a check by its id; KeyError where none has it."""
    return _CHECKS[check]


def known_check(check: str) -> Check[Any] | None:
    """Return a check by its id; None where a result of another version names one that does not exist here."""
    return _CHECKS.get(check)


def articles_of(check: str, situation: Situation) -> Articles:
    """Return the ids of the articles for a finding: the first says what to do, the others what else to read.

    KeyError where no check has the id. Never empty.
    """
    return _CHECKS[check].articles(situation)


def tells_holdings(check: str) -> bool:
    """Return whether the evidence of a finding in words lists all products of the user."""
    known = _CHECKS.get(check)
    return known is not None and known.tells_holdings


def detail_of(check: str) -> Detail:
    """Return what the detail of a finding holds; NONE for a check that does not exist here."""
    known = _CHECKS.get(check)
    return Detail.NONE if known is None else known.detail


def cost_of(check: str) -> Cost:
    """Return what the money of a finding stands for; NONE for a check that does not exist here."""
    known = _CHECKS.get(check)
    return Cost.NONE if known is None else known.cost


def correction_of(finding: Finding) -> Correction | None:
    """Return what a change to a user does about a finding; None for a finding about anything else."""
    return _CHECKS[finding.check].correction


_CHECKS: dict[str, Check[Any]] = {}

for _check in (
    ASSIGNMENTS_NOT_ALLOWED,
    ASSIGNMENTS_DENIED,
    ASSIGNMENTS_MISSING,
    ASSIGNMENTS_OVERLAP,
    ASSIGNMENTS_REDUNDANT,
    ASSIGNMENTS_PATH,
    ASSIGNMENTS_DUPLICATE,
    HEALTH_ASSIGNMENT_ERROR,
    ASSIGNMENTS_SERVICE_MISSING,
    ASSIGNMENTS_SERVICE_DENIED,
    SEATS_OVER_ASSIGNED,
    SEATS_BELOW_MINIMUM,
    SEATS_ABOVE_MAXIMUM,
    SEATS_QUOTA_EXCEEDED,
    SEATS_PURCHASED_EXCEEDED,
    SEATS_NOT_COVERED,
    PURCHASES_NOT_ALLOWED,
    PURCHASES_TRIAL,
    PURCHASES_UNKNOWN,
    SUBSCRIPTIONS_EXPIRING,
    SUBSCRIPTIONS_RENEWAL_IDLE,
    SUBSCRIPTIONS_STATE,
    SUBSCRIPTIONS_TRIAL_ENDING,
    ATTRIBUTES_MISSING,
    ATTRIBUTES_NOT_ALLOWED,
    HEALTH_GROUP_LICENSE_ERRORS,
    HEALTH_GROUP_PROCESSING,
    HEALTH_GROUP_NESTED,
    HEALTH_GROUP_PAUSED,
    HEALTH_GROUP_EMPTY,
    BALANCE_IMBALANCE,
    BUDGET_EXCEEDED,
    CONTRACTS_SEATS_DIFFER,
    CONTRACTS_NOTICE,
    CONTRACTS_ENDING,
    CONTRACTS_MISSING,
):
    register(_check)
