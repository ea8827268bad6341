"""The registry of all checks, in the order of the policy language."""

from functools import cache
from importlib import import_module
from typing import Any

from auditor.checks.check import Check, Correction, Cost, Detail
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


def limits_spare(check: str) -> bool:
    """Return whether a check compares spare seats with bounds; False for one that this version does not have."""
    definition = _CHECKS.get(check)
    return definition is not None and definition.limits_spare


def cost_of(check: str) -> Cost:
    """Return the meaning of a finding's money; NONE for a check that this version does not have."""
    definition = _CHECKS.get(check)
    return Cost.NONE if definition is None else definition.cost


def correction_of(finding: Finding) -> Correction | None:
    """Return how a change to a user corrects a finding; None for a finding that is not about a user."""
    return _CHECKS[finding.check].correction


_CHECKS: dict[str, Check[Any]] = {}

for _module in (
    "assignments.not_allowed",
    "assignments.denied",
    "assignments.missing",
    "assignments.overlap",
    "assignments.redundant",
    "assignments.path",
    "assignments.duplicate",
    "health.assignment_error",
    "assignments.service_missing",
    "assignments.service_denied",
    "seats.over_assigned",
    "seats.below_minimum",
    "seats.above_maximum",
    "seats.quota_exceeded",
    "seats.purchased_exceeded",
    "seats.not_covered",
    "purchases.not_allowed",
    "purchases.trial",
    "purchases.unknown",
    "subscriptions.expiring",
    "subscriptions.renewal_idle",
    "subscriptions.state",
    "subscriptions.trial_ending",
    "attributes.missing",
    "attributes.not_allowed",
    "health.group_license_errors",
    "health.group_processing",
    "health.group_nested",
    "health.group_paused",
    "health.group_empty",
    "balance.imbalance",
    "budget.exceeded",
    "contracts.seats_differ",
    "contracts.notice",
    "contracts.ending",
    "contracts.missing",
):
    register(import_module(f"auditor.checks.{_module}").CHECK)
