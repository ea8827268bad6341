"""Evaluates policies on snapshots to find those that match nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from auditor.app.audit.pipeline import audit
from auditor.app.audit.run import Request, opened_states
from auditor.app.catalogue import active
from auditor.domain.enums import Outcome
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message, joined
from auditor.domain.policy.model import PolicySet
from auditor.domain.result.model import Notice, PolicyOutcome


def rehearsed(policies: PolicySet, snapshots: Sequence[Path | str], as_of: datetime) -> list[Diagnostic]:
    """Evaluate policies on snapshots; return a warning for each policy that matches nobody or cannot be evaluated.

    Raises SnapshotError if a snapshot cannot be read.
    """
    request = Request(snapshots=tuple(snapshots), as_of=as_of, started=as_of)
    with opened_states(request, policies) as snapshot_states:
        result = audit(snapshot_states, policies, active(), as_of, alone=True, described=False)
    outcomes_by_tenant = [(tenant.name, tenant.policies, tenant.notices) for tenant in result.tenants]
    outcomes_by_tenant.append(("", result.fleet.policies, result.fleet.notices))
    spans = {policy.id: policy.span for policy in policies.policies}
    return [
        Diagnostic(slug=slug, message=message, span=spans[policy], hint=hint, level=Level.WARNING)
        for name, outcomes, notices in outcomes_by_tenant
        for slug, policy, message, hint in _warnings(name or "fleet", outcomes, notices)
    ]


def _warnings(
    location: str, outcomes: Sequence[PolicyOutcome], notices: Sequence[Notice]
) -> Iterator[tuple[str, str, Message, Message]]:
    for notice in notices:
        if notice.code == "policy.no-match":
            yield (
                "policy-no-match",
                notice.subject,
                joined(": ", (location, notice.message)),
                Message("correct the value, or remove the policy if it should match nobody"),
            )
    for outcome in outcomes:
        if outcome.status is Outcome.NOT_EVALUATED:
            yield (
                "policy-not-evaluated",
                outcome.id,
                Message(
                    "{location}: the policy {id} cannot be evaluated: {reason}",
                    location=location,
                    id=outcome.id,
                    reason=outcome.reason,
                ),
                Message("collect the snapshot again with these policies, or correct what the policy names"),
            )
