"""Evaluates policies on snapshots to find those that match nothing."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from auditor.app.audit.pipeline import audit
from auditor.app.audit.run import Request, opened_states
from auditor.app.catalogue import active
from auditor.domain.enums import Contents, Outcome
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import NOTHING, Message, joined
from auditor.domain.policy.model import PolicySet
from auditor.domain.reasons import first_reasons, kind_of, tenant_list
from auditor.domain.result.model import Notice, PolicyOutcome


def snapshot_warnings(policies: PolicySet, snapshots: Sequence[Path | str], as_of: datetime) -> list[Diagnostic]:
    """Evaluate policies on snapshots; return warnings about those that match nobody or cannot be evaluated.

    Tenants in which a policy has the same reason are in one warning. Raises SnapshotError if a snapshot cannot be read.
    """
    request = Request(snapshots=tuple(snapshots), as_of=as_of)
    with opened_states(request, policies) as snapshot_states:
        result = audit(snapshot_states, policies, active(), as_of, contents=Contents.OUTCOMES, only_tenant=True)
    outcomes_by_tenant = [(tenant.name, tenant.policies, tenant.notices) for tenant in result.tenants]
    outcomes_by_tenant.append(("", result.fleet.policies, result.fleet.notices))
    found: dict[tuple[str, str], dict[Message | frozenset[str], list[_Found]]] = {}
    for name, outcomes, notices in outcomes_by_tenant:
        for item in _found(name or "fleet", outcomes, notices):
            # Whom a policy could match instead differs between tenants, ids of what was not read differ in every one.
            same = item.reason if item.slug == "policy-no-match" else kind_of(item.reason)
            found.setdefault((item.slug, item.policy), {}).setdefault(same, []).append(item)
    spans = {policy.id: policy.span for policy in policies.policies}
    return [
        Diagnostic(
            slug=slug,
            message=message,
            span=spans[policy],
            hint=_HINTS[slug] if complete else joined("; ", (_HINTS[slug], _ALL)),
            level=Level.WARNING,
        )
        for (slug, policy), groups in found.items()
        for message, complete in _messages(policy, tuple(groups.values()))
    ]


class _Found(Struct, frozen=True, kw_only=True):
    """A policy that a tenant has nothing for, or that could not be evaluated in it."""

    slug: str
    policy: str
    location: str
    """The tenant, or `fleet`."""
    reason: Message


_HINTS = {
    "policy-no-match": Message("correct the value, or remove the policy if it should match nobody"),
    "policy-not-evaluated": Message("collect the snapshot again with these policies, or correct what the policy names"),
}
_ALL = Message("`auditor audit --snapshot` shows all tenants and reasons")
_MOST = 3
"""Number of different reasons that are reported for a policy if there are more than _MOST + 1."""


def _found(location: str, outcomes: Sequence[PolicyOutcome], notices: Sequence[Notice]) -> Iterator[_Found]:
    for notice in notices:
        if notice.code == "policy.no-match":
            yield _Found(slug="policy-no-match", policy=notice.subject, location=location, reason=notice.message)
    for outcome in outcomes:
        if outcome.status is Outcome.NOT_EVALUATED:
            reason = outcome.reason or NOTHING
            yield _Found(slug="policy-not-evaluated", policy=outcome.id, location=location, reason=reason)


def _messages(policy: str, groups: Sequence[Sequence[_Found]]) -> Iterator[tuple[Message, bool]]:
    """Yield a message for each group of tenants with the same reason, and whether it names all tenants and reasons."""
    shown = groups if len(groups) <= _MOST + 1 else groups[:_MOST]
    for group in shown:
        names, first = [item.location for item in group], group[0]
        location, reason = tenant_list(names), first_reasons(first.reason)
        complete = location == ", ".join(names) and reason == first.reason
        if first.slug == "policy-no-match":
            yield joined(": ", (location, reason)), complete
        else:
            facts = {"location": location, "id": policy, "reason": reason}
            yield Message("{location}: the policy {id} cannot be evaluated: {reason}", **facts), complete
    if len(shown) < len(groups):
        names = [item.location for group in groups[_MOST:] for item in group]
        facts = {"location": tenant_list(names), "count": str(len(groups) - _MOST), "id": policy}
        yield Message("{location}: {count} more reasons for the policy {id}", **facts), False
