"""The registry of all checks, in the order of the policy language."""

from functools import cache
from typing import Any

from auditor.checks.assignments import denied, duplicate, overlap, path, redundant, service_denied, service_missing
from auditor.checks.assignments import missing as assignment_missing
from auditor.checks.assignments import not_allowed as assignment_not_allowed
from auditor.checks.attributes import missing as attribute_missing
from auditor.checks.attributes import not_allowed as attribute_not_allowed
from auditor.checks.balance import imbalance
from auditor.checks.budget import exceeded
from auditor.checks.check import Check, Correction, Cost, Detail
from auditor.checks.contracts import ending, notice, seats_differ
from auditor.checks.contracts import missing as contract_missing
from auditor.checks.health import (
    assignment_error,
    group_empty,
    group_license_errors,
    group_nested,
    group_paused,
    group_processing,
)
from auditor.checks.purchases import not_allowed as purchase_not_allowed
from auditor.checks.purchases import trial, unknown
from auditor.checks.seats import (
    above_maximum,
    below_minimum,
    not_covered,
    over_assigned,
    purchased_exceeded,
    quota_exceeded,
)
from auditor.checks.subscriptions import expiring, renewal_idle, state, trial_ending
from auditor.domain.result.finding import Finding
from auditor.guidance.routing import Articles, Situation


def register(check: Check[Any]) -> None:
    """Add a check. Raises ValueError if one with the same id is registered already."""
    if check.id in _CHECKS:
        raise ValueError(f"the check {check.id} is registered already")
    _CHECKS[check.id] = check
    all_checks.cache_clear()


@cache
def all_checks() -> tuple[Check[Any], ...]:
    """Return all checks, in the order in which they were registered; the same tuple until another one is added."""
    return tuple(_CHECKS.values())


def check_of(check: str) -> Check[Any]:
    """Return a check by its id. Raises KeyError if there is none."""
    return _CHECKS[check]


def known_check(check: str) -> Check[Any] | None:
    """Return a check by its id; None if this version does not have it, as in the result of another version."""
    return _CHECKS.get(check)


def articles_of(check: str, situation: Situation) -> Articles:
    """Return the ids of the articles for a finding: first the instructions, then further reading; never empty.

    Raises KeyError if no check has the id.
    """
    return _CHECKS[check].articles(situation)


def detail_of(check: str) -> Detail:
    """Return the content of a finding's detail; NONE for a check that this version does not have."""
    definition = _CHECKS.get(check)
    return Detail.NONE if definition is None else definition.detail


def cost_of(check: str) -> Cost:
    """Return the meaning of a finding's money; NONE for a check that this version does not have."""
    definition = _CHECKS.get(check)
    return Cost.NONE if definition is None else definition.cost


def correction_of(finding: Finding) -> Correction | None:
    """Return how a change to a user corrects a finding; None for a finding that is not about a user."""
    return _CHECKS[finding.check].correction


_CHECKS: dict[str, Check[Any]] = {}

for _module in (
    assignment_not_allowed,
    denied,
    assignment_missing,
    overlap,
    redundant,
    path,
    duplicate,
    assignment_error,
    service_missing,
    service_denied,
    over_assigned,
    below_minimum,
    above_maximum,
    quota_exceeded,
    purchased_exceeded,
    not_covered,
    purchase_not_allowed,
    trial,
    unknown,
    expiring,
    renewal_idle,
    state,
    trial_ending,
    attribute_missing,
    attribute_not_allowed,
    group_license_errors,
    group_processing,
    group_nested,
    group_paused,
    group_empty,
    imbalance,
    exceeded,
    seats_differ,
    notice,
    ending,
    contract_missing,
):
    register(_module.CHECK)
