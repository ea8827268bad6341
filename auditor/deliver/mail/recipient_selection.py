"""Matches findings with the choices of recipients, and finds choices that no policy meets."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol

from auditor.domain.enums import Severity
from auditor.domain.errors import Diagnostic, Level
from auditor.domain.message import Message
from auditor.domain.similar_name import did_you_mean
from auditor.domain.tenant import Recipient, Tenant


class Rule(Protocol):
    """What a recipient's choice is matched with: a policy, or a result's quotation of one."""

    @property
    def severity(self) -> Severity:
        """Its severity."""

    @property
    def owner(self) -> str:
        """Its owner; empty if it has none."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """The policy as loaded."""


def unmet_choices(tenants: Sequence[Tenant], policies: Sequence[Rule]) -> Iterator[Diagnostic]:
    """Yield a warning for every severity, owner and tag of a recipient that no policy of the tenant has.

    If each of them matches some policy and no policy matches all, one warning says so.
    """
    for tenant in tenants:
        judging = [policy for policy in policies if tenant.name in (policy.spec.get("tenants") or (tenant.name,))]
        for entry in tenant.recipients:
            unmet = list(_unmet(tenant.name, entry, judging))
            yield from unmet
            if not unmet and not any(fits(entry, policy.severity, policy) for policy in judging):
                yield _warning(
                    Message(
                        "no policy matches all filters of the recipient {address} of the tenant {name}",
                        address=entry.address,
                        name=tenant.name,
                    ),
                    Message("severities, owners and tags have to fit the same policy; leave one of them out"),
                )


def fits(entry: Recipient, severity: Severity, policy: Rule | None) -> bool:
    """Return whether a recipient asks for findings of a severity and policy; None if the result does not quote it."""
    if entry.severities is not None and severity not in entry.severities:
        return False
    if policy is None:
        # Findings of a policy that the result does not quote are included.
        return True
    if entry.owners is not None and policy.owner.casefold() not in {owner.casefold() for owner in entry.owners}:
        return False
    tags = {tag.casefold() for tag in policy.tags}
    return entry.tags is None or any(tag.casefold() in tags for tag in entry.tags)


def _unmet(tenant: str, entry: Recipient, policies: Sequence[Rule]) -> Iterator[Diagnostic]:
    asked: tuple[tuple[str, Sequence[str], Collection[str]], ...] = (
        ("severities", entry.severities or (), {policy.severity.value for policy in policies}),
        ("owners", entry.owners or (), {policy.owner for policy in policies if policy.owner}),
        ("tags", entry.tags or (), {tag for policy in policies for tag in policy.tags}),
    )
    for key, wanted, present in asked:
        folded = {value.casefold() for value in present}
        missing = [str(value) for value in wanted if value.casefold() not in folded]
        if key == "severities" and len(missing) < len(wanted):
            continue  # a choice of critical and high includes high alone
        for value in missing:
            yield _warning(
                Message(
                    "the recipient {address} of the tenant {tenant} asks for {key} '{value}', which no "
                    "policy of the tenant has",
                    address=entry.address,
                    tenant=tenant,
                    key=key,
                    value=value,
                ),
                did_you_mean(value, sorted(present)) or Message("correct it, or leave it out"),
            )


def _warning(message: Message, hint: Message) -> Diagnostic:
    return Diagnostic(slug="recipient-no-match", message=message, hint=hint, level=Level.WARNING)
