"""Matches findings against the filters of recipients, and finds filters that match no policy."""

from collections.abc import Collection, Iterator, Sequence

from auditor.domain.enums import Severity
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.policy.model import Policy
from auditor.domain.result.model import PolicyHeader
from auditor.domain.settings import Recipient, Tenant
from auditor.domain.similar_name import did_you_mean

Rule = Policy | PolicyHeader
"""What filters are matched against: a policy, or the header of one in a result."""


def unmet_choices(tenants: Sequence[Tenant], policies: Sequence[Rule]) -> Iterator[Diagnostic]:
    """Yield a warning for every severity, owner and tag of a recipient that no policy of the tenant has.

    There is also a warning if each filter of a recipient matches some policy, but no policy matches all of them.
    """
    for tenant in tenants:
        applicable = [policy for policy in policies if tenant.name in (policy.spec.get("tenants") or (tenant.name,))]
        for entry in tenant.recipients:
            unmet = list(_unmet(tenant.name, entry, applicable))
            yield from unmet
            if not unmet and not any(fits(entry, policy.severity, policy) for policy in applicable):
                yield _warning(
                    entry,
                    Message(
                        "no policy matches all filters of the recipient {address} of the tenant {name}",
                        address=entry.address,
                        name=tenant.name,
                    ),
                    Message("severities, owners and tags have to fit the same policy; leave one of them out"),
                )


def fits(entry: Recipient, severity: Severity, policy: Rule | None) -> bool:
    """Return whether a recipient gets findings of a severity and policy; None if the policy is not in the result."""
    if entry.severities is not None and severity not in entry.severities:
        return False
    if policy is None:
        # Findings of a policy that is not in the result are included.
        return True
    if entry.owners is not None and policy.owner.casefold() not in {owner.casefold() for owner in entry.owners}:
        return False
    tags = {tag.casefold() for tag in policy.tags}
    return entry.tags is None or any(tag.casefold() in tags for tag in entry.tags)


def _unmet(tenant: str, entry: Recipient, policies: Sequence[Rule]) -> Iterator[Diagnostic]:
    filters: tuple[tuple[str, Sequence[str], Collection[str]], ...] = (
        ("severities", entry.severities or (), {policy.severity.value for policy in policies}),
        ("owners", entry.owners or (), {policy.owner for policy in policies if policy.owner}),
        ("tags", entry.tags or (), {tag for policy in policies for tag in policy.tags}),
    )
    for key, values, present in filters:
        folded = {value.casefold() for value in present}
        missing = [str(value) for value in values if value.casefold() not in folded]
        if key == "severities" and len(missing) < len(values):
            continue  # it is enough that one of the severities matches
        for value in missing:
            yield _warning(
                entry,
                Message(
                    "the recipient {address} of the tenant {tenant} filters by {key} '{value}', "
                    "which no policy of the tenant has",
                    address=entry.address,
                    tenant=tenant,
                    key=key,
                    value=value,
                ),
                did_you_mean(value, sorted(present)) or Message("correct it, or leave it out"),
            )


def _warning(entry: Recipient, message: Message, hint: Message) -> Diagnostic:
    return Diagnostic(slug="recipient-no-match", message=message, span=entry.span, hint=hint, level=Level.WARNING)
